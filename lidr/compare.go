package lidr

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
)

// comparisonRow is a row of the frame that [Compare] returns.
type comparisonRow struct {
	From       string  `json:"from"`
	To         string  `json:"to"`
	Metric     string  `json:"metric"`
	Lang       string  `json:"lang"`
	Difference float64 `json:"difference"` // to − from
	SE         float64 `json:"se"`         // of the paired difference
	P          float64 `json:"p"`          // McNemar's exact test; paired bootstrap for means over languages
	Win        int     `json:"win"`        // answers of to that beat from's by the rubric
	Tie        int     `json:"tie"`
	Lose       int     `json:"lose"`
	N          int     `json:"n"`
}

// Compare sets two evaluated models of a run side by side on the same problems. It returns a frame with columns from,
// to, metric (accuracy, correct_in_language, off_target, and steps_correct or undetermined), lang, difference, se, p, win, tie, lose and n;
// win, tie and lose follow [Rubric] and stand in every row of a language.
func Compare(run *Run, from, to string) (dataframe.DataFrame, error) {
	rows, err := compare(run, from, to)
	return datasets.Frame(rows), err
}

func compare(run *Run, from, to string) ([]comparisonRow, error) {
	s := run.Settings
	var before, after []verdictRow
	for _, lang := range slices.Concat(s.Languages(), s.Unseen) {
		a, err := evaluated(run, from, lang)
		if err != nil {
			return nil, err
		}
		b, err := evaluated(run, to, lang)
		if err != nil {
			return nil, err
		}
		if len(a) != len(b) {
			return nil, fmt.Errorf("%s is evaluated on %d problems in %s and %s on %d; evaluate both again", from, len(a), lang, to, len(b))
		}
		before, after = append(before, a...), append(after, b...)
	}
	var rows []comparisonRow
	for _, metric := range metricsOf(s) {
		add := func(name string, langs []string) error {
			if len(langs) == 0 {
				return nil
			}
			a, b := shares(before, langs, metric.hit), shares(after, langs, metric.hit)
			row := comparisonRow{From: from, To: to, Metric: metric.name, Lang: name, N: len(a)}
			if err := row.test(a, b, len(langs) == 1, s.Evaluate.Seed); err != nil {
				return err
			}
			for _, lang := range langs {
				row.count(verdictsIn(after, lang), verdictsIn(before, lang))
			}
			rows = append(rows, row)
			return nil
		}
		var errs []error
		for _, lang := range slices.Concat(s.Languages(), s.Unseen) {
			errs = append(errs, add(lang, []string{lang}))
		}
		if err := errors.Join(append(errs, add("trained", s.Trained), add("unseen", s.Unseen))...); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// test fills in the paired difference b − a and its p-value: McNemar's exact test where an item is right or wrong, a
// paired bootstrap where it is a mean over languages.
func (r *comparisonRow) test(a, b []float64, binary bool, seed int64) error {
	difference, err := eval.PairedDifference(b, a)
	if err != nil {
		return err
	}
	r.Difference, r.SE = difference.Mean, difference.SE
	if !binary {
		bootstrap, err := eval.PairedBootstrap(b, a, 10000, seed)
		r.P = bootstrap.P
		return err
	}
	hits := func(x []float64) []bool {
		out := make([]bool, len(x))
		for i := range x {
			out[i] = x[i] > 0
		}
		return out
	}
	mcnemar, err := eval.McNemar(hits(b), hits(a))
	r.P = mcnemar.P
	return err
}

// count adds the head-to-head results of one language.
func (r *comparisonRow) count(ours, theirs []verdictRow) {
	for i := range ours {
		switch x, y := ours[i].score(), theirs[i].score(); {
		case x > y:
			r.Win++
		case x < y:
			r.Lose++
		default:
			r.Tie++
		}
	}
}
