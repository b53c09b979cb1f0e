package scorers

import (
	"context"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// Consistency is agreement with the English answers to the same prompt on the final number: the share of them whose
// final number, as [eval.Number] reads it in each language, is the sample's. It is self-consistency (Wang et al. 2022,
// arXiv 2203.11171) with the votes of the dominant language, in which the model is best. An English sample is compared
// with the other ones. English answers without a number agree with none.
type Consistency struct{}

// Name implements [lidr.Scorer].
func (Consistency) Name() string { return "consistency" }

// Key implements [lidr.Scorer].
func (Consistency) Key() string { return "consistency/1" }

// Score implements [lidr.Scorer].
func (Consistency) Score(_ context.Context, run *lidr.Run, _ *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	english := answers(samples, run.Settings.Dominant)
	rows := make([]lidr.SampleScore, len(samples))
	for i, row := range samples {
		own := others(english, row)
		number, ok := eval.Number(row.Response, row.Lang)
		switch {
		case len(own) == 0:
			rows[i] = nan(noEnglish)
			continue
		case !ok:
			rows[i] = nan("no final number")
			continue
		}
		for _, e := range own {
			if voted, ok := eval.Number(e.Response, e.Lang); ok && voted == number {
				rows[i].Score += 1 / float64(len(own))
			}
		}
	}
	return rows, nil
}
