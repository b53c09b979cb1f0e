package lidr

import (
	"context"
	"fmt"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
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
