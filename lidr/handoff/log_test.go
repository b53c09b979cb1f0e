package handoff

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
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
