package local

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"

	"lidrlab/lidr/lm"
)

// finish reads a stream to its end.
func finish(s *Stream) (text string, tokens []Token, finish string, err error) {
	for finish == "" && err == nil {
		var p Piece
		p, err = s.Next()
		text, tokens, finish = text+p.Text, append(tokens, p.Tokens...), p.Finish
	}
	return text, tokens, finish, err
}

// Answers that join and leave a batch at any step, into free places and by moving it, equal those of Generate, and
// their log-probabilities equal those of one pass over the finished text.
func TestBatcherAnswersAsGenerate(t *testing.T) {
	l := newModel(t, 300)
	l.lanes = 1
	reqs := requests(120)
	for i := range reqs {
		reqs[i].ID = "" // the stream that a query has
		reqs[i].Prefill = string(make([]byte, i%7*(i%5)*8))
	}
	var samplings []lm.Sampling
	var want []lm.Completion
	for i, r := range reqs {
		s := lm.Sampling{Temperature: 1.2, TopK: 40, RepetitionPenalty: 1.1, MaxTokens: 1 + i*i%150,
			Stop: []string{"e", "\xc3\xa9", "qu"}, Seed: int64(i)}
		samplings = append(samplings, s)
		err := l.Generate(t.Context(), []lm.Request{r}, s, nil,
			func(_ []int, out []lm.Completion) error { want = append(want, out[0]); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	prompts := make([][]int, len(reqs))
	for i, r := range reqs {
		prompts[i], _ = l.encode(r)
	}
	b := l.NewBatcher(11, 1<<30, PromptPiece)
	var clients sync.WaitGroup
	all := make([][]Token, len(reqs))
	for c := range 16 {
		clients.Go(func() {
			for i := c; i < len(reqs); i += 16 {
				s, err := b.Submit(t.Context(), Query{Prompt: prompts[i], Sampling: samplings[i], Logprobs: true,
					TopLogprobs: i % 4})
				if err != nil {
					t.Error(err)
					return
				}
				text, tokens, reason, err := finish(s)
				if got := (lm.Completion{Text: text, FinishReason: reason, PromptTokens: len(prompts[i]),
					Tokens: len(tokens)}); err != nil || got != want[i] {
					t.Errorf("query %d: error %v, %+v, Generate says %+v", i, err, got, want[i])
				}
				all[i] = tokens
			}
		})
	}
	clients.Wait()
	b.Close()
	for i, tokens := range all {
		sequence := slices.Clone(prompts[i])
		for _, token := range tokens {
			sequence = append(sequence, token.ID)
		}
		logprobs, err := l.tokenLogprobs([][]int{sequence})
		if err != nil {
			t.Fatal(err)
		}
		for k, lp := range logprobs[0][len(prompts[i])-1:] {
			if math.Abs(tokens[k].Logprob-float64(lp)) > 1e-4 || len(tokens[k].Top) != i%4 {
				t.Fatalf("query %d, token %d: log-probability %g with %d alternatives, expected %g with %d", i, k,
					tokens[k].Logprob, len(tokens[k].Top), lp, i%4)
			}
		}
	}
}

func TestBatcherDropsWhatNobodyWaitsFor(t *testing.T) {
	l := newModel(t, 4000)
	l.lanes = 1
	clear(l.eos) // random weights would end at random
	b := l.NewBatcher(1, 1<<30, PromptPiece)
	ctx, cancel := context.WithCancel(t.Context())
	query := Query{Prompt: []int{1, 2, 3}, Sampling: lm.Sampling{MaxTokens: 3900}}
	gone, err := b.Submit(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Next(); err != nil {
		t.Fatal(err)
	}
	unread, err := b.Submit(ctx, query) // waits for the only row
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	query.Sampling.MaxTokens = 2
	next, err := b.Submit(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if _, tokens, _, err := finish(next); err != nil || len(tokens) != 2 {
		t.Errorf("%d tokens, error %v", len(tokens), err)
	}
	query.Sampling.MaxTokens = 3900
	late, err := b.Submit(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Next(); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if _, _, _, err := finish(late); !errors.Is(err, ErrClosed) {
		t.Errorf("closing the batcher ended an answer with %v", err)
	}
	if _, err := b.Submit(t.Context(), query); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed batcher says %v", err)
	}
	if n := len(gone.answer.tokens); n == 3900 || len(unread.answer.tokens) > 0 {
		t.Errorf("%d and %d tokens were computed for a client that had gone", n, len(unread.answer.tokens))
	}
}

func TestBatcherRefuses(t *testing.T) {
	b := newModel(t, 64).NewBatcher(2, 1<<30, PromptPiece)
	defer b.Close()
	for _, q := range []Query{
		{Sampling: lm.Sampling{MaxTokens: 1}},
		{Prompt: make([]int, 64), Sampling: lm.Sampling{MaxTokens: 1}},
		{Prompt: []int{1, 999}, Sampling: lm.Sampling{MaxTokens: 1}},
		{Prompt: []int{1}},
	} {
		if _, err := b.Submit(t.Context(), q); err == nil {
			t.Errorf("%+v was taken", q)
		}
	}
}

// The part of an answer that has been sent must not change when the answer goes on.
func TestSettled(t *testing.T) {
	for _, c := range []struct {
		text string
		stop []string
		want int
	}{
		{"", nil, 0},
		{"abc", nil, 3},
		{"ab<", []string{"</t>"}, 2},
		{"ab</t", []string{"</t>", "t>"}, 2},
		{"ab<x", []string{"</t>"}, 4},
		{"aab", []string{"abaab"}, 1}, // "ab" may become the stop text
		{"ab\xe2\x82", nil, 2},        // half of €
		{"ab€", nil, 5},
		{"ab\uFFFD", nil, 5},
		{"ab\xff\xff", nil, 2}, // becomes one U+FFFD with what may follow
	} {
		a := &answer{bytes: []byte(c.text), sampler: newSampler(lm.Sampling{Stop: c.stop}, "", nil)}
		if got := a.settled(); got != c.want {
			t.Errorf("%q with stops %q: %d bytes are settled, expected %d", c.text, c.stop, got, c.want)
		}
	}
}

func TestLikeliest(t *testing.T) {
	ln := func(p float64) float32 { return float32(math.Log(p)) + 7 }
	got := likeliest([]float32{ln(.1), ln(.4), ln(.1), ln(.3), ln(.1)}, 2, 3)
	want := Token{2, math.Log(.1), []Alternative{{1, math.Log(.4)}, {3, math.Log(.3)}, {0, math.Log(.1)}}}
	same := got.ID == want.ID && math.Abs(got.Logprob-want.Logprob) < 1e-6 && len(got.Top) == len(want.Top)
	for k := range want.Top {
		same = same && got.Top[k].ID == want.Top[k].ID && math.Abs(got.Top[k].Logprob-want.Top[k].Logprob) < 1e-6
	}
	if !same {
		t.Errorf("got %+v, expected %+v", got, want)
	}
}

// With pages for three answers of 80 tokens, twelve are answered three at a time, and one that does not fit alone is
// refused.
func TestBatcherKeepsToItsMemory(t *testing.T) {
	l := newModel(t, 300)
	l.lanes = 1
	query := Query{Prompt: []int{1, 2, 3}, Sampling: lm.Sampling{Temperature: 2, MaxTokens: 80}}
	b := l.NewBatcher(12, 7*l.pageBytes(), PromptPiece) // two for each answer, and half of what a fourth would need
	defer b.Close()
	if _, err := b.Submit(t.Context(), Query{Prompt: make([]int, 200),
		Sampling: lm.Sampling{MaxTokens: 80}}); err != nil {
		t.Errorf("200 + 80 tokens: %v", err)
	}
	if _, err := b.Submit(t.Context(), Query{Prompt: make([]int, 200),
		Sampling: lm.Sampling{MaxTokens: 300}}); err != nil {
		t.Errorf("as many tokens as the context has: %v", err)
	}
	var clients sync.WaitGroup
	for k := range 12 {
		clients.Go(func() {
			q := query
			q.Prompt = append(slices.Clone(q.Prompt), k)
			s, err := b.Submit(t.Context(), q)
			if err == nil {
				_, err = s.Whole()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
	small := newModel(t, 300).NewBatcher(1, 2*l.pageBytes(), PromptPiece)
	defer small.Close()
	_, err := small.Submit(t.Context(), Query{Prompt: make([]int, 200), Sampling: lm.Sampling{MaxTokens: 80}})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("a query larger than the memory: %v", err)
	}
}
