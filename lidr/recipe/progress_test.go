package recipe

import (
	"path/filepath"
	"slices"
	"testing"

	"lidrlab/lidr"
)

// A recipe with seeds tells which of its runs is at work and at which step of how many, and after the first one how
// long all of them take.
func TestProgressOfSeeds(t *testing.T) {
	r, err := Load(miniature, "seeds=[1,2]", "rounds=1", "prompts.n=2", "trained=[de]", "unseen=[]", "evaluate.n=2",
		"evaluate.translations=0")
	if err != nil {
		t.Fatal(err)
	}
	var cells []int
	watch := lidr.WithProgress(func(e lidr.Event) {
		if !e.Work() {
			return
		}
		cells = append(cells, e.Cell)
		if e.Cells != 2 || e.Part < 1 || e.Parts != 6 {
			t.Errorf("%s is cell %d of %d, step %d of %d", e.Step, e.Cell, e.Cells, e.Part, e.Parts)
		}
		if e.AtLeast != (e.Cell == 1) || e.Cell == 2 && e.Whole < e.Left {
			t.Errorf("%s: %s in all, of which at least: %v", e.Step, e.Whole, e.AtLeast)
		}
	})
	if _, err := Run(t.Context(), r, filepath.Join(t.TempDir(), "seeds"), watch); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(cells) || !slices.Equal(slices.Compact(cells), []int{1, 2}) {
		t.Errorf("the cells are %v, expected the first and then the second", cells)
	}
}
