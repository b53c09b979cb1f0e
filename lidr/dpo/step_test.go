package dpo

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A step's names are read outside of this package: in train.jsonl, in the columns of a frame, in logs beside TRL's.
func TestStepNames(t *testing.T) {
	want := []string{
		"step", "loss", "dpo", "nll", "replay", "rewards/chosen", "rewards/rejected", "rewards/margins",
		"rewards/accuracies", "identical", "logps/chosen", "logps/rejected", "kl",
		"log_odds_chosen", "grad_norm", "lr", "tokens", "positions", "padding",
	}
	var names []string
	step := reflect.TypeFor[Step]()
	for i := range step.NumField() {
		name, _, _ := strings.Cut(step.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}

// What both sides of a pair begin with is counted once where it is computed once, and twice among the tokens.
func TestSharedPositionsCountOnce(t *testing.T) {
	pairs := []Pair{
		{Prompt: []int32{5, 6}, Chosen: []int32{7, 2}, Rejected: []int32{8, 9, 2}},
		{Prompt: []int32{4}, Chosen: []int32{3, 3, 3, 2}, Rejected: []int32{3, 2}},
	}
	s := DefaultSettings()
	m := (&plan{pairs: pairs, ref: make([][2]float64, 2), s: s, room: 64}).pairBatch([]int{0, 1})[0]
	var numbers tally
	numbers.add(m, make([]float32, m.slots()), 0)
	if step := numbers.step(s); step.Tokens != 17 || step.Positions != 9 {
		t.Errorf("%d tokens and %d positions, expected 17 and 5 + 4", step.Tokens, step.Positions)
	}
}
