package local

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"lidrlab/lidr/lm"
	"lidrlab/lidr/transformer"
)

// Samples of one prompt, which is read once for all of them, are those that each is alone.
func TestSamplesShareTheirPrompt(t *testing.T) {
	l := newModel(t, 300)
	clear(l.eos) // random weights would end at random
	var answers []*answer
	fresh := func(k int) *answer {
		prompt := make([]int, []int{40, 40, 17, transformer.PageSize}[k%4])
		for i := range prompt {
			prompt[i] = (k%4*31 + i*i*7) % 200
		}
		s := lm.Sampling{Temperature: 1.5, TopP: .9, MaxTokens: 20, Seed: int64(k)}
		return &answer{prompt: prompt, limit: 5 + k, sampler: newSampler(s, "", prompt), stream: &Stream{}}
	}
	for k := range 14 {
		answers = append(answers, fresh(k))
		answers[k].stream.answer = answers[k]
	}
	if err := l.decode(t.Context(), answers); err != nil {
		t.Fatal(err)
	}
	for k, got := range answers {
		want := fresh(k)
		want.stream = nil
		if err := l.decode(t.Context(), []*answer{want}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.tokens, want.tokens) || len(got.tokens) != 5+k {
			t.Errorf("sample %d is %v, alone %v", k, got.tokens, want.tokens)
		}
		if first := k < 4; first != (got.shared == 0) || !first && got.shared != len(got.prompt) {
			t.Errorf("sample %d had %d of %d tokens read for it by another", k, got.shared, len(got.prompt))
		}
	}
}

// Tokens and their log-probabilities, to the bit, do not depend on what is computed beside an answer, on the pieces
// that its prompt is read in, on a beginning that it shares with others at the time or before it, or on pages that
// others had before.
func TestSharedBeginningsKeepTheBits(t *testing.T) {
	l := newModel(t, 400)
	l.lanes = 1
	clear(l.eos)
	var queries []Query
	for k := range 40 {
		prompt := make([]int, 30+k*k*17%250)
		for i := range prompt {
			prompt[i] = (i*i*7 + i) % 200 // the beginning of all,
			if i >= 20+k%5*50 {
				prompt[i] = (i*k*13 + k*31) % 200 // of some, and of one
			}
		}
		queries = append(queries, Query{Prompt: prompt, Logprobs: true, TopLogprobs: 2,
			Sampling: lm.Sampling{Temperature: 1.3, MaxTokens: 10 + k%70, Seed: int64(k)}})
	}
	answers := func(b *Batcher, of []Query) (all []string, shared int) {
		var clients sync.WaitGroup
		var mu sync.Mutex
		all = make([]string, len(of))
		for k, q := range of {
			clients.Go(func() {
				s, err := b.Submit(t.Context(), q)
				if err != nil {
					t.Error(err)
					return
				}
				whole, err := s.Whole()
				all[k] = fmt.Sprintln(whole, err)
				mu.Lock()
				shared += s.Shared()
				mu.Unlock()
			})
		}
		clients.Wait()
		return all, shared
	}
	var want []string
	for _, q := range queries {
		b := l.NewBatcher(1, 1<<30, 1000)
		one, shared := answers(b, []Query{q})
		b.Close()
		if want = append(want, one[0]); shared != 0 {
			t.Fatalf("%d tokens were read for an answer that is the first", shared)
		}
	}
	for name, c := range map[string]struct{ pages, piece int }{"with room": {1000, 1000}, "with little": {40, 33}} {
		b := l.NewBatcher(9, c.pages*l.pageBytes(), c.piece)
		tokens, before := 0, 0
		for round := range 2 {
			got, shared := answers(b, queries)
			for k, w := range want {
				if got[k] != w {
					t.Errorf("%s, round %d: answer %d is %.200s\nalone %.200s", name, round, k, got[k], w)
				}
			}
			tokens = 0
			for _, q := range queries {
				tokens += len(q.Prompt) - 1
			}
			if shared <= before || round == 1 && c.pages == 1000 && shared != tokens {
				t.Errorf("%s, round %d: %d of %d tokens were shared, %d before", name, round, shared, tokens, before)
			}
			if c.pages == 1000 {
				before = shared
			}
		}
		b.Close()
	}
}

// While a long prompt is read, every answer under way gets a token after each piece.
func TestLongPromptsLetOthersGoOn(t *testing.T) {
	l := newModel(t, 1000)
	clear(l.eos)
	d, err := l.newDecoding(100)
	if err != nil {
		t.Fatal(err)
	}
	defer d.pages.release()
	ask := func(n int) *answer {
		prompt := make([]int, n)
		for i := range prompt {
			prompt[i] = (n + i*i*7) % 200
		}
		return &answer{prompt: prompt, limit: 50, sampler: newSampler(lm.Sampling{}, "", prompt)}
	}
	a, long := ask(5), ask(900)
	d.join([]*answer{a})
	if err := d.round(100); err != nil {
		t.Fatal(err)
	}
	d.join([]*answer{long})
	begun := len(a.tokens)
	for n := 1; n <= 9; n++ {
		if err := d.round(100); err != nil {
			t.Fatal(err)
		}
		if len(a.tokens) != begun+n || n < 9 && (long.read != 100*n || len(long.tokens) > 0) {
			t.Fatalf("after %d pieces: %d tokens, %d tokens of the prompt were read", n, len(a.tokens)-begun, long.read)
		}
	}
	if len(long.tokens) != 2 {
		t.Errorf("%d tokens follow the prompt after its last piece and a step", len(long.tokens))
	}
}

// Pages that no answer has can all be taken: also those of prompts that were read beside each other and begin alike,
// and the last one where it is the one that a prompt would share a part of.
func TestIdlePagesCanBeTaken(t *testing.T) {
	l := newModel(t, 400)
	clear(l.eos)
	d, err := l.newDecoding(16)
	if err != nil {
		t.Fatal(err)
	}
	defer d.pages.release()
	ask := func(n, own, limit int) *answer {
		prompt := make([]int, n+3)
		for i := range prompt {
			prompt[i] = i * i * 7 % 200
		}
		prompt[n] = own
		return &answer{prompt: prompt, limit: limit, sampler: newSampler(lm.Sampling{}, "", prompt)}
	}
	until := func(a *answer) {
		t.Helper()
		for a.finish == "" || slices.Contains(d.live, a) {
			if err := d.round(1000); err != nil {
				t.Fatal(err)
			}
		}
	}
	takeAll := func() {
		t.Helper()
		if err := d.pages.take(&answer{}, d.pages.idle()); err != nil {
			t.Error(err)
		}
	}
	known, a, b := ask(20, 1, 1), ask(70, 2, 1), ask(70, 3, 200)
	d.join([]*answer{known})
	until(known)
	d.join([]*answer{a, b}) // neither waits for the other, since a part of the page is known
	until(a)
	if len(d.live) != 1 || len(b.tokens) != 2 {
		t.Fatalf("%d answers are under way, and one has %d tokens", len(d.live), len(b.tokens))
	}
	takeAll()

	if err := d.pages.empty(); err != nil {
		t.Fatal(err)
	}
	d.live = nil
	d.join([]*answer{known})
	known.finish, known.tokens = "", nil
	until(known)
	if err := d.pages.take(&answer{}, d.pages.idle()-1); err != nil {
		t.Fatal(err)
	}
	last := ask(20, 4, 5)
	d.join([]*answer{last})
	until(last)
	takeAll()
}

// The tree finds the longest beginning, whole pages and a part; it forgets the oldest end first, and nothing that an
// answer has.
func TestPrefixes(t *testing.T) {
	const size = transformer.PageSize
	text := func(n int, rest ...int) []int {
		out := make([]int, n)
		for i := range out {
			out[i] = i
		}
		return append(out, rest...)
	}
	var p prefixes
	users := make([]int, 10)
	find := func(text []int) string { return fmt.Sprint(p.find(text)) }
	p.add(text(2*size+9), []int32{1, 2, 3}, users)
	p.add(text(size+5, 900, 901), []int32{1, 4}, users)
	for _, c := range []struct {
		text []int
		want string
	}{
		{[]int{7}, "[] 0 0"}, {text(3), "[] 1 3"}, {text(size), "[1] 0 0"}, {text(size+5, 900), "[1] 4 6"},
		{text(size+5, 7), "[1] 2 5"}, {text(2 * size), "[1 2] 0 0"}, {text(2*size+12, 5), "[1 2] 3 9"},
	} {
		if got := find(c.text); got != c.want {
			t.Errorf("%d tokens are found in %s, want %s", len(c.text), got, c.want)
		}
	}
	if free := p.add(text(3*size), []int32{1, 2, 5}, users); fmt.Sprint(free) != "[3]" {
		t.Errorf("an end that goes on frees %v", free)
	}
	find(text(size+5, 900)) // page 4 is asked for last
	users[2], users[1] = 1, 1
	for _, want := range []string{"5 true", "4 true", "0 false"} {
		if got := fmt.Sprint(p.forget(users)); got != want {
			t.Errorf("forgotten %s, want %s", got, want)
		}
	}
	if p.unused(users) != 0 || !p.holds(2) || p.holds(5) {
		t.Errorf("%d pages are held for nobody", p.unused(users))
	}
}
