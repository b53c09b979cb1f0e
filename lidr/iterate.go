package lidr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/ledger"
)

// Iterate runs all rounds of the run from m0 on, evaluates every model, and returns the scores of all of them, with the
// columns of [Evaluate]. With [Settings.StopWhenSaturated] it can end after fewer models; the last one's saturation.json
// says why.
func Iterate(ctx context.Context, run *Run, m0 *Model) (dataframe.DataFrame, error) {
	for round := range run.Settings.Rounds { // what is wrong with a prompt file is said before hours of work, not after
		if _, err := roundRows(run.Settings, round); err != nil {
			return dataframe.DataFrame{}, err
		}
	}
	var before record
	if err := ledger.ReadJSON(run.path("run.json"), &before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return dataframe.DataFrame{}, err
	}
	if err := sameBase(run, m0, before); err != nil {
		return dataframe.DataFrame{}, err
	}
	scores, err := Evaluate(ctx, run, m0)
	if err != nil {
		return scores, err
	}
	previous, model := "", m0
	for round := range run.Settings.Rounds {
		pairs, err := roundPairs(ctx, run, model, round)
		if err != nil {
			return scores, err
		}
		if stop, err := pairsStop(run, previous, model, pairs); err != nil {
			return scores, err
		} else if stop {
			break
		}
		next, err := trainRound(ctx, run, model, pairs, round)
		if err != nil {
			return scores, err
		}
		own, err := Evaluate(ctx, run, next)
		if err != nil {
			return scores, err
		}
		scores = scores.RBind(own)
		if stop, err := stops(run, model.Name, next.Name, nil); err != nil {
			return scores, err
		} else if stop {
			break
		}
		previous, model = model.Name, next
	}
	return scores, scores.Err
}

// Round runs one round: prompts, answers, translations, pairs, training. It returns the model that the round made.
func Round(ctx context.Context, run *Run, m *Model, round int) (*Model, error) {
	pairs, err := roundPairs(ctx, run, m, round)
	if err != nil {
		return nil, err
	}
	return trainRound(ctx, run, m, pairs, round)
}

// roundPairs is a round up to its training.
func roundPairs(ctx context.Context, run *Run, m *Model, round int) (dataframe.DataFrame, error) {
	prompts, err := Prompts(ctx, run, round)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	responses, err := Generate(ctx, run, m, prompts)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	translations, err := Translate(ctx, run, m, responses)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	pairs, _, err := Pairs(ctx, run, m, responses, translations)
	return pairs, err
}

func trainRound(ctx context.Context, run *Run, m *Model, pairs dataframe.DataFrame, round int) (*Model, error) {
	next, _, err := Train(ctx, run, m, pairs)
	if err != nil {
		return nil, fmt.Errorf("round %d: %w", round, err)
	}
	return next, nil
}

// roundWarnings says in words what a reader should know before believing the round's model.
func roundWarnings(s Settings, model string, pairs []Pair, steps []dpo.Step) []string {
	warnings := []string{}
	right, decided := 0.0, 0
	for _, row := range rewardAccuracy(s, model, pairs) {
		right, decided = right+row.Value*float64(row.N), decided+row.N
		if row.N > 0 && row.Value-row.SE < 0.5 {
			warnings = append(warnings, fmt.Sprintf("in %s only %.0f ± %.0f %% of the pairs that the checker can tell apart have their right side chosen: DPO learns little from them, or the wrong thing",
				row.Lang, 100*row.Value, 100*row.SE))
		}
	}
	return append(warnings, dpo.Health(steps, right/float64(decided))...) // NaN where no pair decides
}
