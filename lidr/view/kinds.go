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
	lang        func(r measured, file string) string
	fill        func(*row, measured)
	texts       func(record) []string // what is searched
	checks      bool                  // whether a line is right must be computed
	problems    bool                  // the prompts stand in no file of the run
	compares    bool                  // the files are of comparisons, and not of models
	answers     string                // the kind of the answers that were compared, where they stand in files of their own
}

var kindNames = append(slices.Clone(always), "samples", "mtbench", "judged", "panel", "mtpairs")

// always are the kinds that are offered whether or not there are files of them.
var always = []string{"verdicts", "pairs", "answers", "translations", "prompts"}

func ownLang(r measured, _ string) string { return r.Lang }

func langOfFile(_ measured, file string) string { return strings.TrimSuffix(path.Base(file), ".jsonl") }

var kinds = map[string]kind{
	"prompts": {
		name: "prompts", title: "Prompts",
		files: func(f *folder, model string) []string { return f.present(path.Join(model, "prompts.jsonl")) },
		lang:  ownLang,
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
		lang: ownLang,
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
		lang: func(r measured, _ string) string { return r.To },
		fill: func(w *row, r measured) {
			w.chars = r.Text.chars
			w.set(faulty, !r.OK || r.Fault != "")
		},
		texts: func(r record) []string { return []string{r.ID, r.Source, r.Completion, r.Text} },
	},
	"pairs": {
		name: "pairs", title: "Pairs",
		files: func(f *folder, model string) []string { return f.present(path.Join(model, "pairs.jsonl")) },
		lang:  ownLang,
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
		lang:  ownLang, fill: fillVerdict, texts: textsOfVerdict, problems: true,
	},
	"samples": {
		name: "samples", title: "Samples",
		files: func(f *folder, model string) []string { return f.linesIn(path.Join(model, "eval", "samples")) },
		lang:  ownLang, fill: fillVerdict, texts: textsOfVerdict, problems: true,
	},
	"mtbench": {
		name: "mtbench", title: "MT-bench",
		files: func(f *folder, model string) []string { return f.linesIn(path.Join(model, "eval", "mtbench")) },
		lang:  langOfFile,
		fill: func(w *row, r measured) {
			w.chars, w.differ = r.Answer.chars, -1
			if r.Rating != nil {
				w.differ = int32(100 * *r.Rating)
			}
			w.set(faulty, r.AnswerFault != "" || r.Fault != "")
		},
		texts: func(r record) []string { return []string{r.ID, r.Answer, r.Verdict} },
	},
	"judged": { // whose files are no lines: judged.go
		name: "judged", title: "Judged", compares: true,
		files: (*folder).annotationFiles,
	},
	"panel": {
		name: "panel", title: "Panel", compares: true, answers: "answers",
		files: func(f *folder, comparison string) []string {
			return f.present(path.Join("judged", comparison, "panel.jsonl"))
		},
		lang: ownLang,
		fill: func(w *row, r measured) {
			w.differ = -1
			if r.Mean != nil {
				w.differ = int32(1000 * *r.Mean)
			}
			w.decide(majority(r.Majority))
		},
		texts: func(r record) []string { return []string{r.ID, r.Said} },
	},
	"mtpairs": {
		name: "mtpairs", title: "MT-bench pairs", compares: true, answers: "mtbench",
		files: func(f *folder, comparison string) []string {
			return f.linesIn(path.Join("judged", comparison, "mtbench"))
		},
		lang: langOfFile,
		fill: func(w *row, r measured) {
			w.differ = int32(slices.Index([]string{"", "lose", "tie", "win"}, r.Outcome))
			w.decide(r.Outcome)
		},
		texts: func(r record) []string { return []string{r.ID, r.FirstVerdict, r.SecondVerdict} },
	},
}

func fillVerdict(w *row, r measured) {
	w.chars = r.Response.chars
	w.set(checked|told, true)
	w.differ = int32(lidr.Verdict{Correct: r.Correct, Steps: r.Steps, OnTarget: r.OnTarget, Fault: r.Fault}.Points())
	w.set(right, r.Correct)
	w.set(onTarget, r.OnTarget)
	w.set(faulty, r.Fault != "" || r.FinishReason == "length")
}

func textsOfVerdict(r record) []string { return []string{r.ID, r.Response, r.Gold} }

// kinds are those that a page offers, which are the one that it shows and those that there are files of.
func (f *folder) kinds(shown string) []string {
	return slices.DeleteFunc(slices.Clone(kindNames), func(name string) bool {
		if name == shown || slices.Contains(always, name) {
			return false
		}
		of := kinds[name]
		return !slices.ContainsFunc(f.subjects(of), func(s string) bool { return len(of.files(f, s)) > 0 })
	})
}

// subjects are what the files of a kind are of.
func (f *folder) subjects(of kind) []string {
	if of.compares {
		return f.comparisons()
	}
	return f.models()
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
