package dpo

import (
	"fmt"
	"math"
)

// Thresholds of [Health], wide enough that the noise between batches of a sound training does not pass them.
const (
	fewestSteps    = 5    // of the first and of the last part that are compared
	lossRise       = 1.05 // the last part's loss as a multiple of the first's
	accuracyChance = 0.05 // distance of the reward accuracy from 0.5, a coin's
)

// Health returns a warning for everything that looks wrong in a training by settings s, nil if nothing does. It
// compares the first and the last tenth of the steps (at least 5 steps each). pairAccuracy is the reward accuracy of
// the training's pairs: the share in which the chosen side is really the better one, measured before training; NaN if
// it was not measured.
func Health(s Settings, steps []Step, pairAccuracy float64) []string {
	var warnings []string
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	if pairAccuracy < 0.5 {
		warn("reward accuracy of the pairs is %.2f, below 0.5: the rejected side is more often the better one, so DPO "+
			"trains the wrong way; stop at this round, or look at the translations", pairAccuracy)
	}
	for _, step := range steps {
		if sum := step.Loss + step.GradNorm; math.IsNaN(sum) || math.IsInf(sum, 0) {
			warn("step %d has loss %v and gradient norm %v: lower the learning rate", step.Step, step.Loss, step.GradNorm)
			return warnings
		}
	}
	if len(steps) > 0 && s.Objective != "sft" {
		if text := s.firstWarning(steps[0]); text != "" {
			warn("%s", text)
		}
	}
	n := max(len(steps)/10, fewestSteps)
	if len(steps) < 2*n {
		return warnings
	}
	first, last := steps[:n], steps[len(steps)-n:]
	of := func(part []Step, value func(Step) float64) (sum float64) {
		for _, s := range part {
			sum += value(s) / float64(n)
		}
		return sum
	}
	loss := func(s Step) float64 { return s.Loss }
	if before, after := of(first, loss), of(last, loss); after > before+(lossRise-1)*math.Abs(before) {
		warn("the loss rose from %.3f to %.3f: lower the learning rate", before, after)
	}
	if s.Objective == "sft" {
		return warnings
	}
	margin := func(s Step) float64 { return s.RewardsMargins }
	right := of(last, func(s Step) float64 { return s.RewardsAccuracies })
	accuracy := right / of(last, func(s Step) float64 { return 1 - s.Identical })
	if before, after := of(first, margin), of(last, margin); after <= before {
		warn("reward margins do not grow (%.3f at first, %.3f at last): chosen and rejected are not told apart; raise the "+
			"learning rate, or look at the pairs", before, after)
	}
	if math.Abs(accuracy-0.5) < accuracyChance {
		warn("the share of margins above 0 stays at %.2f of the pairs whose sides differ, a coin's: nothing is learned from "+
			"the preferences; raise the learning rate, or look at the pairs", accuracy)
	}
	reward := func(s Step) float64 { return s.RewardsChosen }
	start, end := 0.0, of(last, reward)
	if preferences[s.Loss].free { // rewards are log-probabilities, which differ from batch to batch
		start = lossRise * of(first, reward)
	}
	if end < start && s.Loss != "apo_down" { // which is meant to push both down
		warn("the chosen answers became less likely than at the start (rewards/chosen %.3f): loss %s pushes both sides "+
			"down; raise alpha, or lower the learning rate", end, s.Loss)
	}
	return warnings
}
