package lidr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"lidrlab/lidr/eval"
	"lidrlab/lidr/langid"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// identifierMeasures are the agreement of the identifier that a run was evaluated with and the others that this program
// has linked, on the answers of its models. On the miniature, whose checker knows its languages, there are none.
func identifierMeasures(run *Run, models []string) ([]report.Measure, error) {
	s := run.Settings
	if s.Evaluate.Source == "miniature" {
		return nil, nil
	}
	own, err := langid.Named(s.Evaluate.Identifier)
	if err != nil { // the run was evaluated by a program that has it, and the scores name it
		return nil, nil
	}
	var all []report.Measure
	for _, name := range append([]string{""}, langid.Registered()...) {
		other, err := langid.Named(name)
		if err != nil {
			return nil, err
		}
		if other.Name() == own.Name() {
			continue
		}
		t := measureTable{Measure: report.Measure{Key: "identifiers " + other.Name(), Title: "Agreement of two language identifiers", Unit: "%", Digits: 1,
			What: fmt.Sprintf("Share of the answers, of those that both %s and %s find to be in a language, on which they name the same one.", own.Name(), other.Name())}}
		for _, model := range models {
			for _, lang := range slices.Concat(s.Languages(), s.Unseen) {
				g, err := agreement(run, model, lang, own, other)
				if errors.Is(err, fs.ErrNotExist) { // measured, and not evaluated
					continue
				} else if err != nil {
					return nil, err
				}
				e := eval.Proportion(g.Same, g.Same+g.Differ)
				v := counted(100*e.Mean, 100*e.SE, e.N, 0, "")
				if undetermined := g.Texts - e.N; undetermined > 0 {
					v.Note += fmt.Sprintf(", %d undetermined", undetermined)
				}
				t.add(model, lang, v)
			}
		}
		all = append(all, t.filled()...)
	}
	return all, nil
}

// agreement is measured once, since a large identifier takes minutes to read thousands of answers.
func agreement(run *Run, model, lang string, a, b langid.Identifier) (langid.Agreement, error) {
	verdicts, err := Verdicts(run, model, lang)
	if err != nil {
		return langid.Agreement{}, err
	}
	texts := make([]string, len(verdicts))
	for i, v := range verdicts {
		texts[i] = v.Response
	}
	key := ledger.Key("agreement", a.Name(), b.Name(), texts)
	found, err := ledger.Collect(context.Background(), run.store, "agreement", key, 1, func(_ func(int) bool, save func([]int, []langid.Agreement) error) error {
		return save([]int{0}, []langid.Agreement{langid.Agree(texts, a, b)})
	})
	if err != nil {
		return langid.Agreement{}, err
	}
	return found[0], nil
}
