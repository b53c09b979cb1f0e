package lidr_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"lidrlab/lidr"
)

// A run tells which step of how many is at work, in their order; every step that begins ends; a training tells its
// loss, an evaluation its scores, found ones too; and no speed is told before there is one.
func TestProgressOfTheWhole(t *testing.T) {
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	s := lidr.MiniatureSettings().Tiny()
	s.Rounds, s.Trained, s.Unseen = 1, []string{"de"}, nil
	dir := filepath.Join(t.TempDir(), "run")
	var parts []int
	var scored []string
	open := map[string]bool{}
	losses := 0
	watch := lidr.WithProgress(func(e lidr.Event) {
		if e.Run != dir {
			t.Errorf("%+v is of run %q", e, e.Run)
		}
		if e.Scores != nil {
			scored = append(scored, e.Scores[0].Model)
		}
		if !e.Work() {
			return
		}
		if e.Parts != 8 || e.Rate > 0 && e.Elapsed < time.Second {
			t.Errorf("%s is step %d of %d, %g a second after %s", e.Step, e.Part, e.Parts, e.Rate, e.Elapsed)
		}
		if parts = append(parts, e.Part); e.Training != nil && e.Training.Loss > 0 && e.Parameters > 1e6 {
			losses++
		}
		if open[e.Step] = true; e.Ended {
			delete(open, e.Step)
		}
	})
	iterate := func() {
		run, err := lidr.Open(dir, s, watch)
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close()
		if _, _, err := lidr.Iterate(t.Context(), run, m0); err != nil {
			t.Fatal(err)
		}
	}
	iterate()
	if !slices.IsSorted(parts) || !slices.Equal(slices.Compact(slices.Clone(parts)), []int{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("the steps are %v, expected 1 to 8", parts)
	}
	if len(open) > 0 || losses == 0 || !slices.Equal(scored, []string{"M0", "M1"}) {
		t.Errorf("steps without end: %v; %d losses; scores of %v", open, losses, scored)
	}
	parts = nil
	iterate()
	if len(parts) > 0 || !slices.Equal(scored, []string{"M0", "M1", "M0", "M1"}) {
		t.Errorf("found again, it reports steps %v and scores of %v", parts, scored)
	}
}
