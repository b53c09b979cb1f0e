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
		got := Health(training(test.change), test.accuracy)
		if test.want == "" && len(got) > 0 || test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)) {
			t.Errorf("warnings %q, want %q", got, test.want)
		}
	}
}
