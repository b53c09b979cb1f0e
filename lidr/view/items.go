package view

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"lidrlab/lidr"
)

// item is a line of the browser as its page shows it.
type item struct {
	ID, Lang, Model string
	One             string // address of this prompt alone
	Prompt          said
	Texts           []said
	After           []said // what was said of them
	Chips           []chip
	File            string // where it stands
}

// said is a text with its language.
type said struct {
	Label, Text, Lang, Tone string
	Rest                    int  // characters that are not shown
	Long                    bool // shown in a box that scrolls
	Chips                   []chip
}

// chip is a short remark: good, bad or neither.
type chip struct{ Text, Tone, Title string }

// Characters of a text that are shown in a list, and of one prompt alone.
const (
	inList = 2000
	alone  = 200_000
)

// items reads the lines of a page.
func (f *folder) items(x *index, rows []int32, q Query) ([]item, error) {
	recs, err := f.lines(x, rows)
	if err != nil {
		return nil, err
	}
	check, err := f.checker(q.Model)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	if x.of.problems {
		texts, _ = f.problems() // without them the page says why
	}
	var worths []worthChips
	if q.Kind == "pairs" {
		worths, _ = f.worthsShown(x, q) // without them the page says why
	}
	var compared map[asked][]record
	if x.of.answers != "" {
		if compared, err = f.compared(x, recs); err != nil {
			return nil, err
		}
	}
	out := make([]item, len(rows))
	for i, rec := range recs {
		r := x.rows[rows[i]]
		p := x.parts[r.part]
		one := Query{Run: f.Name, Kind: q.Kind, ID: rec.ID}
		it := item{ID: rec.ID, Lang: x.langs[r.lang], Model: p.model, One: "/browse?" + one.String(),
			File: fmt.Sprintf("%s:%d", p.name, r.ordinal+1)}
		switch q.Kind {
		case "prompts":
			it.Texts = []said{{Label: "Prompt", Text: rec.Prompt, Lang: rec.Lang}}
			if rec.Answer != "" {
				it.Chips = append(it.Chips, chip{Text: "answer " + rec.Answer})
			}
		case "answers":
			it.Prompt = said{Text: rec.Prompt, Lang: rec.Lang}
			v := check.check(rec)
			it.Texts = []said{{Label: "Answer", Text: rec.Response, Lang: cmp.Or(v.verdict[0].Language, rec.Lang),
				Chips: append(v.chips(0, rec.Lang), faultChips(rec)...)}}
			if suite := path.Base(path.Dir(p.name)); suite != "responses" {
				it.Chips = append(it.Chips, chip{Text: suite})
			}
		case "translations":
			it.Prompt = said{Label: "From " + languageName(rec.From), Text: rec.Source, Lang: rec.From}
			to := said{Label: "Into " + languageName(rec.To), Text: rec.Text, Lang: rec.To, Chips: faultChips(rec)}
			if !rec.OK {
				to.Text = rec.Completion
				to.Chips = append(to.Chips, chip{Text: "failed: " + rec.Reason, Tone: "bad"})
			}
			it.Texts = []said{to}
		case "pairs":
			it.Prompt = said{Text: rec.Prompt, Lang: rec.Lang}
			it.pair(rec, check.check(rec), "")
			for _, w := range worths {
				it.Chips = append(it.Chips, w.chip(rows[i]))
			}
		case "verdicts", "samples":
			it.Prompt = said{Text: textOf(texts, rec), Lang: rec.Lang}
			it.Texts = []said{verdictSaid(p.model, rec)}
			if q.Kind == "samples" {
				it.Chips = append(it.Chips, chip{Text: fmt.Sprintf("sample %d", rec.Sample)})
			}
		case "panel":
			it.compare(rec, majority(rec.Majority), compared)
			it.Chips = append(it.Chips, f.panel(&it, rec)...)
		case "mtpairs":
			it.compare(rec, rec.Outcome, compared)
			it.orders(rec)
		case "mtbench":
			it.Texts = []said{{Label: fmt.Sprintf("Answer to turn %d", rec.Turn), Text: rec.Answer, Lang: it.Lang,
				Chips: faultChips(record{Fault: rec.AnswerFault})}}
			it.Chips = append(it.Chips, faultChips(record{Fault: rec.Fault})...)
			if rec.Rating != nil {
				it.Chips = append(it.Chips, chip{Text: fmt.Sprintf("rated %.3g", *rec.Rating), Title: "1 to 10, by the judge"})
			}
			if rec.Verdict != "" {
				it.After = []said{{Label: "The judge", Text: rec.Verdict}}
			}
		}
		out[i] = it
	}
	return out, nil
}

// pair shows the two sides of a pair, why it was dropped if it was.
func (it *item) pair(rec record, v sides, why string) {
	from, to := lidr.Pair{Source: rec.Source}.Origin()
	chosen, rejected := said{Label: "Chosen", Text: rec.Chosen, Lang: rec.Lang, Tone: "good"},
		said{Label: "Rejected", Text: rec.Rejected, Lang: rec.Lang, Tone: "bad"}
	origin := "the answer in " + languageName(from) + ", translated into " + languageName(to)
	switch {
	case to == "" || from == "":
		origin = ""
	case to == rec.Lang && from != rec.Lang && rec.Lang != "en":
		chosen.Label += ": " + origin
	case to == rec.Lang:
		rejected.Label += ": " + origin
	}
	chosen.Chips, rejected.Chips = v.chips(0, rec.Lang), v.chips(1, rec.Lang)
	it.Texts = []said{chosen, rejected}
	if rec.Chosen == rec.Rejected {
		it.Chips = append(it.Chips, chip{Text: "both sides are the same", Tone: "bad",
			Title: "DPO learns nothing from it; NLL does"})
	} else {
		it.Chips = append(it.Chips, chip{Text: fmt.Sprintf("%d and %d characters", chars(rec.Chosen), chars(rec.Rejected))})
	}
	if why != "" {
		it.Chips = append(it.Chips, chip{Text: "dropped: " + why, Tone: "bad"})
	}
}

// chips say what is known of one side of a line.
func (s sides) chips(k int, lang string) []chip {
	var all []chip
	v := s.verdict[k]
	if s.checked {
		all = append(all, rightChip(v.Correct))
	}
	if s.told {
		all = append(all, targetChip(v.OnTarget, v.Language, lang))
	}
	return all
}

func rightChip(right bool) chip {
	if right {
		return chip{Text: "right", Tone: "good", Title: "the final answer is the gold one"}
	}
	return chip{Text: "wrong", Tone: "bad", Title: "the final answer is not the gold one"}
}

func targetChip(on bool, found, expected string) chip {
	switch {
	case !on:
		return chip{Text: "off target: " + cmp.Or(found, "unknown"), Tone: "bad", Title: "in " +
			cmp.Or(languageName(found), "a language that is not known") + ", and not in " + languageName(expected)}
	case found == "":
		return chip{Text: "language not told", Title: "too short, or too much number or code: counts as on target"}
	}
	return chip{Text: "in " + languageName(found), Tone: "good", Title: "in the language of its prompt"}
}

func faultChips(rec record) []chip {
	var all []chip
	if rec.Fault != "" {
		all = append(all, chip{Text: strings.TrimSpace(rec.Fault + " " + rec.Reason), Tone: "bad"})
	} else if rec.FinishReason == "length" {
		all = append(all, chip{Text: "cut by its length", Tone: "bad"})
	}
	if rec.Tokens > 0 {
		all = append(all, chip{Text: fmt.Sprintf("%d tokens", rec.Tokens)})
	}
	return all
}

// verdictSaid is a model's answer to a problem of the evaluation, with the verdict on it.
func verdictSaid(model string, rec record) said {
	t := said{Label: model, Text: rec.Response, Lang: cmp.Or(rec.Language, rec.Lang)}
	t.Chips = append(t.Chips, rightChip(rec.Correct), targetChip(rec.OnTarget, rec.Language, rec.Lang))
	if rec.Correct && rec.Steps {
		t.Chips = append(t.Chips, chip{Text: "every step right", Tone: "good"})
	}
	t.Chips = append(t.Chips, faultChips(rec)...)
	if rec.Gold != "" {
		t.Chips = append(t.Chips, chip{Text: "gold " + rec.Gold})
	}
	return t
}

// shorten cuts long texts; of one prompt alone they are whole, as far as a page can be.
func (it *item) shorten(q Query) {
	all := []*said{&it.Prompt}
	for i := range it.Texts {
		all = append(all, &it.Texts[i])
	}
	for i := range it.After {
		all = append(all, &it.After[i])
	}
	for _, t := range all {
		if q.ID != "" {
			t.Text, t.Rest = shortened(t.Text, alone)
			continue
		}
		t.Text, t.Rest = shortened(t.Text, inList)
		t.Long = chars(t.Text) > 700 || strings.Count(t.Text, "\n") > 10
	}
}
