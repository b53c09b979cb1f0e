package dpo

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/backend"
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
	var onStep func(Step) error
	run := func(checkpointing bool, limit int) ([]Step, error) {
		m := transformer.Init(million, 3)
		m.Checkpointing = checkpointing
		return Train(context.Background(), b, m, pairs, nil, nil, s, Hooks{Memory: limit, OnStep: onStep})
	}
	p := plan{pairs: pairs, s: s, room: 4096}
	batch := func(n int) ([]micro, error) { return p.step(n), nil }
	of := func(checkpointing bool) *trainer {
		m := transformer.Init(million, 3)
		m.Checkpointing = checkpointing
		tr, err := newTrainer(b, m, s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tr.close() })
		return tr
	}
	need := func(checkpointing bool) demand {
		tr := of(checkpointing)
		micros, err := largest(p.stepsPerEpoch(), batch)
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
		return d
	}
	all, least := need(false), need(true)
	if least.total() > all.total()*9/10 {
		t.Fatalf("%s with checkpointing, without it %s", least, all)
	}
	for _, c := range []struct {
		bytes         int
		checkpointing bool
		note, err     string
	}{
		{all.total(), false, "", ""},
		{all.total() - 1, true, "with checkpointing", ""},
		{least.total() - 1, true, "", "lower micro_batch"},
	} {
		tr, note := of(false), ""
		err := tr.fit(p.stepsPerEpoch(), batch, c.bytes-all.weights, "the limit leaves", func(text string) { note = text })
		if tr.m.Checkpointing != c.checkpointing || !strings.Contains(note, c.note) || c.note == "" && note != "" {
			t.Errorf("%d bytes: checkpointing %t, note %q", c.bytes, tr.m.Checkpointing, note)
		}
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%d bytes: %v", c.bytes, err)
		}
	}
	percent := debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	onStep = func(Step) error {
		if p := debug.SetGCPercent(garbage); p != garbage {
			t.Errorf("while it trains, %d %% of the memory in use may wait to be collected, expected %d", p, garbage)
		}
		return nil
	}
	want, err := run(false, 0)
	if err != nil {
		t.Fatal(err)
	}
	if p := debug.SetGCPercent(100); p != 100 {
		t.Errorf("after the training it is %d %%, before it was 100", p)
	}
	if got, err := run(true, 0); err != nil || !cmp.Equal(want, got) {
		t.Errorf("checkpointed: %v, steps\n%s", err, cmp.Diff(want, got))
	}
	if used := backend.UsedMemory(); used > 0 {
		if _, err := run(false, used/2); err == nil || !strings.Contains(err.Error(), "the limit of ") {
			t.Errorf("half of what the process takes already: %v", err)
		}
	}
}
