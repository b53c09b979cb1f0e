package scorers

import (
	"context"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// Term is a scorer in a sum, with its weight.
type Term struct {
	Weight float64
	Scorer lidr.Scorer
}

// Sum is the weighted sum of several scorers. A sample that one of them has no score for has none.
type Sum []Term

// Product is the product of several scorers, such as LRPO's gate by the language of an answer (arXiv 2605.25360). A
// sample that one of them has no score for has none.
type Product []lidr.Scorer

// Name implements [lidr.Scorer].
func (s Sum) Name() string {
	var names []string
	for _, term := range s {
		names = append(names, term.Scorer.Name())
	}
	return "sum_" + strings.Join(names, "_")
}

// Key implements [lidr.Scorer].
func (s Sum) Key() string {
	parts := []any{"sum/1"}
	for _, term := range s {
		parts = append(parts, term.Scorer.Name(), term.Scorer.Key(), term.Weight)
	}
	return ledger.Key(parts...)
}

// Score implements [lidr.Scorer]. Parts are the scores, by their scorers' names.
func (s Sum) Score(ctx context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	rows := make([]lidr.SampleScore, len(samples))
	for _, term := range s {
		err := join(ctx, run, m, samples, rows, term.Scorer, func(sum, x float64) float64 { return sum + term.Weight*x })
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Name implements [lidr.Scorer].
func (s Product) Name() string {
	var names []string
	for _, scorer := range s {
		names = append(names, scorer.Name())
	}
	return "product_" + strings.Join(names, "_")
}

// Key implements [lidr.Scorer].
func (s Product) Key() string {
	parts := []any{"product/1"}
	for _, scorer := range s {
		parts = append(parts, scorer.Name(), scorer.Key())
	}
	return ledger.Key(parts...)
}

// Score implements [lidr.Scorer]. Parts are the scores, by their scorers' names.
func (s Product) Score(ctx context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	rows := make([]lidr.SampleScore, len(samples))
	for i := range rows {
		rows[i].Score = 1
	}
	for _, scorer := range s {
		err := join(ctx, run, m, samples, rows, scorer, func(product, x float64) float64 { return product * x })
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// join adds the scores of one scorer to rows.
func join(ctx context.Context, run *lidr.Run, m *lidr.Model, samples []datasets.Response, rows []lidr.SampleScore,
	scorer lidr.Scorer, with func(before, score float64) float64) error {
	found, err := scorer.Score(ctx, run, m, samples)
	if err != nil {
		return err
	}
	for i, row := range found {
		rows[i] = rows[i].With(scorer.Name(), row.Score)
		switch {
		case rows[i].Fault != "":
		case row.Fault != "":
			rows[i].Fault = scorer.Name() + ": " + row.Fault
		default:
			rows[i].Score = with(rows[i].Score, row.Score)
		}
	}
	return nil
}
