package handoff

import (
	"math"

	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
)

// addParts fills in the parts of the loss, which the programs log the sum of, where they follow from it exactly: an
// objective of one part; a step of one pair, whose DPO part is that of the logged margin; and the first step, whose
// model is its own reference, so that every margin is 0. Between means over several pairs there is no such equation.
func addParts(steps []dpo.Step, s lidr.TrainSettings) {
	for i := range steps {
		step := &steps[i]
		switch {
		case s.Objective == "sft":
			step.DPO, step.NLL = 0, step.Loss
			continue
		case s.Objective == "dpo" || s.Alpha == 0:
			step.DPO = step.Loss
			continue
		case !math.IsNaN(step.NLL): // a version that logs it
			step.DPO = step.Loss - s.Alpha*step.NLL
			continue
		case step.Step == 1:
			step.DPO = dpo.PairLoss(0, 0)
		case s.BatchPairs == 1:
			step.DPO = dpo.PairLoss(step.RewardsMargins, 0)
		default:
			continue
		}
		step.NLL = (step.Loss - step.DPO) / s.Alpha
	}
}
