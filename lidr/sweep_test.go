package lidr

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func smallMiniature() Settings {
	s := MiniatureSettings().Tiny()
	s.Rounds = 1
	return s
}

// A cell of a sweep ends where the same settings end alone, and a finished sweep asks nothing again.
func TestSweep(t *testing.T) {
	m0, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	ctx, root := context.Background(), t.TempDir()
	hot := smallMiniature()
	hot.Train.LR = 1e-3
	cells := []SweepCell{{"lr=1e-4", smallMiniature()}, {"lr=1e-3", hot}}
	worked := 0
	count := WithProgress(func(e Event) {
		if e.Work() {
			worked++
		}
	})
	frame, err := Sweep(ctx, filepath.Join(root, "sweep"), m0, cells, count)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Open(filepath.Join(root, "alone", "run"), hot)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Iterate(ctx, alone, m0); err != nil {
		t.Fatal(err)
	}
	hash := func(path ...string) string {
		data, err := os.ReadFile(filepath.Join(path...))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if hash(root, "sweep", "cells", "lr=1e-3", "M1", "model", "model.safetensors") != hash(alone.Dir, "M1", "model",
		"model.safetensors") {
		t.Error("the cell's M1 is not the one that its settings make alone")
	}
	if hash(root, "sweep", "cells", "lr=1e-3", "M1", "model", "model.safetensors") == hash(root, "sweep", "cells",
		"lr=1e-4", "M1", "model", "model.safetensors") {
		t.Error("two learning rates made the same model")
	}
	generations, err := filepath.Glob(filepath.Join(root, "store", "completions", "*.jsonl"))
	// M0: answers, translations, evaluation, its translations; two M1s: the last two
	if err != nil || len(generations) != 8 {
		t.Errorf("the store holds %d outputs, expected 8", len(generations))
	}
	csv := hash(root, "sweep", "sweep.csv")
	if frame.Nrow() != 2*2*3*3 {
		t.Errorf("%d rows, expected two models of two cells with three metrics in three groups of languages:\n%v",
			frame.Nrow(), frame)
	}
	worked = 0
	again, err := Sweep(ctx, filepath.Join(root, "sweep"), m0, cells, count)
	if err != nil {
		t.Fatal(err)
	}
	if worked != 0 || fmt.Sprint(again.Records()) != fmt.Sprint(frame.Records()) ||
		hash(root, "sweep", "sweep.csv") != csv {
		t.Errorf("the second time it worked %d times and gave\n%v", worked, again)
	}

	broken := smallMiniature()
	broken.Train.LR = -1
	for want, cells := range map[string][]SweepCell{
		"cell bad: ":         {{"bad", broken}},
		"expected a name":    {{"../up", hot}},
		"no other cell has,": {{"a", hot}, {"a", hot}},
	} {
		if _, err := Sweep(ctx, filepath.Join(root, "broken"), m0, cells); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q in it", err, want)
		}
	}
}

// A cell and a control that end before their rounds are through, as they are saturated, show the models they have.
func TestSweepOfSaturatedCells(t *testing.T) {
	m0, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	ctx, root := context.Background(), t.TempDir()
	s := smallMiniature()
	s.Trained, s.Unseen, s.Rounds, s.StopWhenSaturated = []string{"de", "fr"}, nil, 2, true
	s.Train.LR = 1e-20 // changes nothing: M1 gains 0 ± 0
	frame, err := Sweep(ctx, filepath.Join(root, "sweep"), m0, []SweepCell{{"still", s}})
	if err != nil {
		t.Fatal(err)
	}
	if models := modelsOf(frame); !slices.Equal(models, []string{"M0", "M1"}) {
		t.Errorf("models %v, expected M0 and M1", models)
	}
	run, err := Open(filepath.Join(root, "run"), s)
	if err != nil {
		t.Fatal(err)
	}
	// M1's accuracy and off-target rate in two groups
	if rows, err := Controls(ctx, run, m0); err != nil || rows.Nrow() != len(controls)*4 {
		t.Errorf("controls: %d rows, %v", rows.Nrow(), err)
	}
}
