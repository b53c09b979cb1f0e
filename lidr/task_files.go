package lidr

import (
	"fmt"
	"path/filepath"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/langid"
)

// fileTask asks the prompts of a file or folder, compares the number in an answer with the gold one, and identifies
// languages by langid.
type fileTask struct {
	source string
	named  string // the identifier's name for langid.Named
}

func (t fileTask) Name() string { return t.source }

func (t fileTask) Prompts(split string, langs []string, first, n int, _ int64) ([]Prompt, error) {
	prompts, err := datasets.LoadPrompts(t.source, langs)
	if err != nil {
		return nil, err
	}
	var rows []Prompt
	for _, lang := range langs {
		var own []Prompt
		for _, p := range prompts {
			if p.Lang == lang {
				source := fmt.Sprintf("%s:%d", filepath.Base(p.File), p.Line)
				own = append(own, Prompt{p.ID, p.Lang, p.Text, p.Answer, source})
			}
		}
		if n == 0 {
			n = len(own) - first
		}
		if first+n > len(own) {
			mend := "lower prompts.n (--n)"
			if split == "eval" {
				mend = "lower evaluate.n (--eval-n)"
			} else if first > 0 {
				mend += " or set prompts.reuse"
			}
			return nil, fmt.Errorf("%s has %d prompts in %s, and %d to %d were asked for; %s",
				t.source, len(own), lang, first+1, first+n, mend)
		}
		rows = append(rows, own[first:first+n]...)
	}
	if split == "eval" {
		return rows, t.checkable(rows)
	}
	return rows, nil
}

// checkable is an error for a problem whose gold answer no answer could equal, and for one whose number differs from
// that in another language ("1.000" for a thousand is one here): either would count every model as wrong.
func (t fileTask) checkable(problems []Prompt) error {
	const mend = "so that no accuracy can be told; give evaluate.source problems with numbers as answers"
	first := map[string]Prompt{}
	numbers := map[string]string{}
	for _, p := range problems {
		if p.Answer == "" {
			return fmt.Errorf("%s: %s: prompt %s in %s has no gold answer, %s", t.source, p.Source, p.ID, p.Lang, mend)
		}
		number, err := eval.Gold(p.Answer)
		if err != nil {
			return fmt.Errorf("%s: %s: prompt %s in %s: %w, %s", t.source, p.Source, p.ID, p.Lang, err, mend)
		}
		if other, ok := first[p.ID]; !ok {
			first[p.ID], numbers[p.ID] = p, number
		} else if !eval.EqualNumbers(number, numbers[p.ID]) {
			return fmt.Errorf("%s: %s: prompt %s in %s: gold answer %q is %s and that in %s (%s), %q, is %s; write gold "+
				"answers as in 1,000.5 in every language", t.source, p.Source, p.ID, p.Lang, p.Answer, number,
				other.Lang, other.Source, other.Answer, numbers[p.ID])
		}
	}
	return nil
}

// Check counts an undetermined language, such as a bare number's, as on target.
func (t fileTask) Check(p Prompt, response string) (Verdict, bool) {
	_, err := eval.Gold(p.Answer)
	a := eval.ReadAnswer(response, p.Answer, baseLanguage(p.Lang), t.langid())
	return Verdict{
		Correct: a.Right, Strict: a.StrictRight, Flexible: a.FlexRight,
		Language: a.Language, OnTarget: !a.WrongLang,
	}, err == nil
}

func (t fileTask) Identify(text string) string {
	lang, _ := t.langid().Identify(text)
	return lang
}

func (t fileTask) Languages() []string { return langid.Languages(t.langid()) }

func (fileTask) metrics() []metric {
	return []metric{
		{"correct_off_target", func(v Verdict) bool { return v.Correct && !v.OnTarget }, true, true},
		{"strict", func(v Verdict) bool { return v.Strict }, false, false},
		{"flexible", func(v Verdict) bool { return v.Flexible }, false, false},
		{"undetermined", func(v Verdict) bool { return v.Language == "" }, true, true},
	}
}

func (fileTask) right(v Verdict) bool { return v.Correct && v.OnTarget }

func (fileTask) number(p Prompt, response string) string {
	number, _ := eval.Number(response, baseLanguage(p.Lang))
	return number
}

func (t fileTask) identifier() string { return t.langid().Name() }

func (fileTask) synthetic() bool { return false }

func (fileTask) passages(Settings) ([]passage, []string) { return nil, nil }

// langid is the identifier, which Open has looked up before.
func (t fileTask) langid() langid.Identifier {
	id, err := langid.Named(t.named)
	if err != nil { // a run that was evaluated by a program which has it, opened again to be read
		return langid.Default()
	}
	return id
}
