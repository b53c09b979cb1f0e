package local

import (
	"slices"
	"testing"

	"lidrlab/lidr/lm"
)

// Samples of one prompt, which is read once for all of them, are those that each is alone.
func TestSamplesShareTheirPrompt(t *testing.T) {
	l := newModel(t, 300)
	clear(l.eos) // random weights would end at random
	var answers []*answer
	fresh := func(k int) *answer {
		prompt := make([]int, []int{40, 40, 17}[k%3])
		for i := range prompt {
			prompt[i] = (k%3*31 + i*i*7) % 200
		}
		s := lm.Sampling{Temperature: 1.5, TopP: .9, MaxTokens: 20, Seed: int64(k)}
		return &answer{prompt: prompt, limit: 5 + k, sampler: newSampler(s, "", prompt), stream: &Stream{}}
	}
	for k := range 14 {
		answers = append(answers, fresh(k))
		answers[k].stream.answer = answers[k]
	}
	d := &decoding{model: l, live: slices.Clone(answers)}
	defer d.release()
	if err := d.read(); err != nil {
		t.Fatal(err)
	}
	for len(d.going()) > 0 {
		if err := d.advance(); err != nil {
			t.Fatal(err)
		}
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
	}
	if groups := alike(answers); len(groups) != 1 {
		t.Errorf("three prompts are read in %d groups", len(groups))
	}
	var long []*answer
	for range 64 {
		long = append(long, &answer{prompt: make([]int, 4000), stream: &Stream{}})
	}
	if groups := alike(long); len(groups) != 1 {
		t.Errorf("one prompt of 64 answers is read in %d groups", len(groups))
	}
}
