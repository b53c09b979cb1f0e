package recipe

import (
	"slices"
	"testing"
)

// The steps of a recipe are told by the names that they report.
func TestPlanned(t *testing.T) {
	r, err := Load(miniature, "rounds=1", "evaluate.translations=0")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"M0 evaluate", "M0 generate", "M0 translate", "M0 reference", "M0 train", "M1 evaluate"}
	if got := r.planned(); !slices.Equal(got, want) {
		t.Errorf("planned are %q, expected %q", got, want)
	}
}
