package dpo

import (
	"context"
	"math"
	"strings"
	"testing"

	"lidrlab/lidr/transformer"
)

// TestLogprobsAreThoseOfReference: sequences get the log-probabilities that they have as the sides of pairs, those
// that are done are not computed, and the numbers do not depend on which are.
func TestLogprobsAreThoseOfReference(t *testing.T) {
	b, m := openBackend(t), transformer.Init(tiny, 1)
	pairs := randomPairs(120, tiny.VocabSize, 1)
	ref := reference(t, b, m, pairs, testSettings())
	var sequences []Sequence
	for _, p := range pairs {
		sequences = append(sequences, Sequence{p.Prompt, p.Chosen}, Sequence{p.Prompt, p.Rejected})
	}
	logprobs := func(done func(int) bool) map[int]float64 {
		out, calls := map[int]float64{}, 0
		err := Logprobs(context.Background(), b, m, sequences, done, func(idx []int, sums []float64) error {
			calls++
			for place, i := range idx {
				out[i] = sums[place]
			}
			return nil
		})
		if err != nil || calls < 2 {
			t.Fatalf("%d batches with error %v, the test needs more than one", calls, err)
		}
		return out
	}
	whole := logprobs(func(int) bool { return false })
	if len(whole) != len(sequences) {
		t.Errorf("%d of %d sequences were saved", len(whole), len(sequences))
	}
	for i, got := range whole {
		near(t, "log-probability", got, ref[i/2][i%2], 1e-4)
	}
	rest := logprobs(func(i int) bool { return i%2 == 0 })
	if len(rest) != len(pairs) {
		t.Errorf("%d sequences were saved, want the %d that were not done", len(rest), len(pairs))
	}
	for i, got := range rest {
		if i%2 == 0 || got != whole[i] {
			t.Errorf("sequence %d: %v, want %v", i, got, whole[i])
		}
	}
}

func TestLogprobsErrors(t *testing.T) {
	b, m := openBackend(t), transformer.Init(tiny, 1)
	broken := transformer.Init(tiny, 1)
	value := broken.Store.GetVariable("model.norm.weight").MustValue()
	value.MustMutableFlatData(func(flat any) { flat.([]float32)[0] = float32(math.NaN()) })
	for want, c := range map[string]struct {
		m *transformer.Model
		s Sequence
	}{
		"sequence 1: the prompt is empty":                     {m, Sequence{nil, []int32{2}}},
		"sequence 1: the response is empty":                   {m, Sequence{[]int32{1}, nil}},
		"sequence 1: 70 tokens, expected at most":             {m, Sequence{make([]int32, 69), []int32{2}}},
		"sequence 1: token id 29, expected 0 to 28":           {m, Sequence{[]int32{1}, []int32{29}}},
		"has log-probability NaN: the model's weights are br": {broken, Sequence{[]int32{1}, []int32{2}}},
	} {
		sequences := []Sequence{{[]int32{1}, []int32{2}}, c.s}
		err := Logprobs(context.Background(), b, c.m, sequences, func(int) bool { return false }, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q", err, want)
		}
	}
}
