package view

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"lidrlab/lidr"
)

// kind is what can be browsed: which files hold it, and what of a line it is chosen and sorted by.
type kind struct {
	name, title string
	files       func(f *folder, model string) []string
	lang        func(measured) string
	fill        func(*row, measured)
	texts       func(record) []string // what is searched
	checks      bool                  // whether a line is right must be computed
}

var kindNames = []string{"verdicts", "pairs", "answers", "translations", "prompts"}

var kinds = map[string]kind{
	"prompts": {
		name: "prompts", title: "Prompts",
		files: func(f *folder, model string) []string { return f.present(path.Join(model, "prompts.jsonl")) },
		lang:  func(r measured) string { return r.Lang },
		fill:  func(w *row, r measured) { w.chars = r.Prompt.chars },
		texts: func(r record) []string { return []string{r.ID, r.Prompt, r.Answer} },
	},
	"answers": {
		name: "answers", title: "Answers",
		files: func(f *folder, model string) []string {
			all := f.linesIn(path.Join(model, "responses"))
			for _, suite := range f.names(path.Join(model, "eval")) {
				if !slices.Contains(otherSuites, suite) {
					all = append(all, f.linesIn(path.Join(model, "eval", suite))...)
				}
			}
			return all
		},
		lang: func(r measured) string { return r.Lang },
		fill: func(w *row, r measured) {
			w.chars = r.Response.chars
			w.set(faulty, r.Fault != "" || r.FinishReason == "length")
		},
		texts:  func(r record) []string { return []string{r.ID, r.Prompt, r.Response} },
		checks: true,
	},
	"translations": {
		name: "translations", title: "Translations",
		files: func(f *folder, model string) []string {
			return append(f.linesIn(path.Join(model, "translations")),
				f.present(path.Join(model, "eval", "translations.jsonl"))...)
		},
		lang: func(r measured) string { return r.To },
		fill: func(w *row, r measured) {
			w.chars = r.Text.chars
			w.set(faulty, !r.OK || r.Fault != "")
		},
		texts: func(r record) []string { return []string{r.ID, r.Source, r.Completion, r.Text} },
	},
	"pairs": {
		name: "pairs", title: "Pairs",
		files: func(f *folder, model string) []string { return f.present(path.Join(model, "pairs.jsonl")) },
		lang:  func(r measured) string { return r.Lang },
		fill: func(w *row, r measured) {
			w.chars = r.Chosen.chars
			w.differ = w.chars - r.Rejected.chars
			w.set(identical, r.Chosen == r.Rejected)
		},
		texts:  func(r record) []string { return []string{r.ID, r.Prompt, r.Chosen, r.Rejected} },
		checks: true,
	},
	"verdicts": {
		name: "verdicts", title: "Evaluation",
		files: func(f *folder, model string) []string { return f.linesIn(path.Join(model, "eval", "problems")) },
		lang:  func(r measured) string { return r.Lang },
		fill: func(w *row, r measured) {
			w.chars = r.Response.chars
			w.set(checked|told, true)
			w.differ = int32(lidr.Verdict{Correct: r.Correct, Steps: r.Steps, OnTarget: r.OnTarget, Fault: r.Fault}.Points())
			w.set(right, r.Correct)
			w.set(onTarget, r.OnTarget)
			w.set(faulty, r.Fault != "" || r.FinishReason == "length")
		},
		texts: func(r record) []string { return []string{r.ID, r.Response, r.Gold} },
	},
}

// otherSuites are the folders of an evaluation whose files are no answers of datasets.Response's form.
var otherSuites = []string{"problems", "samples", "mtbench", "choices"}

// pointsOf are the points of a verdict by [lidr.Rubric].
func pointsOf(r record) float64 {
	return lidr.Verdict{Correct: r.Correct, Steps: r.Steps, OnTarget: r.OnTarget, Fault: r.Fault}.Points()
}

func (w *row) set(f flags, on bool) {
	if on {
		w.flags |= f
	} else {
		w.flags &^= f
	}
}

func chars(s string) int32 { return int32(utf8.RuneCountInString(s)) }

// present is the file where there is one.
func (f *folder) present(name string) []string {
	if f.has(name) {
		return []string{name}
	}
	return nil
}

// linesIn are the files of lines in a folder, by name.
func (f *folder) linesIn(dir string) []string {
	var all []string
	for _, name := range f.names(dir) {
		if strings.HasSuffix(name, ".jsonl") && f.has(path.Join(dir, name)) {
			all = append(all, path.Join(dir, name))
		}
	}
	return all
}
