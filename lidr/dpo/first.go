package dpo

import (
	"fmt"
	"math"
)

// The rewards before anything is learned: float32 sums over differently padded batches differ by less than the first,
// and where products round what they read to fewer bits, sums over long answers, times β, by less than the second.
const (
	exactNoise  = 1e-3
	coarseNoise = 0.1
)

// checkFirst checks that the reference is the model that training starts from: before anything is learned every score
// against it is 0.
func (t *tally) checkFirst(s Settings, noise float64) error {
	if preferences[s.Loss].free {
		return nil
	}
	for i, ref := range t.ref {
		for side, logp := range [2]float64{t.chosen[i], t.rejected[i]} {
			if math.Abs(Reward(logp, ref[side], s.Beta)) > noise {
				return fmt.Errorf("first step: a %s response has log-probability %.4f and reference %.4f, but before "+
					"training they must be equal (rewards 0, %s): compute the reference anew with the weights that training "+
					"starts from", [2]string{"chosen", "rejected"}[side], logp, ref[side], s.firstLoss())
			}
		}
	}
	return nil
}

// firstLoss says what the preferences' loss is before anything is learned.
func (s Settings) firstLoss() string {
	return fmt.Sprintf("loss %s %s = %.4f", s.Loss, preferences[s.Loss].atStart, preferences[s.Loss].plain(s, 0, 0, 0))
}

// firstWarning says what is wrong with the rewards of a training's first step, "" if nothing is: 0 with a reference,
// below 0, as log-probabilities are, without one. It is for the logs of other programs, whose reference we do not see.
func (s Settings) firstWarning(first Step) string {
	switch free := preferences[s.Loss].free; {
	case first.Step != 1:
		return ""
	case free && first.RewardsChosen >= 0:
		return fmt.Sprintf("step 1 has rewards/chosen %.3f, expected below 0, since loss %s has no reference and its "+
			"rewards are β·log π: the trainer computed another loss", first.RewardsChosen, s.Loss)
	case !free && math.Max(math.Abs(first.RewardsChosen), math.Abs(first.RewardsRejected)) > coarseNoise:
		return fmt.Sprintf("step 1 has rewards %.3f and %.3f, expected 0 (%s): the reference is not the model that "+
			"training started from", first.RewardsChosen, first.RewardsRejected, s.firstLoss())
	}
	return ""
}
