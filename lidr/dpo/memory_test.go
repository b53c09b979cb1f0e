package dpo

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/transformer"
)

// A training whose activations do not fit is checkpointed, to the same steps; one that cannot fit is refused with the
// figures, before its first step; and what it takes is what the plan says: a step allocates next to nothing.
func TestMemoryIsKnown(t *testing.T) {
	b := openBackend(t)
	pairs, s := randomPairs(12, million.VocabSize, 5), DefaultSettings()
	for i := range pairs { // long prompts: their activations are most of what a step takes
		pairs[i].Prompt = slices.Repeat(pairs[i].Prompt[:2], 100)
	}
	s.BatchPairs, s.LR, s.Objective = 4, 1e-4, "sft"
	var notes []string
	run := func(limit int) ([]Step, error) {
		notes = nil
		return Train(context.Background(), b, transformer.Init(million, 3), pairs, nil, nil, s,
			Hooks{Memory: limit, Note: func(text string) { notes = append(notes, text) }})
	}
	need := func(checkpointing bool) int {
		m := transformer.Init(million, 3)
		m.Checkpointing = checkpointing
		tr, err := newTrainer(b, m, s)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		p := plan{pairs: pairs, s: s}
		micros, err := largest(p.stepsPerEpoch(), func(n int) ([]micro, error) { return p.step(n), nil })
		if err != nil {
			t.Fatal(err)
		}
		d, known, err := tr.demand(micros)
		if err != nil || !known {
			t.Fatalf("the backend tells no memory: %v", err)
		}
		if !checkpointing {
			before, after := runtime.MemStats{}, runtime.MemStats{}
			for n := range 3 {
				runtime.ReadMemStats(&before)
				if _, err := tr.step(n+1, 1e-4, micros[:1]); err != nil {
					t.Fatal(err)
				}
			}
			runtime.ReadMemStats(&after)
			if grown := int(after.TotalAlloc - before.TotalAlloc); grown > d.activations/4 {
				t.Errorf("the third step allocates %d bytes, of %d that are planned once", grown, d.activations)
			}
		}
		return d.total()
	}
	all, least := need(false), need(true)
	if least > all*9/10 {
		t.Fatalf("%d bytes with checkpointing, %d without", least, all)
	}
	want, err := run(all)
	if err != nil || len(notes) != 0 {
		t.Fatalf("with room for all: %v, notes %q", err, notes)
	}
	got, err := run(all - 1)
	if diff := cmp.Diff(want, got); err != nil || diff != "" || !strings.Contains(notes[0], "with checkpointing") {
		t.Errorf("with less room: %v, notes %q, steps\n%s", err, notes, diff)
	}
	if _, err := run(least - 1); err == nil || !strings.Contains(err.Error(), "lower micro_batch") {
		t.Errorf("without room: %v", err)
	}
}
