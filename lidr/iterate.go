package lidr

import (
	"context"
	"fmt"
	"math"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/report"
)

// Iterate runs all rounds of the run from m0 on and evaluates every model. It returns the last model and the scores of
// all of them, a frame of [eval.Score] rows. With [Settings.StopWhenSaturated] it can end after fewer models; the last
// one's saturation.json says why. [Run.Model] returns the models between.
func Iterate(ctx context.Context, run *Run, m0 *Model) (*Model, dataframe.DataFrame, error) {
	last, scores, err := iterate(ctx, run, m0)
	return last, datasets.Frame(scores), err
}

func iterate(ctx context.Context, run *Run, m0 *Model) (*Model, []eval.Score, error) {
	if err := m0.suits(run.Settings); err != nil {
		return nil, nil, err
	}
	for round := range run.Settings.Rounds { // what is wrong with a prompt file is said before hours of work, not after
		if _, err := run.roundPrompts(m0.Round + round); err != nil {
			return nil, nil, err
		}
	}
	run.planRounds(m0.Round)
	scores, err := evaluate(ctx, run, m0)
	if err != nil {
		return nil, nil, err
	}
	previous, m := "", m0
	for range run.Settings.Rounds {
		pairs, err := roundPairs(ctx, run, m)
		if err != nil {
			return nil, nil, err
		}
		if stop, err := pairsSaturated(ctx, run, previous, m, pairs); err != nil {
			return nil, nil, err
		} else if stop {
			break
		}
		next, _, err := trainPairs(ctx, run, m, pairs)
		if err != nil {
			return nil, nil, fmt.Errorf("round %d: %w", m.Round, err)
		}
		own, err := evaluate(ctx, run, next)
		if err != nil {
			return nil, nil, err
		}
		scores = append(scores, own...)
		previous, m = m.Name(), next
		if stop, err := saturated(run, previous, m.Name(), nil); err != nil {
			return nil, nil, err
		} else if stop {
			break
		}
	}
	return m, scores, nil
}

// planRounds is [Run.Plan] for [Iterate].
func (r *Run) planRounds(first int) {
	s := r.Settings
	var names []string
	evaluation := func(model string) {
		names = append(names, model+" evaluate")
		if b, ok := r.evalTask().(builtin); ok {
			if passages, _ := b.passages(s); len(passages) > 0 {
				names = append(names, model+" evaluate translation")
			}
		}
	}
	evaluation(modelName(first))
	for round := first; round < first+s.Rounds; round++ {
		model := modelName(round)
		names = append(names, model+" generate", model+" translate")
		if len(s.Train.Referenced(nil, checkpoint.Config{})) > 0 {
			names = append(names, model+" reference")
		}
		names = append(names, model+" train")
		evaluation(modelName(round + 1))
	}
	r.Plan(names...)
}

// Round runs m's round: prompts, answers, translations, pairs, training. It returns the model that the round makes.
func Round(ctx context.Context, run *Run, m *Model) (*Model, error) {
	pairs, err := roundPairs(ctx, run, m)
	if err != nil {
		return nil, err
	}
	next, _, err := trainPairs(ctx, run, m, pairs)
	if err != nil {
		return nil, fmt.Errorf("round %d: %w", m.Round, err)
	}
	return next, nil
}

// roundPairs is a round up to its training.
func roundPairs(ctx context.Context, run *Run, m *Model) ([]Pair, error) {
	asked, err := prompts(ctx, run, m)
	if err != nil {
		return nil, err
	}
	responses, err := generate(ctx, run, m, asked)
	if err != nil {
		return nil, err
	}
	translations, err := translate(ctx, run, m, m, responses)
	if err != nil {
		return nil, err
	}
	pairs, _, err := makePairs(ctx, run, m, responses, translations, nil)
	return pairs, err
}

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

// Saturated applies the rule of [Settings.StopWhenSaturated] to an evaluated model of the run, as [Iterate] does: for a
// program that runs the rounds itself. pairs is a frame of [Pair] rows, those that the model has made, without rows
// before it has made any. It writes <model>/saturation.json; a run without the rule is never saturated.
func (r *Run) Saturated(ctx context.Context, m *Model, pairs dataframe.DataFrame) (bool, error) {
	previous := ""
	if m.Round > 0 {
		previous = modelName(m.Round - 1)
	}
	rows, err := rowsOf[Pair](pairs, "pairs")
	if err != nil {
		return false, err
	}
	if len(rows) == 0 {
		return saturated(r, previous, m.Name(), nil)
	}
	return pairsSaturated(ctx, r, previous, m, rows)
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
