package lidr

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
)

// taxRow is a row of the frame that [AlignmentTax] returns.
type taxRow struct {
	From       string  `json:"from"`
	To         string  `json:"to"`
	Suite      string  `json:"suite"`
	Metric     string  `json:"metric"`
	Lang       string  `json:"lang"`
	Difference float64 `json:"difference"` // to − from: below 0 the training cost something
	SE         float64 `json:"se"`         // of the paired difference
	P          float64 `json:"p"`          // McNemar's exact test; paired bootstrap for mc2
	N          int     `json:"n"`
	FewShot    int     `json:"fewshot"`
}

// AlignmentTax sets two models of a run that [MultipleChoice] has measured side by side on the same questions. It returns
// a frame with columns from, to, suite, metric, lang, difference, se, p, n and fewshot, for the suites that both have
// answered.
func AlignmentTax(run *Run, from, to string) (dataframe.DataFrame, error) {
	tax, err := alignmentTax(run, from, to)
	if err == nil && len(tax) == 0 {
		err = fmt.Errorf("no suite was asked of both %s and %s; call MultipleChoice on both first", from, to)
	}
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	return datasets.Frame(tax), nil
}

func alignmentTax(run *Run, from, to string) ([]taxRow, error) {
	var tax []taxRow
	for _, suite := range datasets.ChoiceSuites() {
		before, err := choiceRows(run, from, suite)
		after, err2 := choiceRows(run, to, suite)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err2, fs.ErrNotExist) {
			continue
		}
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		same := slices.EqualFunc(before, after, func(a, b choiceRow) bool {
			return a.ID == b.ID && a.Lang == b.Lang && a.FewShot == b.FewShot && a.Gold == b.Gold
		})
		if !same {
			return nil, fmt.Errorf("%s: %s and %s were not asked the same questions with the same few-shot examples; call MultipleChoice on both again", suite, from, to)
		}
		for _, metric := range choiceMetrics[suite] {
			for _, lang := range slices.Concat(run.Settings.Languages(), run.Settings.Unseen) {
				a, _, shots := choiceValues(before, lang, metric)
				b, _, _ := choiceValues(after, lang, metric)
				if len(a) == 0 {
					continue
				}
				var c comparisonRow
				if err := c.test(a, b, metric != "mc2", run.Settings.Evaluate.Seed); err != nil {
					return nil, err
				}
				tax = append(tax, taxRow{from, to, suite, metric, lang, c.Difference, c.SE, c.P, len(a), shots})
			}
		}
	}
	return tax, nil
}

// choiceRows reads back what [MultipleChoice] wrote of a suite.
func choiceRows(run *Run, model, suite string) ([]choiceRow, error) {
	return ledger.ReadLines[choiceRow](run.path(model, "eval", "choices", suite+".jsonl"))
}
