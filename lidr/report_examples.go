package lidr

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr/report"
)

// addAnswers shows, of every language, what the models answer to some problems.
func addAnswers(run *Run, data *report.Data, models []string) error {
	prompts, err := run.Problems()
	if err != nil { // a run that was moved away from its data has the rest of the report
		run.Note("the report shows no answers to single problems, since the problems cannot be read: %v", err)
		return nil
	}
	texts := map[[2]string]string{}
	for _, p := range prompts {
		texts[[2]string{p.ID, p.Lang}] = p.Prompt
	}
	for _, lang := range run.Settings.AllLanguages() {
		var all [][]Verdict
		for _, model := range models {
			verdicts, err := run.Verdicts(model, lang)
			if err != nil {
				return err
			}
			all = append(all, verdicts)
		}
		for _, shown := range shownProblems(all) {
			example := report.AnswerExample{ID: shown.ID, Language: lang, Prompt: texts[[2]string{shown.ID, lang}],
				Gold: shown.Gold}
			for i, model := range models {
				if v, known := verdictOf(all[i], shown.ID); known {
					words := cmp.Or(v.Fault, map[bool]string{true: "right", false: "wrong"}[v.Correct])
					if !v.OnTarget {
						words += ", not in " + LanguageName(lang)
					}
					example.Answers = append(example.Answers, report.ModelAnswer{Model: model, Text: v.Response, Verdict: words})
				}
			}
			data.Answers = append(data.Answers, example)
		}
	}
	return nil
}

// shownProblems are up to three of the problems that models have verdicts on, all in one language: the first that some
// get right and some wrong, the first that the last model gets wrong, and the first that a model answers in another
// language; or else the first. The report says so.
func shownProblems(all [][]Verdict) []Verdict {
	last := all[len(all)-1]
	var shown []Verdict
	for _, suits := range []func(id string) bool{
		func(id string) bool { return mixed(all, id) },
		func(id string) bool {
			v, known := verdictOf(last, id)
			return known && !v.Correct
		},
		func(id string) bool {
			return slices.ContainsFunc(all, func(own []Verdict) bool {
				v, known := verdictOf(own, id)
				return known && !v.OnTarget
			})
		},
	} {
		i := slices.IndexFunc(all[0], func(v Verdict) bool {
			_, taken := verdictOf(shown, v.ID)
			return !taken && suits(v.ID)
		})
		if i >= 0 {
			shown = append(shown, all[0][i])
		}
	}
	if len(shown) == 0 {
		shown = all[0][:min(1, len(all[0]))]
	}
	return shown
}

func verdictOf(verdicts []Verdict, id string) (Verdict, bool) {
	i := slices.IndexFunc(verdicts, func(v Verdict) bool { return v.ID == id })
	if i < 0 {
		return Verdict{}, false
	}
	return verdicts[i], true
}

// mixed says whether some models got a problem right and some wrong.
func mixed(all [][]Verdict, id string) bool {
	right := 0
	for _, verdicts := range all {
		if v, known := verdictOf(verdicts, id); known && v.Correct {
			right++
		}
	}
	return 0 < right && right < len(all)
}

// addExamples shows the first pair of every language whose sides differ, with the answer that one of them translates.
func addExamples(run *Run, data *report.Data, round, model string, pairs []Pair) error {
	gold, err := run.goldOf(model)
	if err != nil {
		return err
	}
	for _, lang := range run.Settings.Languages() {
		i := slices.IndexFunc(pairs, func(p Pair) bool { return p.Lang == lang && p.Chosen != p.Rejected })
		if i < 0 {
			continue
		}
		p := pairs[i]
		prompt := Prompt{ID: p.ID, Lang: p.Lang, Prompt: p.Prompt, Answer: gold[[2]string{p.ID, p.Lang}]}
		example := report.PairExample{
			Round: round, ID: p.ID, Language: lang, Prompt: p.Prompt, Chosen: p.Chosen, Rejected: p.Rejected,
			ChosenFrom: "own answer", RejectedFrom: "own answer",
			ChosenVerdict:   verdictWords(run.promptTask(), prompt, p.Chosen),
			RejectedVerdict: verdictWords(run.promptTask(), prompt, p.Rejected),
		}
		from, to := p.Origin()
		side, text := &example.RejectedFrom, p.Rejected
		if from == run.Settings.Dominant {
			side, text = &example.ChosenFrom, p.Chosen
		}
		if to != "" {
			*side = "own " + LanguageName(from) + " answer, translated"
			example.OriginalLanguage = from
			if example.Original, err = run.original(model, p, text); err != nil {
				return err
			}
		} else if LanguageName(from) != "" {
			*side = "own " + LanguageName(from) + " answer"
		}
		data.Examples = append(data.Examples, example)
	}
	return nil
}

// original is the answer that a side of a pair is the translation of, "" where the run has no file of it.
func (r *Run) original(model string, p Pair, side string) (string, error) {
	from, to := p.Origin()
	var rows []datasets.Translation
	err := r.ReadLines(r.Path(model, "translations", from+"-"+to+".jsonl"), &rows)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, row := range rows {
		if row.ID == p.ID && row.Text == side {
			return row.Source, nil
		}
	}
	return "", nil
}

// verdictWords says what the task's checker thinks of one side of a pair, "" where it cannot tell.
func verdictWords(task Task, p Prompt, text string) string {
	v, checked := task.Check(p, text)
	if !checked {
		return ""
	}
	var words []string
	inLanguage := v
	inLanguage.OnTarget = true
	switch {
	case v.Correct && !right(task, inLanguage):
		words = append(words, "right number, wrong steps")
	case v.Correct:
		words = append(words, "right")
	default:
		words = append(words, "wrong")
	}
	if !v.OnTarget {
		words = append(words, "not in "+LanguageName(p.Lang))
	}
	return strings.Join(words, ", ")
}
