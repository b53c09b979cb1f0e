package handoff

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
)

// Numbers that a program does not log are NaN, so that none is taken for a measured 0.
func TestStepNotLogged(t *testing.T) {
	t.Parallel()
	step, err := parseStep(map[string]any{"step": 1.0})
	if err != nil {
		t.Fatal(err)
	}
	values := reflect.ValueOf(step)
	for i := range values.NumField() {
		if value := values.Field(i); value.CanFloat() && !math.IsNaN(value.Float()) {
			t.Errorf("field %s is %v, want NaN", values.Type().Field(i).Name, value)
		}
	}
}

// A trainer's log that is too long to be one is refused before it costs memory.
func TestTrainerLogTooLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "trainer_state.json")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip(err) // no files with holes here
	}
	if _, err := readSteps(dir); err == nil || !strings.Contains(err.Error(), path+": longer than 256 MiB") {
		t.Errorf("a log of 1 TiB: %v", err)
	}
}

func FuzzTrainerLogs(f *testing.F) {
	f.Add(`{"log_history": [{"step": 1, "loss": NaN, "learning_rate": 5e-07}, {"step": 1, "train_loss": -Infinity}]}`)
	f.Add("{\"current_steps\": 3, \"total_steps\": 9}\n{\"current_st")
	f.Fuzz(func(t *testing.T, text string) {
		steps, err := parseTrainerState([]byte(text))
		for _, step := range steps {
			if err != nil || step.Step < 1 || math.IsNaN(step.Loss) {
				t.Errorf("step %+v with error %v, expected a number from 1 and a loss", step, err)
			}
		}
		if step, total := logProgress([]byte(text)); step < 0 || total < 0 {
			t.Errorf("step %d of %d", step, total)
		}
	})
}

// The parts of a loss that its program logs whole: a training of one pair a step logs all that they follow from.
func TestAddParts(t *testing.T) {
	t.Parallel()
	s := lidr.PaperSettings().Train
	s.Alpha = 5
	none := math.NaN()
	steps := func() []dpo.Step { // with margins 0 and −1
		return []dpo.Step{
			{Step: 1, Loss: math.Ln2 + 5*.3, DPO: none, NLL: none},
			{Step: 2, Loss: math.Log1p(math.E) + 5*.2, RewardsRejected: 1, DPO: none, NLL: none},
		}
	}
	for _, test := range []struct {
		objective string
		batch     int
		want      [2][2]float64 // DPO and NLL of both steps
	}{
		{"dpo+nll", 1, [2][2]float64{{math.Ln2, .3}, {math.Log1p(math.E), .2}}},
		{"dpo+nll", 16, [2][2]float64{{math.Ln2, .3}, {none, none}}},
		{"dpo", 16, [2][2]float64{{math.Ln2 + 5*.3, none}, {math.Log1p(math.E) + 5*.2, none}}},
		{"sft", 16, [2][2]float64{{0, math.Ln2 + 5*.3}, {0, math.Log1p(math.E) + 5*.2}}},
	} {
		got := steps()
		s.Objective, s.BatchPairs = test.objective, test.batch
		addParts(got, s)
		for i, step := range got {
			for k, value := range []float64{step.DPO, step.NLL} {
				if want := test.want[i][k]; math.IsNaN(value) != math.IsNaN(want) || math.Abs(value-want) > 1e-12 {
					t.Errorf("%s, %d pairs a step: step %d has parts %v and %v, want %v", test.objective, test.batch, i+1,
						step.DPO, step.NLL, test.want[i])
				}
			}
		}
	}
}
