package view

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"lidrlab/lidr"
	"lidrlab/lidr/report"
)

// page is what every template is given.
type page struct {
	Title string
	Here  string // "home", "run", "browse", "leaderboard" or "rate"
	Run   string // name of the run that the page is about, "" for all
	Runs  []string
	Rate  bool
	Watch string // the address that tells of changes, "" for a page that shows none
	Notes []string
	Body  any
}

func (s *Server) page(here, title, run string) page {
	p := page{Title: title, Here: here, Run: run, Rate: s.options.Rate}
	for _, f := range s.folders {
		p.Runs = append(p.Runs, f.Name)
	}
	if here == "home" || here == "leaderboard" || len(s.folders) == 1 { // one folder has no first page
		p.Notes = slices.Clone(s.skipped)
	}
	return p
}

// show answers with a page.
func (s *Server) show(w http.ResponseWriter, status int, p page) {
	var out bytes.Buffer
	if err := s.pages.ExecuteTemplate(&out, p.Here, p); err != nil {
		http.Error(w, "the page cannot be written: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(out.Bytes()) // the error of a disconnected client does not matter
}

// refuse answers with a page that says why there is none.
func (s *Server) refuse(w http.ResponseWriter, status int, why string) {
	p := s.page("refused", "Not shown", "")
	p.Body = why
	s.show(w, status, p)
}

// failed answers a request that cannot be answered as it is.
func (s *Server) failed(w http.ResponseWriter, err error) {
	s.refuse(w, http.StatusBadRequest, err.Error())
}

// params reads the values of a query string, of which only those named are known.
func params(raw string, names ...string) (map[string]string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fmt.Errorf("the address: %w", err)
	}
	out := map[string]string{}
	for name, all := range values {
		value := all[0]
		switch {
		case !slices.Contains(names, name):
			return nil, fmt.Errorf("the address names %.60q, expected %s", name, strings.Join(names, ", "))
		case len(all) > 1:
			return nil, fmt.Errorf("the address names %.60q %d times, expected once", name, len(all))
		case len(value) > maxText || !utf8.ValidString(value) || strings.ContainsRune(value, 0):
			return nil, fmt.Errorf("%.60q in the address is too long or no text, expected at most %d bytes of UTF-8", name,
				maxText)
		}
		out[name] = value
	}
	return out, nil
}

func runLink(name string) string { return "/run?run=" + url.QueryEscape(name) }

// runCard is a run on the first page.
type runCard struct {
	Name, Dir, Base string
	Progress        progress
	Ago             string
	Figure          []figure
	Problem         string
}

// figure is a number of a model.
type figure struct{ Name, Value, Title string }

func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	if _, err := params(r.URL.RawQuery); err != nil {
		s.failed(w, err)
		return
	}
	if len(s.folders) == 1 {
		http.Redirect(w, r, runLink(s.folders[0].Name), http.StatusSeeOther)
		return
	}
	p := s.page("home", "Runs", "")
	p.Watch = "/events"
	var cards []runCard
	for _, f := range s.folders {
		card := runCard{Name: f.Name, Dir: f.Dir}
		var err error
		if card.Progress, err = f.progress(s.now()); err != nil {
			card.Problem = err.Error()
		}
		card.Ago = ago(s.now(), card.Progress.Changed)
		card.Base = f.record().Base
		all, _ := entries([]*folder{f})
		for _, e := range all {
			for _, score := range e.scores {
				if score.Metric == "accuracy" && score.Lang == "trained" && score.Scope == "mean" {
					low, high := score.Interval()
					card.Figure = append(card.Figure, figure{e.model, fmt.Sprintf("%.1f %%", 100*score.Value),
						fmt.Sprintf("95 %% interval %.1f to %.1f %%, n = %d", 100*low, 100*high, score.N)})
				}
			}
		}
		cards = append(cards, card)
	}
	p.Body = cards
	s.show(w, http.StatusOK, p)
}

// recorded is what run.json says of a run, as far as it can be read.
type recorded struct{ Base string }

func (f *folder) record() recorded {
	var r recorded
	if f.json("run.json", &r) != nil {
		return recorded{}
	}
	return r
}

// runBody is the page of one run.
type runBody struct {
	Name, Dir, Base, Report string
	Settings                lidr.Settings
	Raw                     string // settings.json
	Progress                progress
	Ago                     string
	Trainings               []trainingBody
	Metric                  string
	Metrics                 []figure
	Tables                  []table
	Warnings                []report.Warning
	Beside                  []string // evaluated models but M0
}

type trainingBody struct {
	Model  string
	Charts []chart
}

func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	q, err := params(r.URL.RawQuery, "run", "metric", "table", "as")
	if err != nil {
		s.failed(w, err)
		return
	}
	f, err := s.folderOf(q["run"])
	if err != nil {
		s.refuse(w, http.StatusNotFound, err.Error())
		return
	}
	p := s.page("run", f.Name, f.Name)
	p.Watch = "/events?run=" + url.QueryEscape(f.Name)
	b := runBody{Name: f.Name, Dir: f.Dir, Base: f.record().Base, Metric: cmp.Or(q["metric"], "accuracy")}
	if b.Settings, err = f.settings(); err != nil {
		s.failed(w, err)
		return
	}
	if raw, err := f.read("settings.json"); err == nil {
		b.Raw = string(raw)
	}
	if f.has("report.html") {
		b.Report = filepath.Join(f.Dir, "report.html")
	}
	if b.Progress, err = f.progress(s.now()); err != nil {
		p.Notes = append(p.Notes, err.Error())
	}
	b.Ago = ago(s.now(), b.Progress.Changed)
	for _, m := range f.models() {
		steps, _, err := f.steps(m)
		if err != nil {
			p.Notes = append(p.Notes, err.Error())
		}
		if all := charts(steps); len(all) > 0 {
			b.Trainings = append(b.Trainings, trainingBody{m, all})
		}
		var warnings []string
		if err := f.json(m+"/warnings.json", &warnings); err == nil {
			for _, text := range warnings {
				b.Warnings = append(b.Warnings, report.Warning{Where: m, Text: text})
			}
		}
	}
	all, notes := entries([]*folder{f})
	p.Notes = append(p.Notes, notes...)
	for _, metric := range metricsOf(all) {
		b.Metrics = append(b.Metrics, figure{Name: metric, Value: metricName(metric)})
	}
	if len(all) > 0 {
		for _, e := range all[1:] {
			b.Beside = append(b.Beside, e.model)
		}
		b.Tables = append(b.Tables, scoreTable(all, b.Metric))
		changes, notes := changeTable(r.Context(), all, all[0], b.Metric)
		if len(changes.Rows) > 0 {
			b.Tables = append(b.Tables, changes)
			p.Notes = append(p.Notes, notes...)
		}
	}
	b.Tables = append(b.Tables, f.pairTables()...)
	if s.download(w, q, f.Name, b.Tables) {
		return
	}
	p.Body = b
	s.show(w, http.StatusOK, p)
}

// pairTables are, for each round, how many pairs of a language there were and what was dropped.
func (f *folder) pairTables() []table {
	var tables []table
	for _, m := range f.models() {
		var counts []lidr.PairCount
		if f.json(m+"/pairs.stats.json", &counts) != nil || len(counts) == 0 {
			continue
		}
		t := table{ID: "pairs-" + m, Caption: "Pairs of " + m + ": candidates, what dropped them, and what is left",
			Columns: []column{{Head: "language"}}}
		var langs []string
		var columns []lidr.PairCount
		for _, c := range counts {
			if !slices.Contains(langs, c.Lang) {
				langs = append(langs, c.Lang)
			}
			if kind := (lidr.PairCount{Count: c.Count, Filter: c.Filter}); !slices.Contains(columns, kind) {
				columns = append(columns, kind)
			}
		}
		for _, c := range columns {
			t.Columns = append(t.Columns, column{strings.TrimPrefix(cmp.Or(c.Filter, c.Count), "dropped: "), c.Count, true})
		}
		for _, lang := range langs {
			row := tableRow{Cells: []cell{{Text: lang, Title: languageName(lang), Link: "/browse?" + Query{Run: f.Name,
				Kind: "pairs", Model: m, Lang: lang}.String()}}}
			for _, kind := range columns {
				c := cell{Text: "–"}
				for _, count := range counts {
					if count.Lang == lang && count.Count == kind.Count && count.Filter == kind.Filter {
						c = cell{Text: fmt.Sprint(count.N)}
					}
				}
				row.Cells = append(row.Cells, c)
			}
			t.Rows = append(t.Rows, row)
		}
		tables = append(tables, t)
	}
	return tables
}

// download answers with one table alone, where the address asks for that.
func (s *Server) download(w http.ResponseWriter, q map[string]string, name string, tables []table) bool {
	if q["as"] == "" {
		return false
	}
	i := slices.IndexFunc(tables, func(t table) bool { return t.ID == q["table"] })
	if i < 0 {
		s.refuse(w, http.StatusNotFound, fmt.Sprintf("there is no table %.60q on this page", q["table"]))
		return true
	}
	var data []byte
	var err error
	kind := "text/csv"
	switch q["as"] {
	case "csv":
		data, err = tables[i].csv()
	case "tex":
		data, kind = tables[i].latex(), "text/plain"
	default:
		err = fmt.Errorf("as is %.60q in the address, expected csv or tex", q["as"])
	}
	if err != nil {
		s.failed(w, err)
		return true
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=\"%s-%s.%s\"", fileName(name),
		fileName(tables[i].ID), q["as"]))
	w.Write(data) // the error of a disconnected client does not matter
	return true
}

// fileName is a name of letters and digits alone.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '-'
	}, s)
}

// boardBody is the leaderboard.
type boardBody struct {
	Metric, Base string
	Metrics      []figure
	Bases        []string
	Tables       []table
}

func (s *Server) leaderboard(w http.ResponseWriter, r *http.Request) {
	q, err := params(r.URL.RawQuery, "metric", "base", "table", "as")
	if err != nil {
		s.failed(w, err)
		return
	}
	p := s.page("leaderboard", "Leaderboard", "")
	all, notes := entries(s.folders)
	p.Notes = append(p.Notes, notes...)
	b := boardBody{Metric: cmp.Or(q["metric"], "accuracy")}
	for _, metric := range metricsOf(all) {
		b.Metrics = append(b.Metrics, figure{Name: metric, Value: metricName(metric)})
	}
	if len(all) > 0 {
		base := all[0]
		for _, e := range all {
			b.Bases = append(b.Bases, e.name())
			if e.name() == q["base"] {
				base = e
			}
		}
		if q["base"] != "" && base.name() != q["base"] {
			s.refuse(w, http.StatusNotFound, fmt.Sprintf("there is no evaluated model %.60q", q["base"]))
			return
		}
		b.Base = base.name()
		changes, notes := changeTable(r.Context(), all, base, b.Metric)
		b.Tables = []table{scoreTable(all, b.Metric)}
		if len(changes.Rows) > 0 {
			b.Tables = append(b.Tables, changes)
		}
		p.Notes = append(p.Notes, notes...)
	}
	if s.download(w, q, "leaderboard", b.Tables) {
		return
	}
	p.Body = b
	s.show(w, http.StatusOK, p)
}
