package lidr

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
)

// Compare sets two evaluated models of a run side by side on the same problems, by their names. It returns a frame of
// [eval.Change] rows for the metrics of [Evaluate] that are shares of answers. [HeadToHead] counts answers that win.
func Compare(ctx context.Context, run *Run, from, to string) (dataframe.DataFrame, error) {
	if err := ctx.Err(); err != nil {
		return dataframe.DataFrame{}, err
	}
	rows, err := compare(run, from, to)
	return datasets.Frame(rows), err
}

func compare(run *Run, from, to string) ([]eval.Change, error) {
	s := run.Settings
	before, after, err := sameItems(run, from, to)
	if err != nil {
		return nil, err
	}
	var rows []eval.Change
	for _, metric := range metricsOf(run.evalTask()) {
		add := func(name, scope string, langs []string) error {
			if !told(metric, before, langs) || !told(metric, after, langs) {
				return nil
			}
			a, b := shares(before, langs, metric.hit), shares(after, langs, metric.hit)
			difference, p, err := eval.ComparePaired(b, a, scope == oneLanguage, s.Evaluate.Seed)
			if err != nil {
				return err
			}
			row := eval.Change{
				From: from, To: to, Metric: metric.name, Lang: name, Scope: scope,
				Difference: difference.Mean, SE: difference.SE, P: p, N: len(a),
			}
			for i := range a {
				switch {
				case b[i] > a[i]:
					row.OnlyTo++
				case b[i] < a[i]:
					row.OnlyFrom++
				}
			}
			rows = append(rows, row)
			return nil
		}
		var errs []error
		for _, lang := range s.AllLanguages() {
			errs = append(errs, add(lang, oneLanguage, []string{lang}))
		}
		errs = append(errs, add("trained", meanOver, s.Trained), add("unseen", meanOver, s.Unseen))
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// sameItems reads back the verdicts on two models, item by item in the same order.
func sameItems(run *Run, from, to string) (before, after []Verdict, err error) {
	for _, lang := range run.Settings.AllLanguages() {
		a, err := run.Verdicts(from, lang)
		if err != nil {
			return nil, nil, err
		}
		b, err := run.Verdicts(to, lang)
		if err != nil {
			return nil, nil, err
		}
		if len(a) != len(b) {
			return nil, nil, fmt.Errorf("%s is evaluated on %d problems in %s and %s on %d; evaluate both again", from, len(a),
				lang, to, len(b))
		}
		for i := range a {
			if a[i].ID != b[i].ID || a[i].Gold != b[i].Gold {
				return nil, nil, fmt.Errorf("%s and %s are evaluated on different problems in %s (number %d is %s there and %s "+
					"here); evaluate both again", from, to, lang, i+1, a[i].ID, b[i].ID)
			}
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

// HeadToHead sets the answers of two evaluated models side by side by a rubric of the caller's: more points win, equal
// points tie. [Verdict.Points] is the rubric of the tool. It returns a frame of [Match] rows.
func HeadToHead(ctx context.Context, run *Run, from, to string, points func(Verdict) float64) (dataframe.DataFrame,
	error) {
	if err := ctx.Err(); err != nil {
		return dataframe.DataFrame{}, err
	}
	rows, err := headToHead(run, from, to, points)
	return datasets.Frame(rows), err
}

func headToHead(run *Run, from, to string, points func(Verdict) float64) ([]Match, error) {
	before, after, err := sameItems(run, from, to)
	if err != nil {
		return nil, err
	}
	var rows []Match
	for _, lang := range run.Settings.AllLanguages() {
		row := Match{From: from, To: to, Lang: lang}
		row.Win, row.Tie, row.Lose = match(verdictsIn(after, lang), verdictsIn(before, lang), points)
		rows = append(rows, row)
	}
	return rows, nil
}
