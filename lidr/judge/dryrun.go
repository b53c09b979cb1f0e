package judge

import (
	"fmt"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// DryRun returns what one [Compare] will take at most, before anything is asked: a frame with one [lidr.Cost] row, as
// [lidr.DryRun] returns, in dollars at the judge's prices. prompts is a frame with the columns id, lang and prompt;
// answers count with answerTokens tokens each.
func DryRun(name string, prompts dataframe.DataFrame, answerTokens int, s Settings,
	prices lm.Prices) (dataframe.DataFrame, error) {
	cost, err := comparisonCost(name, prompts, answerTokens, s, prices)
	if err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("dry run of judge %s: %w", name, err)
	}
	return datasets.Frame([]lidr.Cost{cost}), nil
}

func comparisonCost(name string, prompts dataframe.DataFrame, answerTokens int, s Settings,
	prices lm.Prices) (lidr.Cost, error) {
	cost := lidr.Cost{Model: "judge", Step: "judge " + name}
	if _, err := parseComparison(name); err != nil {
		return cost, err
	}
	if err := s.Validate(); err != nil {
		return cost, err
	}
	if answerTokens < 0 {
		return cost, fmt.Errorf("answers of %d tokens, expected 0 or more", answerTokens)
	}
	asked, err := rowsOf[question](prompts, "prompts")
	if err != nil {
		return cost, err
	}
	rows := make([]Judgement, len(asked))
	for i, q := range asked {
		rows[i] = Judgement{ID: q.ID, Lang: q.Lang, Prompt: q.Prompt}
	}
	_, requests, err := s.questions(rows)
	if err != nil {
		return cost, err
	}
	for _, r := range requests {
		cost.Add(1, lm.EstimateTokens(r)+2*answerTokens, s.Sampling.MaxTokens, prices)
	}
	return cost, nil
}
