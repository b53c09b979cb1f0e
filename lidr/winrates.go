package lidr

import (
	"fmt"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
)

// winRateRow is a row of the scores that [Judge] returns: one metric in one language.
//
//   - win_rate: mean of preference − 1, the raw win rate of alpaca_eval
//   - discrete_win_rate: a win counts 1, a draw one half
//   - length_controlled_win_rate: the minimal form; left out, with its reason, where it has no solution
//   - win, tie, lose and flip_rate, where both orders were asked: by the tie rule of [eval.TieRule]
type winRateRow struct {
	Metric   string  `json:"metric"`
	Lang     string  `json:"lang"`
	Value    float64 `json:"value"` // a share in 0…1
	SE       float64 `json:"se"`
	N        int     `json:"n"`        // items with a verdict
	Failed   int     `json:"failed"`   // items without
	Verdicts string  `json:"verdicts"` // "weighted" by the probabilities of the tokens, or in "words"
	Warning  string  `json:"warning"`  // what weakens the number, "" if nothing does
}

// saveJudgements writes the annotations and scores of every language, and returns the scores.
func saveJudgements(run *Run, name string, judge *Model, rows []judgement, weighted bool) ([]winRateRow, error) {
	kind := "words"
	if weighted {
		kind = "weighted"
	}
	var langs []string
	byLang := map[string][]judgement{}
	for _, row := range rows {
		if byLang[row.Lang] == nil {
			langs = append(langs, row.Lang)
		}
		byLang[row.Lang] = append(byLang[row.Lang], row)
	}
	var scores []winRateRow
	for _, lang := range langs {
		verdicts, err := annotations(rows, name, judge.Path+", "+kind, lang)
		if err != nil {
			return nil, err
		}
		path := run.path("judged", name, "annotations", lang+".json")
		data, err := datasets.EncodeAnnotations(verdicts)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", path, err)
		}
		if err := run.write(path, data); err != nil {
			return nil, err
		}
		own, err := winRates(verdicts, byLang[lang], lang)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lang, err)
		}
		for i := range own {
			own[i].Verdicts = kind
		}
		scores = append(scores, own...)
	}
	return scores, writeJSON(run, run.path("judged", name, "scores.json"), scores)
}

func winRates(verdicts []datasets.Annotation, rows []judgement, lang string) ([]winRateRow, error) {
	raw, err := eval.ScoreWinRate(verdicts)
	if err != nil {
		return nil, err
	}
	var scores []winRateRow
	add := func(metric string, e eval.Estimate, warnings []string) {
		scores = append(scores, winRateRow{Metric: metric, Lang: lang, Value: e.Mean, SE: e.SE, N: e.N, Failed: raw.Failed, Warning: strings.Join(warnings, "; ")})
	}
	if raw.Total < 2 {
		return nil, fmt.Errorf("the judge gave %d verdicts on %d pairs, expected at least 2: look at its raw answers in judged/", raw.Total, len(rows))
	}
	add("win_rate", raw.Rate, raw.Warnings)
	add("discrete_win_rate", raw.Discrete, raw.Warnings)
	if controlled, err := eval.LengthControlledWinRate(verdicts, nil); err == nil {
		add("length_controlled_win_rate", controlled.Rate, controlled.Warnings)
	} else {
		add("length_controlled_win_rate", eval.Estimate{}, []string{"none: " + err.Error()})
	}
	var first, second []float64
	for _, row := range rows {
		first, second = append(first, row.First-1.5), append(second, row.Second-1.5)
	}
	if both, err := eval.HeadToHeadBothOrders(first, second); err == nil && both.Flip.N > 0 {
		add("win", both.Win, both.Warnings)
		add("tie", both.Tie, both.Warnings)
		add("lose", both.Lose, both.Warnings)
		add("flip_rate", both.Flip, both.Warnings)
	}
	return scores, nil
}
