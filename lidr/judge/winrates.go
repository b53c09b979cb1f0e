package judge

import (
	"encoding/json"
	"fmt"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// save writes the annotations and scores of every language, and returns the scores.
func (v *judged) save(run *lidr.Run, names comparison) ([]WinRate, error) {
	langs, rows := byLanguage(v.rows, func(j Judgement) string { return j.Lang })
	var scores []WinRate
	for _, lang := range langs {
		said, err := v.annotations(names, lang)
		if err != nil {
			return nil, err
		}
		path := names.path(run, "annotations", lang+".json")
		data, err := datasets.EncodeAnnotations(said)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", path, err)
		}
		if err := run.Write(path, data); err != nil {
			return nil, err
		}
		rates, err := winRates(said, rows[lang], lang)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lang, err)
		}
		for i := range rates {
			rates[i].Verdicts = v.kind()
		}
		scores = append(scores, rates...)
	}
	return scores, run.WriteJSON(names.path(run, "scores.json"), scores)
}

// annotations are the verdicts on one language in alpaca_eval's form.
func (v *judged) annotations(names comparison, lang string) ([]datasets.Annotation, error) {
	var out []datasets.Annotation
	for i, row := range v.rows {
		if row.Lang != lang {
			continue
		}
		raw, err := json.Marshal(v.raw[i])
		if err != nil {
			return nil, err
		}
		out = append(out, datasets.Annotation{
			Instruction: row.Prompt, Output1: row.Reference, Generator1: names.Reference,
			Output2: row.Response, Generator2: names.Response,
			Annotator: v.judge + ", " + v.kind(), Preference: row.Preference, RawCompletion: raw,
		})
	}
	return out, nil
}

func winRates(said []datasets.Annotation, rows []Judgement, lang string) ([]WinRate, error) {
	raw, err := eval.ScoreWinRate(said)
	if err != nil {
		return nil, err
	}
	if raw.Total < 2 {
		return nil, fmt.Errorf("the judge gave %d verdicts on %d pairs, expected at least 2: look at its raw answers in "+
			"judged/", raw.Total, len(rows))
	}
	var scores []WinRate
	add := func(metric string, e eval.Estimate, warnings []string) {
		scores = append(scores, WinRate{
			Metric: metric, Lang: lang, Value: e.Mean, SE: e.SE, N: e.N, Failed: raw.Failed,
			Warning: strings.Join(warnings, "; "),
		})
	}
	add("win_rate", raw.Rate, raw.Warnings)
	add("discrete_win_rate", raw.Discrete, raw.Warnings)
	if controlled, err := eval.LengthControlledWinRate(said, nil); err == nil {
		add("length_controlled_win_rate", controlled.Rate, controlled.Warnings)
	} else {
		add("length_controlled_win_rate", eval.Estimate{}, []string{"none: " + err.Error()})
	}
	var first, second []float64
	for _, row := range rows {
		first = append(first, row.First-1.5)
		second = append(second, row.Second-1.5)
	}
	if both, err := eval.HeadToHeadBothOrders(first, second); err == nil && both.Flip.N > 0 {
		add("win", both.Win, both.Warnings)
		add("tie", both.Tie, both.Warnings)
		add("lose", both.Lose, both.Warnings)
		add("flip_rate", both.Flip, both.Warnings)
	}
	return scores, nil
}
