package lidr

import (
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
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

// saturated is the rule: why another round would gain nothing, "" if it may. What is unknown (NaN) never stops a run.
func saturated(gain, reward eval.Estimate) string {
	switch {
	case gain.Mean-gain.SE <= 0:
		return fmt.Sprintf("the last round's gain of correct_in_language in the trained languages, %s, is not above its standard error", gain)
	case reward.Mean-reward.SE <= 0.5:
		return fmt.Sprintf("the reward accuracy of the next round's pairs, %s, is not above 0.5 by more than its standard error", reward)
	}
	return ""
}

// stops applies the rule to a model, if the run asks for it, and records what it found. previous is the name of the model
// before it, "" for M0; pairs are those that it made, nil before it has made any.
func stops(run *Run, previous, model string, pairs []Pair) (bool, error) {
	if !run.Settings.StopWhenSaturated {
		return false, nil
	}
	found := saturation{Model: model, Gain: unknown(), RewardAccuracy: pooledReward(pairs)}
	if previous != "" {
		var err error
		if found.Gain, err = gain(run, previous, model); err != nil {
			return false, err
		}
	}
	found.Reason = saturated(found.Gain, found.RewardAccuracy)
	found.Stop = found.Reason != ""
	return found.Stop, writeJSON(run, run.path(model, "saturation.json"), found)
}

// pairsStop is [stops] for a model that has just made pairs. It writes their reward accuracy by language beside them, as
// the training that may not follow would.
func pairsStop(run *Run, previous string, m *Model, pairs dataframe.DataFrame) (bool, error) {
	if !run.Settings.StopWhenSaturated {
		return false, nil
	}
	if _, err := RewardAccuracy(run, m, pairs); err != nil {
		return false, err
	}
	rows, err := rowsOf[Pair](pairs, "pairs")
	if err != nil {
		return false, err
	}
	return stops(run, previous, m.Name, rows)
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

// pooledReward is the oracle reward accuracy of pairs of the miniature, all languages together.
func pooledReward(pairs []Pair) eval.Estimate {
	var chosen, rejected []bool
	for _, p := range pairs {
		if problem, err := miniature.Decode(p.ID); err == nil {
			chosen = append(chosen, allRight(p.Chosen, problem, p.Lang))
			rejected = append(rejected, allRight(p.Rejected, problem, p.Lang))
		}
	}
	oracle, err := eval.OracleRewardAccuracy(chosen, rejected)
	if err != nil {
		panic(err) // one verdict of each a pair, by the loop above
	}
	return oracle.Accuracy
}

// addSaturation says in a report why the run ended before its rounds were through, if it did.
func addSaturation(run *Run, data *report.Data, models []string) error {
	for _, model := range models {
		var found saturation
		if err := ledger.ReadJSON(run.path(model, "saturation.json"), &found); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if found.Stop {
			data.Health = append(data.Health, report.Warning{Where: model, Text: "the run ended here: " + found.Reason})
		}
	}
	return nil
}
