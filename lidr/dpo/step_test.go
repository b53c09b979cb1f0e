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
		"log_odds_chosen", "grad_norm", "lr", "tokens", "padding",
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
