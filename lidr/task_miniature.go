package lidr

import (
	"fmt"

	"lidrlab/datasets/miniature"
)

// miniatureSource names the miniature world as a source of prompts; the embedded model has the same name.
const miniatureSource = "miniature"

// miniatureTask is the miniature world: word problems that its own checker reads, by an id that holds the problem.
type miniatureTask struct{}

func (miniatureTask) Name() string { return miniatureSource }

func (miniatureTask) Prompts(split string, langs []string, first, n int, seed int64) ([]Prompt, error) {
	problems := miniature.Problems(split, first+n, seed)[first:]
	rows := make([]Prompt, 0, len(problems)*len(langs))
	for _, lang := range langs {
		for _, p := range problems {
			rows = append(rows, Prompt{p.ID, lang, p.Prompt(lang), fmt.Sprint(p.Result()), miniatureSource})
		}
	}
	return rows, nil
}

// Check needs no gold answer, since the id tells it.
func (miniatureTask) Check(p Prompt, response string) (Verdict, bool) {
	problem, err := miniature.Decode(p.ID)
	if err != nil {
		return Verdict{}, false
	}
	v := miniature.Check(response, problem, p.Lang)
	return Verdict{Correct: v.Correct, Steps: v.StepsCorrect, Language: v.Language, OnTarget: v.OnTarget}, true
}

func (miniatureTask) Identify(text string) string { return miniature.Identify(text) }

func (miniatureTask) Languages() []string {
	var codes []string
	for _, l := range miniature.Languages() {
		codes = append(codes, l.Code)
	}
	return codes
}

func (miniatureTask) metrics() []metric {
	return []metric{{"steps_correct", func(v Verdict) bool { return v.Steps }, false, false}}
}

func (miniatureTask) right(v Verdict) bool { return v.Correct && v.Steps && v.OnTarget }

func (miniatureTask) number(p Prompt, response string) string {
	problem, err := miniature.Decode(p.ID)
	if err != nil {
		return ""
	}
	if v := miniature.Check(response, problem, p.Lang); v.HasNumber {
		return fmt.Sprint(v.Number)
	}
	return ""
}

func (miniatureTask) identifier() string { return "" }

func (miniatureTask) synthetic() bool { return true }

// passages are worked answers to translate out of the dominant language and back, with the exact translations: of each
// other language and problem, first out of the dominant one, then into it.
func (miniatureTask) passages(s Settings) (texts []passage, gold []string) {
	problems := miniature.Problems("eval", s.Evaluate.Translations, s.Evaluate.Seed)
	for _, lang := range s.AllLanguages()[1:] {
		for _, p := range problems {
			native, dominant := p.Answer(lang), p.Answer(s.Dominant)
			texts = append(texts,
				passage{ID: p.ID, From: s.Dominant, To: lang, Text: dominant},
				passage{ID: p.ID, From: lang, To: s.Dominant, Text: native})
			gold = append(gold, native, dominant)
		}
	}
	return texts, gold
}
