package handoff

import (
	"math"
	"slices"

	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
)

// summed are the losses that compare a pair's rewards, which are logged; others divide by numbers of tokens.
var summed = []string{"sigmoid", "robust", "hinge", "apo_zero", "apo_down", "nca_pair"}

// addParts fills in the parts of the loss, which the programs log the sum of, where they follow from it exactly: an
// objective of one part; a step of one pair, whose loss without NLL is that of the logged rewards; and the first step,
// whose model is its own reference, so that every reward is 0. Between means over several pairs there is no such
// equation.
func addParts(steps []dpo.Step, s lidr.TrainSettings) {
	for i := range steps {
		step := &steps[i]
		var chosen, rejected float64 // log-ratios
		switch {
		case s.Objective == "sft":
			step.DPO, step.NLL = 0, step.Loss
			continue
		case s.Objective == "dpo" || s.Alpha == 0:
			step.DPO = step.Loss
			continue
		case !math.IsNaN(step.NLL): // LLaMA-Factory's ORPO, which logs it
			step.DPO = step.Loss - s.Alpha*step.NLL
			continue
		case !slices.Contains(summed, s.Loss):
			continue
		case step.Step == 1:
		case s.BatchPairs == 1:
			chosen, rejected = step.RewardsChosen/s.Beta, step.RewardsRejected/s.Beta
		default:
			continue
		}
		step.DPO = s.PairLoss([2]float64{chosen, rejected}, [2]float64{}, [2]int{1, 1}, 0)
		step.NLL = (step.Loss - step.DPO) / s.Alpha
	}
}
