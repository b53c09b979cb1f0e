package lidr

import (
	"context"
	"fmt"
	"math"

	"lidrlab/lidr/eval"
	"lidrlab/lidr/report"
)

// saturation is <model>/saturation.json: what the rule of [Settings.StopWhenSaturated] found of a model.
type saturation struct {
	Model  string `json:"model"`
	Stop   bool   `json:"stop"`
	Reason string `json:"reason"` // "" where the run goes on
	// Gain is the paired difference of correct_in_language to the model before, a mean over the trained languages; null
	// for M0, which has none before it.
	Gain eval.Estimate `json:"gain"`
	// RewardAccuracy is the oracle form, over all languages' pairs that the model made; null where it made none yet, or
	// none that a checker can tell apart. Pairs of one problem in several languages count as if they were independent.
	RewardAccuracy eval.Estimate `json:"reward_accuracy"`
}

// unknown is an estimate over no items.
func unknown() eval.Estimate { return eval.Estimate{Mean: math.NaN(), SE: math.NaN()} }

// saturationReason is the rule: why another round would gain nothing, "" if it may. What is unknown (NaN) never stops a
// run.
func saturationReason(gain, reward eval.Estimate) string {
	switch {
	case gain.Mean-gain.SE <= 0:
		return fmt.Sprintf("the last round's gain of correct_in_language in the trained languages, %s, is not above its "+
			"standard error", gain)
	case reward.Mean-reward.SE <= 0.5:
		return fmt.Sprintf("the reward accuracy of the next round's pairs, %s, is not above 0.5 by more than its standard "+
			"error", reward)
	}
	return ""
}

// saturated applies the rule to a model, if the run asks for it, and records what it found. previous is the name of the
// model before it, "" for M0; pairs are those that it made, nil before it has made any.
func saturated(run *Run, previous, model string, pairs []Pair) (bool, error) {
	if !run.Settings.StopWhenSaturated {
		return false, nil
	}
	gold, err := run.goldOf(model)
	if err != nil {
		return false, err
	}
	found := saturation{Model: model, Gain: unknown()}
	found.RewardAccuracy, _ = run.oracle(pairs, "", gold)
	if previous != "" {
		if found.Gain, err = gain(run, previous, model); err != nil {
			return false, err
		}
	}
	found.Reason = saturationReason(found.Gain, found.RewardAccuracy)
	found.Stop = found.Reason != ""
	if err := run.WriteJSON(run.Path(model, "saturation.json"), found); err != nil {
		return false, err
	}
	return found.Stop, measureSaturation(run, found)
}

// pairsSaturated is [saturated] for a model that has just made pairs. It writes their reward accuracy by language
// beside them, as the training that may not follow would.
func pairsSaturated(ctx context.Context, run *Run, previous string, m *Model, pairs []Pair) (bool, error) {
	if !run.Settings.StopWhenSaturated {
		return false, nil
	}
	if _, err := rewardAccuracy(ctx, run, m, pairs); err != nil {
		return false, err
	}
	return saturated(run, previous, m.Name(), pairs)
}

// measureSaturation writes what the rule of [Settings.StopWhenSaturated] found to the model's measures.
func measureSaturation(run *Run, found saturation) error {
	m := report.Measure{
		Key: "saturation", Title: "Saturation", Unit: "%", Digits: 1,
		What: "The run ends where the gain over the model before is not above its standard error, " +
			"or the reward accuracy of the next pairs not above 50 by more than its own.",
	}
	gain := report.Counted(100*found.Gain.Mean, 100*found.Gain.SE, found.Gain.N, 0, "")
	if found.Stop {
		gain.Warning = "the run ended with " + found.Model + ": " + found.Reason
	}
	m.Put(found.Model, "gain, points", gain)
	reward := found.RewardAccuracy
	m.Put(found.Model, "reward accuracy", report.Counted(100*reward.Mean, 100*reward.SE, reward.N, 0, ""))
	return run.WriteMeasure(found.Model, m)
}

// gain is the difference of two evaluated models in the trained languages.
func gain(run *Run, from, to string) (eval.Estimate, error) {
	before, after, err := sameItems(run, from, to)
	if err != nil {
		return eval.Estimate{}, err
	}
	right := func(v Verdict) bool { return v.Correct && v.OnTarget }
	return eval.PairedDifference(shares(after, run.Settings.Trained, right), shares(before, run.Settings.Trained, right))
}
