package lidr

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/langid"
	"lidrlab/lidr/ledger"
)

// scoreRow is a row of the frame that [Evaluate] returns.
type scoreRow struct {
	Model  string  `json:"model"`
	Metric string  `json:"metric"`
	Lang   string  `json:"lang"` // a code, or "trained" and "unseen": the means over those languages
	Value  float64 `json:"value"`
	SE     float64 `json:"se"` // standard error, over the problems
	N      int     `json:"n"`  // problems
	// Identifier is the name and version of who said in which language the answers are, where the metric depends on it.
	Identifier string `json:"identifier,omitempty"`
}

// metric is a quantity read off a verdict.
type metric struct {
	name string
	hit  func(Verdict) bool
	lang bool // depends on the answers' languages
}

// metricsOf lists the metrics of a run, in the order of its tables.
func metricsOf(s Settings) []metric {
	list := []metric{
		{"accuracy", func(v Verdict) bool { return v.Correct }, false},
		{"correct_in_language", func(v Verdict) bool { return v.Correct && v.OnTarget }, true},
		{"off_target", func(v Verdict) bool { return !v.OnTarget }, true},
	}
	if s.Evaluate.Source == "miniature" {
		return append(list, metric{"steps_correct", func(v Verdict) bool { return v.Steps }, false})
	}
	return append(list,
		metric{"correct_off_target", func(v Verdict) bool { return v.Correct && !v.OnTarget }, true},
		metric{"strict", func(v Verdict) bool { return v.Strict }, false},
		metric{"flexible", func(v Verdict) bool { return v.Flexible }, false},
		metric{"undetermined", func(v Verdict) bool { return v.Language == "" }, true})
}

// Evaluate asks the model the evaluation problems in every language of the run and returns a frame with columns model,
// metric, lang, value, se and n. Values are shares in 0…1; lang is a code, or "trained" and "unseen" for the mean over
// those languages, whose standard error is taken over problems, since the same problems are asked in each language.
// Metrics are accuracy, correct_in_language and off_target; on the miniature also steps_correct and the translations'; on
// files correct_off_target, strict and flexible (the readings of lm-evaluation-harness, see [eval.ScoreMGSM]) and
// undetermined, and a column identifier says who told the languages apart. With [EvaluateSettings].Shots worked examples
// stand before each problem. It writes <model>/eval/problems/LANG.jsonl, <model>/eval/translations.jsonl (miniature) and
// <model>/eval/scores.json, and names the model in run.json.
func Evaluate(ctx context.Context, run *Run, m *Model) (dataframe.DataFrame, error) {
	s := run.Settings
	prompts, err := evaluationRows(run)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	if languages := len(s.Languages()) + len(s.Unseen); len(prompts) < 2*languages {
		return dataframe.DataFrame{}, fmt.Errorf("evaluation prompts: %s has one problem a language, expected at least two: one gives no standard error", s.Evaluate.Source)
	}
	id, err := langid.Named(s.Evaluate.Identifier)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	shots, err := exemplars(s.Generate, s.Evaluate.Exemplars, s.Evaluate.Shots, slices.Concat(s.Languages(), s.Unseen))
	if err != nil {
		return dataframe.DataFrame{}, fmt.Errorf("few-shot evaluation: %w", err)
	}
	responses, err := respond(ctx, run, m, "evaluate", prompts, shots)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	verdicts := make([]Verdict, len(responses))
	for i, row := range responses {
		verdicts[i] = judge(row, prompts[i].Answer, id)
	}
	for _, lang := range slices.Concat(s.Languages(), s.Unseen) {
		if err := writeLines(run, run.path(m.Name, "eval", "problems", lang+".jsonl"), verdictsIn(verdicts, lang)); err != nil {
			return dataframe.DataFrame{}, err
		}
	}
	scores := scoreVerdicts(s, m.Name, verdicts, id)
	translations, err := evaluateTranslation(ctx, run, m)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	scores = append(scores, translations...)
	if err := writeJSON(run, run.path(m.Name, "eval", "scores.json"), scores); err != nil {
		return dataframe.DataFrame{}, err
	}
	frame := datasets.Frame(scores)
	if s.Evaluate.Source == "miniature" { // its checker knows its languages
		frame = frame.Drop("identifier")
	}
	return frame, recordModel(run, m)
}

func scoreVerdicts(s Settings, model string, verdicts []Verdict, id langid.Identifier) []scoreRow {
	var scores []scoreRow
	for _, metric := range metricsOf(s) {
		identifier := ""
		if metric.lang && s.Evaluate.Source != "miniature" {
			identifier = id.Name()
		}
		add := func(name string, langs []string) {
			if len(langs) > 0 {
				e := eval.MeanSE(shares(verdicts, langs, metric.hit))
				scores = append(scores, scoreRow{model, metric.name, name, e.Mean, e.SE, e.N, identifier})
			}
		}
		for _, lang := range slices.Concat(s.Languages(), s.Unseen) {
			add(lang, []string{lang})
		}
		add("trained", s.Trained)
		add("unseen", s.Unseen)
	}
	return scores
}

// shares returns, for each problem, the share of the languages in which its answer is a hit.
func shares(verdicts []Verdict, langs []string, hit func(Verdict) bool) []float64 {
	var out []float64
	for _, lang := range langs {
		own := verdictsIn(verdicts, lang)
		if out == nil {
			out = make([]float64, len(own))
		}
		for i, v := range own {
			if hit(v) {
				out[i] += 1 / float64(len(langs))
			}
		}
	}
	return out
}

func verdictsIn(verdicts []Verdict, lang string) []Verdict {
	var own []Verdict
	for _, v := range verdicts {
		if v.Lang == lang {
			own = append(own, v)
		}
	}
	return own
}

// evaluateTranslation measures how often the model translates a miniature solution exactly, from the dominant language
// into every other ("translation_to") and back ("translation_from").
func evaluateTranslation(ctx context.Context, run *Run, m *Model) ([]scoreRow, error) {
	s := run.Settings
	if s.Evaluate.Source != "miniature" || s.Evaluate.Translations == 0 {
		return nil, nil
	}
	problems := miniature.Problems("eval", s.Evaluate.Translations, s.Evaluate.Seed)
	others := slices.Concat(s.Trained, s.Unseen)
	var passages []passage
	var gold []string
	for _, lang := range others {
		for _, p := range problems {
			native, dominant := p.Answer(lang), p.Answer(s.Dominant)
			passages = append(passages,
				passage{ID: p.ID, From: s.Dominant, To: lang, Text: dominant},
				passage{ID: p.ID, From: lang, To: s.Dominant, Text: native})
			gold = append(gold, native, dominant)
		}
	}
	rows, err := translate(ctx, run, m, "evaluate translation", passages)
	if err != nil {
		return nil, err
	}
	if err := writeLines(run, run.path(m.Name, "eval", "translations.jsonl"), rows); err != nil {
		return nil, err
	}
	var scores []scoreRow
	for direction, name := range []string{"translation_to", "translation_from"} {
		for k, lang := range others {
			exact := 0
			for i := range problems {
				j := 2*(k*len(problems)+i) + direction
				if rows[j].OK && rows[j].Text == gold[j] {
					exact++
				}
			}
			e := eval.Proportion(exact, len(problems))
			scores = append(scores, scoreRow{m.Name, name, lang, e.Mean, e.SE, e.N, ""})
		}
	}
	return scores, nil
}

// Verdicts reads back what [Evaluate] found of a model's answers in one language, in the order of the problems.
func Verdicts(run *Run, model, lang string) ([]Verdict, error) {
	rows, err := ledger.ReadLines[Verdict](run.path(model, "eval", "problems", lang+".jsonl"))
	if err != nil {
		return nil, fmt.Errorf("%s is not evaluated in %s; call Evaluate first: %w", model, lang, err)
	}
	return rows, nil
}
