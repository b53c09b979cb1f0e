package view

import (
	"fmt"
	"net/http"
	"slices"

	"lidrlab/lidr"
)

// perPage is how many lines a page shows.
const perPage = 25

// listBody is a page of the browser.
type listBody struct {
	Query   Query
	Kinds   []tab
	Models  []string
	Langs   []string
	Choices []choice
	Items   []item
	From    int // number of the first line, from 1
	To      int
	Total   int
	Beside  bool
	Compare bool   // models are compared: Models are comparisons
	Prev    string // addresses, "" for none
	Next    string
	First   string
	Last    string
	Whole   string // address without any filter
}

type tab struct {
	Title, Link string
	Here        bool
}

// choice is a field of the form with the values that make sense for the kind.
type choice struct {
	Name, Label, Value string
	Values             []option
}

type option struct{ Value, Text string }

func (s *Server) browse(w http.ResponseWriter, r *http.Request) {
	q, err := ParseQuery(r.URL.RawQuery)
	if err != nil {
		s.failed(w, err)
		return
	}
	f, err := s.folderOf(q.Run)
	if err != nil {
		s.refuse(w, http.StatusNotFound, err.Error())
		return
	}
	q.Run = f.Name
	models := f.subjects(kinds[q.Kind])
	for _, m := range []string{q.Model, q.Beside} {
		if m != "" && !slices.Contains(models, m) {
			s.refuse(w, http.StatusNotFound, fmt.Sprintf("%.60q is not in %s, which has %v", m, f.Name, models))
			return
		}
	}
	if q.Kind != "verdicts" {
		q.Beside, q.Change = "", ""
	}
	if q.Beside != "" && q.Model == "" {
		q.Model = models[len(models)-1]
	}
	p := s.page("browse", f.Name+": "+kinds[q.Kind].title, f.Name)
	b, notes, err := f.page(q, models)
	if err != nil {
		s.failed(w, err)
		return
	}
	p.Notes, p.Body = append(p.Notes, notes...), b
	s.show(w, http.StatusOK, p)
}

// page reads one page of lines.
func (f *folder) page(q Query, models []string) (listBody, []string, error) {
	b := listBody{Query: q, Models: models, Choices: f.choicesOf(q, models), Beside: q.Beside != "",
		Compare: kinds[q.Kind].compares,
		Whole:   "/browse?" + Query{Run: q.Run, Kind: q.Kind}.String()}
	for _, name := range f.kinds(q.Kind) {
		other := Query{Run: q.Run, Kind: name, Model: q.Model, Lang: q.Lang, ID: q.ID, Text: q.Text}
		if kinds[name].compares != kinds[q.Kind].compares {
			other.Model = ""
		}
		if (name == "judged") != (q.Kind == "judged") { // whose ids are others
			other.ID = ""
		}
		b.Kinds = append(b.Kinds, tab{kinds[name].title, "/browse?" + other.String(), name == q.Kind})
	}
	var notes []string
	var err error
	switch {
	case q.Beside != "":
		var t together
		var list found
		if t, list, err = f.findBeside(q); err != nil {
			return b, nil, err
		}
		b.Langs, notes, b.Total = list.langs, list.notes, len(t.rows)
		from, to := b.window(q)
		if b.Items, err = f.items(t.x, t.rows[from:to], q); err != nil {
			return b, notes, err
		}
		others, err := f.items(t.beside, t.others[from:to], q)
		if err != nil {
			return b, notes, err
		}
		for i := range b.Items {
			b.Items[i].Texts = append(others[i].Texts, b.Items[i].Texts...)
			change := t.x.rows[t.rows[from+i]].differ - t.beside.rows[t.others[from+i]].differ
			b.Items[i].Chips = append(b.Items[i].Chips, changeChip(change, q))
		}
	case q.Kind == "pairs" && q.State == "dropped":
		if notes, err = f.droppedPage(&b, q, models); err != nil {
			return b, notes, err
		}
	case q.Kind == "judged":
		if notes, err = f.judgedPage(&b, q); err != nil {
			return b, notes, err
		}
	default:
		list, err := f.find(q)
		if err != nil {
			return b, nil, err
		}
		b.Langs, notes, b.Total = list.langs, list.notes, len(list.rows)
		from, to := b.window(q)
		if b.Items, err = f.items(list.x, list.rows[from:to], q); err != nil {
			return b, notes, err
		}
		if q.Kind == "pairs" && len(b.Items) > 0 {
			if _, err := f.worthsShown(list.x, q); err != nil {
				notes = append(notes, "What pairs are worth is not shown: "+err.Error())
			}
		}
	}
	if kinds[q.Kind].problems && len(b.Items) > 0 {
		if _, err := f.problems(); err != nil {
			notes = append(notes, "The problems themselves are not shown: "+err.Error())
		}
	}
	for i := range b.Items {
		b.Items[i].shorten(q)
	}
	b.links(q)
	return b, notes, nil
}

// window is the part of the lines that a page shows.
func (b *listBody) window(q Query) (from, to int) {
	from = min(q.From, b.Total)
	to = min(from+perPage, b.Total)
	b.From, b.To = from+1, to
	return from, to
}

func (b *listBody) links(q Query) {
	at := func(from int) string {
		other := q
		other.From = from
		return "/browse?" + other.String()
	}
	if q.From > 0 {
		b.First, b.Prev = at(0), at(max(0, q.From-perPage))
	}
	if b.To < b.Total {
		b.Next, b.Last = at(b.To), at((b.Total-1)/perPage*perPage)
	}
}

func changeChip(change int32, q Query) chip {
	title := fmt.Sprintf("points of %s less those of %s: %s", q.Model, q.Beside, lidr.Rubric)
	switch {
	case change > 0:
		return chip{fmt.Sprintf("%s better by %d", q.Model, change), "good", title}
	case change < 0:
		return chip{fmt.Sprintf("%s worse by %d", q.Model, -change), "bad", title}
	}
	return chip{"equal", "", title}
}

// choicesOf are the fields of the form beside run, model and language.
func (f *folder) choicesOf(q Query, models []string) []choice {
	any := option{"", "any"}
	var all []choice
	add := func(name, label, value string, values ...option) {
		all = append(all, choice{name, label, value, append([]option{any}, values...)})
	}
	switch q.Kind {
	case "pairs":
		add("right", "Right side", q.Right, option{"chosen", "the chosen alone"}, option{"rejected", "the rejected alone"},
			option{"both", "both"}, option{"neither", "neither"})
		add("target", "Language", q.Target, option{"on", "chosen on target"}, option{"chosen-off", "chosen off target"},
			option{"rejected-off", "rejected off target"})
		add("state", "Pair", q.State, option{"kept", "kept"}, option{"dropped", "dropped"},
			option{"identical", "kept, sides equal"}, option{"different", "kept, sides differ"})
		orders := []option{{"length", "shortest chosen first"}, {"-length", "longest chosen first"},
			{"-difference", "chosen longer than rejected"}, {"difference", "rejected longer than chosen"}}
		for _, by := range []struct{ name, words string }{{"judge", "judge"}, {"margin", "scorer"}} {
			if slices.ContainsFunc(models, func(m string) bool { return f.worthFile(by.name, m) != "" }) {
				orders = append(orders, option{"-" + by.name, by.words + " is most for the chosen"},
					option{by.name, by.words + " is most for the rejected"})
			}
		}
		add("sort", "Order", q.Sort, orders...)
	case "judged", "panel", "mtpairs":
		add("state", "Verdict", q.State, option{"win", "the first wins"}, option{"tie", "a tie"},
			option{"lose", "the second wins"}, option{"failed", "none"})
	case "mtbench":
		add("state", "Whole", q.State, option{"whole", "rated"}, option{"faulty", "cut, none or not rated"})
	case "verdicts", "samples", "answers":
		add("right", "Answer", q.Right, option{"yes", "right"}, option{"no", "wrong"})
		add("target", "Language", q.Target, option{"on", "on target"}, option{"off", "off target"})
		add("state", "Whole", q.State, option{"whole", "whole"}, option{"faulty", "cut or none"})
	case "translations":
		add("state", "Translation", q.State, option{"whole", "whole"}, option{"faulty", "failed or cut"})
	}
	if q.Kind == "verdicts" && q.Beside != "" {
		add("change", "Change", q.Change, option{"better", "better"}, option{"worse", "worse"}, option{"equal", "equal"})
		add("sort", "Order", q.Sort, option{"-change", "most better first"}, option{"change", "most worse first"},
			option{"length", "shortest first"}, option{"-length", "longest first"})
	} else if q.Kind != "pairs" {
		var orders []option
		if q.Kind != "panel" && q.Kind != "mtpairs" { // whose lines hold no answers
			orders = []option{{"length", "shortest first"}, {"-length", "longest first"}}
		}
		switch q.Kind {
		case "judged", "panel", "mtpairs":
			orders = append(orders, option{"-judge", "most for the first"}, option{"judge", "most for the second"})
		case "mtbench":
			orders = append(orders, option{"-judge", "best rated first"}, option{"judge", "worst rated first"})
		}
		add("sort", "Order", q.Sort, orders...)
	}
	all[len(all)-1].Values[0].Text = "as in the files"
	return all
}
