package lidr

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The time of the whole is that of the steps to come, by what a step of their kind took: in this process, or in the one
// before. What nothing is known of makes it a lower bound.
func TestPlanTellsTheWhole(t *testing.T) {
	dir := t.TempDir()
	line := `{"step":"M0 train","unit":"steps","items":10,"seconds":20}` + "\n" + `{"step":"M0 re`
	if err := os.WriteFile(filepath.Join(dir, "timing.jsonl"), []byte(line), 0o644); err != nil {
		t.Fatal(err)
	}
	run := newRun(dir, MiniatureSettings(), nil)
	run.Plan("M0 train", "M1 generate", "M1 reference", "M1 train")
	place := func(step string, done, total, fresh int, elapsed, left time.Duration, rate float64) Event {
		e := Event{Step: step, Done: done, Total: total, Elapsed: elapsed, Left: left, Rate: rate}
		run.plan.place(&e, fresh)
		return e
	}
	// 5 of 10 steps in 15 s: 15 s are left, 30 s for as many of M1, and unknown times for what is between.
	e := place("M0 train", 5, 10, 5, 15*time.Second, 15*time.Second, 1./3)
	if e.Part != 1 || e.Parts != 4 || e.Whole != 45*time.Second || !e.AtLeast {
		t.Errorf("in the first step: %+v", e)
	}
	// Before the first of the answers nothing is known of them.
	if e = place("M1 generate", 0, 100, 0, 0, 0, 0); e.Whole != 30*time.Second || !e.AtLeast || e.Part != 2 {
		t.Errorf("before the first answer: %+v", e)
	}
	if e = place("M1 reference", 50, 100, 50, 5*time.Second, 5*time.Second, 10); e.Whole != 35*time.Second || e.AtLeast {
		t.Errorf("in the step before the last: %+v", e)
	}
	if e = place("M1 something", 1, 2, 1, time.Second, time.Second, 1); e.Parts != 0 || e.Whole != 0 {
		t.Errorf("a step that was not planned: %+v", e)
	}
}
