package view

import (
	"fmt"
	"path"
	"strings"
)

// The verdicts of a panel, and those on pairs of MT-bench, are lines by themselves: the answers that they are on stand
// in the files of the two models.

// decide notes an outcome: win, tie, lose, and anything else for none.
func (w *row) decide(outcome string) {
	w.set(wins, outcome == "win")
	w.set(loses, outcome == "lose")
	w.set(faulty, outcome == "failed" || outcome == "")
}

// majority is the outcome by which most of a panel's judges stand.
func majority(preference *float64) string {
	switch {
	case preference == nil:
		return "failed"
	case *preference > 1.5:
		return "win"
	case *preference < 1.5:
		return "lose"
	}
	return "tie"
}

// verdictOn is an outcome in words; the two sides take its colours.
func verdictOn(outcome string, ours, theirs *said) chip {
	switch outcome {
	case "win":
		ours.Tone, theirs.Tone = "good", "bad"
		return chip{Text: plain(ours.Label) + " preferred"}
	case "lose":
		ours.Tone, theirs.Tone = "bad", "good"
		return chip{Text: plain(theirs.Label) + " preferred"}
	case "tie":
		return chip{Text: "a tie"}
	}
	return chip{Text: "no verdict", Tone: "bad"}
}

func preferenceTitle(preference float64, ours, theirs said) string {
	return fmt.Sprintf("a preference of %.3g, from 1 for %s to 2 for %s", preference, theirs.Label, ours.Label)
}

// asked is what a model was asked, as its evaluation's files name it.
type asked struct {
	model, id, lang string
	turn            int
}

// compared are the answers that lines of verdicts are on. Where several suites have an id it is not known which of them
// was compared.
func (f *folder) compared(x *index, recs []record) (map[asked][]record, error) {
	wanted, models := map[uint32]bool{}, map[string]bool{}
	for _, rec := range recs {
		wanted[hashID(rec.ID)] = true
	}
	for _, p := range x.parts {
		for _, model := range strings.Split(p.model, "-") {
			models[model] = true
		}
	}
	answers := map[asked][]record{}
	for model := range models {
		of, err := f.index(kinds[x.of.answers], model)
		if err != nil {
			return nil, err
		}
		var rows []int32
		for i, r := range of.rows { // without the answers to a round's prompts
			if wanted[r.idHash] && strings.HasPrefix(of.parts[r.part].name, path.Join(model, "eval")+"/") {
				rows = append(rows, int32(i))
			}
		}
		found, err := f.lines(of, rows)
		if err != nil {
			return nil, err
		}
		for i, rec := range found {
			q := asked{model, rec.ID, of.langs[of.rows[rows[i]].lang], rec.Turn}
			answers[q] = append(answers[q], rec)
		}
	}
	return answers, nil
}

// compare shows a verdict on two answers, and those of them that are known.
func (it *item) compare(rec record, outcome string, answers map[asked][]record) {
	a, b, _ := strings.Cut(it.Model, "-")
	ours, theirs := said{Label: a, Lang: it.Lang}, said{Label: b, Lang: it.Lang}
	verdict := verdictOn(outcome, &ours, &theirs)
	if rec.Mean != nil {
		verdict.Title = preferenceTitle(*rec.Mean, ours, theirs)
	}
	it.Chips = append(it.Chips, verdict)
	for _, side := range []said{ours, theirs} {
		found := answers[asked{side.Label, rec.ID, it.Lang, rec.Turn}]
		if len(found) != 1 {
			continue
		}
		own := found[0]
		if it.Prompt = (said{Text: own.Prompt, Lang: it.Lang}); rec.Turn > 0 { // MT-bench's, without the question
			own.Response, own.Fault = own.Answer, own.AnswerFault
		}
		side.Text, side.Chips = own.Response, faultChips(own)
		it.Texts = append(it.Texts, side)
	}
}

// outcome is one in words, of the comparison that the item is of.
func (it *item) outcome(outcome string) string {
	a, b, _ := strings.Cut(it.Model, "-")
	return verdictOn(outcome, &said{Label: a}, &said{Label: b}).Text
}

// panel is what each judge of a panel said.
func (f *folder) panel(it *item, rec record) []chip {
	var used []struct{ Judge string }
	if f.json(path.Join("judged", it.Model, "panel.usage.json"), &used) != nil {
		used = nil // they are numbered then
	}
	var all []chip
	for i, outcome := range strings.Fields(rec.Said) {
		name := fmt.Sprintf("judge %d", i+1)
		if i < len(used) {
			name = used[i].Judge
		}
		all = append(all, chip{Text: name + ": " + it.outcome(outcome)})
	}
	return all
}

// orders are what the judge said of a pair of MT-bench, once for each order that it was shown.
func (it *item) orders(rec record) {
	it.Chips = append(it.Chips, chip{Text: fmt.Sprintf("turn %d", rec.Turn)})
	it.Chips = append(it.Chips, faultChips(record{Fault: rec.Fault})...)
	a, b, _ := strings.Cut(it.Model, "-")
	for _, shown := range []struct{ first, outcome, text string }{
		{a, rec.First, rec.FirstVerdict}, {b, rec.Second, rec.SecondVerdict},
	} {
		if shown.text != "" {
			label := fmt.Sprintf("The judge, shown %s first: %s", shown.first, it.outcome(shown.outcome))
			it.After = append(it.After, said{Label: label, Text: shown.text})
		}
	}
}
