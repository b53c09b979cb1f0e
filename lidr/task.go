package lidr

import (
	"fmt"

	"lidrlab/datasets/miniature"
)

// Task is what a run's models are asked and how their answers are checked. Two are built in: the miniature world and
// files of prompts ([PromptSettings.Source], [EvaluateSettings.Source]). A task of one's own ([WithTask]) gets
// verdicts, reward accuracy, saturation and a report as the miniature does.
type Task interface {
	// Name is the task's name and version, such as "sums/1"; a run folder made with another one is refused.
	Name() string

	// Prompts returns n prompts in each language, language by language, parallel by id, from prompt number first on; n = 0
	// takes all there are. split is "prompts" for those that pairs are made of, "eval" for those that models are
	// measured on: the two should have no prompt in common. Equal arguments give equal prompts.
	Prompts(split string, langs []string, first, n int, seed int64) ([]Prompt, error)

	// Check reads one response to a prompt. It sets Correct, Language and OnTarget, and Steps where it checks steps; the
	// run fills in the rest. checked is false where nothing tells whether a response is right: a prompt without a gold
	// answer.
	Check(p Prompt, response string) (v Verdict, checked bool)

	// Identify returns the code of the language that a text is in, "" for one that cannot be told.
	Identify(text string) string

	// Languages are the codes that Identify tells apart, nil for any: a run of another language is refused by [Open].
	Languages() []string
}

// builtin is what the tasks of this package add to the methods of any.
type builtin interface {
	Task
	metrics() []metric                       // beyond those of every task
	right(Verdict) bool                      // the verdict on one side of a pair
	number(p Prompt, response string) string // the final number, in a normal form, "" for none
	identifier() string                      // the identifier that scores depend on, "" for an exact one
	synthetic() bool                         // results say nothing about real models
	passages(s Settings) (texts []passage, gold []string)
}

// metric is a quantity read off a verdict.
type metric struct {
	name string
	hit  func(Verdict) bool
	lang bool // depends on the answers' languages
	rate bool // of answers by their language: nothing can be said of a language in which no request has an answer
}

// metricsOf lists the metrics of a task, in the order of its tables.
func metricsOf(t Task) []metric {
	list := []metric{
		{"accuracy", func(v Verdict) bool { return v.Correct }, false, false},
		{"correct_in_language", func(v Verdict) bool { return v.Correct && v.OnTarget }, true, false},
		{"off_target", func(v Verdict) bool { return !v.OnTarget }, true, true},
	}
	if b, ok := t.(builtin); ok {
		list = append(list, b.metrics()...)
	}
	return list
}

// right says whether one side of a pair is right in every respect that the task checks.
func right(t Task, v Verdict) bool {
	if b, ok := t.(builtin); ok {
		return b.right(v)
	}
	return v.Correct && v.OnTarget
}

// identifierOf names the identifier that a task's scores depend on, "" for an exact one.
func identifierOf(t Task) string {
	if b, ok := t.(builtin); ok {
		return b.identifier()
	}
	return t.Name()
}

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
