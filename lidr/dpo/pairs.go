package dpo

import (
	"errors"
	"fmt"
	"math"

	"lidrlab/lidr/checkpoint"
)

// Pair is a prompt with a preferred and a dispreferred response, as token ids. The responses go through the token that
// ends a turn, or through what the chat template writes behind it; all of these count. SFT and replay do not read
// Rejected, which may be nil there.
type Pair struct{ Prompt, Chosen, Rejected []int32 }

// Weighted is a sequence to pretrain on. Weights[t], 0 or more, is the weight of the loss of predicting Tokens[t+1], so
// there are len(Tokens)−1 of them.
type Weighted struct {
	Tokens  []int32
	Weights []float32
}

// longest returns the largest number of tokens of a sequence.
func (s Settings) longest(c checkpoint.Config) int {
	if s.MaxLength == 0 {
		return c.MaxPositionEmbeddings
	}
	return min(s.MaxLength, c.MaxPositionEmbeddings)
}

// checkPairs returns an error naming the first pair that cannot be trained on. what names a pair in the error.
func checkPairs(what string, pairs []Pair, rejected bool, longest int, c checkpoint.Config) error {
	if len(pairs) == 0 {
		return fmt.Errorf("the list of %ss is empty: nothing to train on", what)
	}
	for i, p := range pairs {
		switch {
		case len(p.Prompt) == 0:
			return fmt.Errorf("%s %d: the prompt is empty: expected at least one token before the response", what, i)
		case len(p.Chosen) == 0:
			return fmt.Errorf("%s %d: the chosen response is empty, so all of its labels are masked: drop it", what, i)
		case rejected && len(p.Rejected) == 0:
			return fmt.Errorf("%s %d: the rejected response is empty, so all of its labels are masked: drop it, or train "+
				"with objective sft", what, i)
		}
		sides := [][]int32{p.Prompt, p.Chosen}
		n := len(p.Prompt) + len(p.Chosen)
		if rejected {
			sides, n = append(sides, p.Rejected), p.length()
		}
		if n > longest {
			return fmt.Errorf("%s %d has %d tokens, expected at most %d: drop it, or raise max_length up to the model's "+
				"context of %d", what, i, n, longest, c.MaxPositionEmbeddings)
		}
		for _, side := range sides {
			if err := checkTokens(side, c.VocabSize); err != nil {
				return fmt.Errorf("%s %d: %w", what, i, err)
			}
		}
	}
	return nil
}

// checkReference returns an error naming the first reference that is no log-probability.
func (s Settings) checkReference(ref [][2]float64, pairs int) error {
	want := pairs
	switch {
	case preferences[s.Loss].free:
		want = 0
	case s.Loss == "kto":
		want = 2 * pairs
	}
	if len(ref) != want {
		return fmt.Errorf("%d reference log-probabilities for %d pairs: expected %d under loss %s, those of each side of "+
			"every pair of Settings.Referenced, from Reference", len(ref), pairs, want, s.Loss)
	}
	for i, r := range ref {
		for side, x := range r {
			if math.IsNaN(x) || math.IsInf(x, 0) || x > 1e-3 {
				return fmt.Errorf("reference log-probability %v of pair %d (%s): expected a finite number of at most 0", x, i,
					[2]string{"chosen", "rejected"}[side])
			}
		}
	}
	return nil
}

// checkWeighted checks a pretraining batch and returns the sum of its weights.
func checkWeighted(batch []Weighted, longest int, c checkpoint.Config) (total float64, err error) {
	for i, w := range batch {
		if len(w.Tokens) < 2 || len(w.Weights) != len(w.Tokens)-1 {
			return 0, fmt.Errorf("sequence %d has %d tokens and %d weights, expected at least 2 tokens and one weight less", i,
				len(w.Tokens), len(w.Weights))
		}
		if len(w.Tokens) > longest {
			return 0, fmt.Errorf("sequence %d has %d tokens, expected at most %d", i, len(w.Tokens), longest)
		}
		if err := checkTokens(w.Tokens, c.VocabSize); err != nil {
			return 0, fmt.Errorf("sequence %d: %w", i, err)
		}
		for t, weight := range w.Weights {
			if !(weight >= 0) || math.IsInf(float64(weight), 0) {
				return 0, fmt.Errorf("sequence %d: weight %d is %v, expected a finite number of at least 0", i, t, weight)
			}
			total += float64(weight)
		}
	}
	if total == 0 {
		return 0, errors.New("every weight is 0, so all labels are masked: nothing to train on")
	}
	return total, nil
}

// checkTokens refuses ids outside the vocabulary, for which the embedding lookup would return another token's row.
func checkTokens(tokens []int32, vocab int) error {
	for _, id := range tokens {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("token id %d, expected 0 to %d: was the text encoded by the model's own tokenizer?", id, vocab-1)
		}
	}
	return nil
}
