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
// to, metric (those of [Evaluate] that are shares of answers), lang, difference, se, p, win, tie, lose and n;
// win, tie and lose follow [Rubric] and stand in every row of a language.
func Compare(run *Run, from, to string) (dataframe.DataFrame, error) {
	rows, err := compare(run, from, to)
	return datasets.Frame(rows), err
}

func compare(run *Run, from, to string) ([]comparisonRow, error) {
	s := run.Settings
	before, after, err := sameItems(run, from, to)
	if err != nil {
		return nil, err
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
				win, tie, lose := match(verdictsIn(after, lang), verdictsIn(before, lang), Verdict.Points)
				row.Win, row.Tie, row.Lose = row.Win+win, row.Tie+tie, row.Lose+lose
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

// sameItems reads back the verdicts on two models, item by item in the same order.
func sameItems(run *Run, from, to string) (before, after []Verdict, err error) {
	for _, lang := range slices.Concat(run.Settings.Languages(), run.Settings.Unseen) {
		a, err := Verdicts(run, from, lang)
		if err != nil {
			return nil, nil, err
		}
		b, err := Verdicts(run, to, lang)
		if err != nil {
			return nil, nil, err
		}
		if len(a) != len(b) {
			return nil, nil, fmt.Errorf("%s is evaluated on %d problems in %s and %s on %d; evaluate both again", from, len(a), lang, to, len(b))
		}
		before, after = append(before, a...), append(after, b...)
	}
	return before, after, nil
}

// match counts how often our answer scores more points than theirs, as many, and fewer.
func match(ours, theirs []Verdict, points func(Verdict) float64) (win, tie, lose int) {
	for i := range ours {
		switch x, y := points(ours[i]), points(theirs[i]); {
		case x > y:
			win++
		case x < y:
			lose++
		default:
			tie++
		}
	}
	return win, tie, lose
}

// headToHeadRow is a row of the frame that [HeadToHead] returns.
type headToHeadRow struct {
	From string `json:"from"`
	To   string `json:"to"`
	Lang string `json:"lang"`
	Win  int    `json:"win"` // answers of to that beat from's
	Tie  int    `json:"tie"`
	Lose int    `json:"lose"`
}

// HeadToHead sets the answers of two evaluated models side by side by a rubric of the caller's: more points win, equal
// points tie. Verdict.Points is the rubric of the tool. It returns a frame with columns from, to, lang, win, tie and lose.
func HeadToHead(run *Run, from, to string, points func(Verdict) float64) (dataframe.DataFrame, error) {
	before, after, err := sameItems(run, from, to)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	var rows []headToHeadRow
	for _, lang := range slices.Concat(run.Settings.Languages(), run.Settings.Unseen) {
		row := headToHeadRow{From: from, To: to, Lang: lang}
		row.Win, row.Tie, row.Lose = match(verdictsIn(after, lang), verdictsIn(before, lang), points)
		rows = append(rows, row)
	}
	return datasets.Frame(rows), nil
}
