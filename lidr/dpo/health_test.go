package dpo

import (
	"math"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	// A sound training of 50 steps, changed in one respect at a time.
	training := func(change func(*Step, float64)) []Step {
		steps := make([]Step, 50)
		for i := range steps {
			done := float64(i) / 49
			steps[i] = Step{Step: i + 1, Loss: 2 - done, DPO: 0.7 - 0.2*done, GradNorm: 1, RewardsChosen: done,
				RewardsRejected: -done, RewardsMargins: 2 * done, RewardsAccuracies: 0.5 + 0.4*done}
			if change != nil {
				change(&steps[i], done)
			}
		}
		return steps
	}
	for _, test := range []struct {
		want     string // "" for no warning
		change   func(*Step, float64)
		accuracy float64
	}{
		{"", nil, math.NaN()},
		{"", nil, 0.9},
		{"reward accuracy of the pairs is 0.40", nil, 0.4},
		{"chosen answers became less likely", func(s *Step, done float64) { s.RewardsChosen = -done }, 0.9},
		{"a coin's", func(s *Step, done float64) { s.RewardsAccuracies = 0.51 }, 0.9},
		{"", func(s *Step, done float64) { s.RewardsAccuracies, s.Identical = 0.51, 0.4 }, 0.9},
		{"margins do not grow", func(s *Step, done float64) { s.RewardsMargins = -done }, 0.9},
		{"the loss rose from 1.041 to 1.959", func(s *Step, done float64) { s.Loss = 1 + done }, 0.9},
		{"and gradient norm NaN", func(s *Step, done float64) {
			if s.Step > 30 {
				s.GradNorm = math.NaN()
			}
		}, 0.9},
	} {
		got := Health(DefaultSettings(), training(test.change), test.accuracy)
		if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)) {
			t.Errorf("warnings %q, want %q", got, test.want)
		}
	}
}

// TestHealthOfLosses: what is said of a training depends on its loss.
func TestHealthOfLosses(t *testing.T) {
	training := func(chosen, fall, loss float64) []Step {
		steps := make([]Step, 20)
		for i := range steps {
			done := float64(i) / 19
			steps[i] = Step{Step: i + 1, Loss: loss - done/10, GradNorm: 1, RewardsChosen: chosen - fall*done,
				RewardsMargins: done, RewardsAccuracies: 0.9}
		}
		return steps
	}
	for _, test := range []struct {
		loss, want string
		steps      []Step
	}{
		{"sigmoid", "less likely", training(0, 1, 1)},
		{"apo_down", "", training(0, 1, 1)},
		{"robust", "", training(0, -1, -0.2)}, // a loss below 0 that falls
		{"cpo", "", training(-5, 0.1, 1)},
		{"cpo", "less likely", training(-5, 2, 1)},
		{"hinge", "expected 0 (loss hinge 1 = 1.0000): the reference is not the model", training(-5, -6, 1)},
		{"simpo", "expected below 0, since loss simpo has no reference", training(0, -1, 1)},
	} {
		s := settingsOf(test.loss, nil)
		got := Health(s, test.steps, math.NaN())
		if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)) {
			t.Errorf("%s: warnings %q, want %q", test.loss, got, test.want)
		}
	}
}
