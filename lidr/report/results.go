package report

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"lidrlab/lidr/eval"
)

func resultsSection(d Data, figures map[string]*Figure) section {
	s := section{ID: "results", Title: "Results"}
	for i, m := range d.Metrics {
		if len(d.Metrics) > 1 {
			s.Blocks = append(s.Blocks, block{Heading: m.Name})
		}
		if m.What != "" {
			s.Blocks = append(s.Blocks, block{Text: m.What})
		}
		if i > 0 { // the first is in the summary
			s.Blocks = append(s.Blocks, untitled(figures[m.Key]))
		}
		t := metricTable(d, m)
		if notes := modelNotes(d); i == 0 && notes != "" {
			t.Caption = notes + " " + t.Caption
		}
		s.Blocks = append(s.Blocks, block{Table: t})
	}
	return s
}

// modelNotes is "M0: before any round; M1: after round 1."
func modelNotes(d Data) string {
	var notes []string
	for _, m := range d.Models {
		if m.Note != "" {
			notes = append(notes, m.Name+": "+m.Note)
		}
	}
	if notes == nil {
		return ""
	}
	return strings.Join(notes, "; ") + "."
}

// metricTable has a row a language, a column a model, and a column a comparison.
func metricTable(d Data, m Metric) *table {
	factor, digits := 1., 3
	if m.Percent {
		factor, digits = 100, 1
	}
	pairs := ordered(len(m.Differences), func(i int) string { return m.Differences[i].To + " − " + m.Differences[i].From })
	tests := ordered(len(m.Differences), func(i int) string { return m.Differences[i].Test() })

	caption := m.Name
	if m.Percent {
		caption += " in per cent"
	}
	caption += ", ± one standard error."
	if m.LowerIsBetter {
		caption += " Lower is better."
	}
	if len(pairs) > 0 {
		caption += " Differences"
		if m.Percent {
			caption += " in points"
		}
		caption += " are paired, over the same items"
		if t := strings.Join(tests, ", "); t != "" {
			caption += " (" + t + ")"
		}
		caption += "; " + marks(byTest, len(m.Differences))
	}

	t := &table{Caption: caption, Columns: []column{{Head: "Language"}}}
	for _, model := range d.Models {
		t.Columns = append(t.Columns, column{Head: model.Name, Numbers: true})
	}
	t.Columns = append(t.Columns, numberColumns(pairs)...)
	for _, l := range d.Languages {
		r := row{Cells: []cell{languageCell(l)}}
		if l.Role == "mean" {
			r.Kind = "mean"
		}
		measured := false
		for _, model := range d.Models {
			c := cell{Text: "–"}
			for _, sc := range m.Scores {
				if sc.Lang == l.Code && sc.Model == model.Name {
					c = scoreCell(sc, factor, digits)
					measured = true
				}
			}
			r.Cells = append(r.Cells, c)
		}
		for _, p := range pairs {
			c := cell{Text: "–"}
			for _, f := range m.Differences {
				if f.Lang == l.Code && f.To+" − "+f.From == p {
					c = withError(signed(f.Difference*factor, digits), f.SE*factor, digits)
					c.Title = fmt.Sprintf("%.6g, n = %d", f.Difference*factor, f.N)
					c.Tone = tone(f, m.LowerIsBetter)
					if p := pValue(f.P); p != "" {
						c.Sub = strings.TrimPrefix(c.Sub+", "+p, ", ")
					}
				}
			}
			r.Cells = append(r.Cells, c)
		}
		if measured {
			t.Rows = append(t.Rows, r)
		}
	}
	return t
}

// scoreCell is a score with its standard error, or, where that is 0 since all items or none count, its interval.
func scoreCell(s eval.Score, factor float64, digits int) cell {
	c := withError(fixed(s.Value*factor, digits), s.SE*factor, digits)
	low, high := s.Interval()
	c.Title = fmt.Sprintf("%.6g, 95 %%: %s to %s, n = %d", s.Value*factor, fixed(low*factor, digits+1),
		fixed(high*factor, digits+1), s.N)
	if c.Sub == "" && high > low {
		c.Sub = fmt.Sprintf("95 %%: %s to %s", fixed(low*factor, digits), fixed(high*factor, digits))
	}
	return c
}

// languageCell is "Russian" with "ru, trained" beside it.
func languageCell(l Language) cell {
	name, sub := l.Name, l.Code
	if name == "" {
		name, sub = l.Code, ""
	}
	if l.Role == "mean" {
		return cell{Text: name}
	}
	return cell{Text: name, Sub: strings.Trim(sub+", "+l.Role, ", ")}
}

func headToHeadSection(d Data, figures map[string]*Figure) section {
	s := section{ID: "head-to-head", Title: "Head to head"}
	if len(matches(d.HeadToHead)) == 0 {
		return s
	}
	if d.Rubric != "" {
		s.Blocks = append(s.Blocks, block{Text: d.Rubric})
	}
	for _, pair := range matches(d.HeadToHead) {
		s.Blocks = append(s.Blocks, block{Figure: figures[pair.file("head-to-head")]})
	}
	s.Blocks = append(s.Blocks, block{Table: matchTable(d, d.HeadToHead)})
	return s
}

// matchTable has a row a language, under a heading for each pair of models.
func matchTable(d Data, all []HeadToHead) *table {
	t := &table{
		Caption: "Prompts won, tied and lost. Net = (win − lose) / all in points, ± one standard error, with the sign " +
			"test of wins and losses; " + marks(byTest, len(all)),
		Columns: append([]column{{Head: "Language"}}, numberColumns([]string{"Win", "Tie", "Lose", "Net"})...),
	}
	for _, pair := range matches(all) {
		t.Rows = append(t.Rows, groupRow(pair.title()))
		for _, h := range pair.rows {
			// Per prompt the outcome is +1, 0 or −1: its mean and standard error.
			n := float64(h.Win + h.Tie + h.Lose)
			net := float64(h.Win-h.Lose) / n
			se := math.Sqrt((float64(h.Win+h.Lose)/n - net*net) / n)
			c := withError(signed(100*net, 1), 100*se, 1)
			p := eval.SignTest(h.Win, h.Lose)
			c.Tone = tone(eval.Change{Difference: net, SE: se, P: p}, false)
			c.Sub = strings.TrimPrefix(c.Sub+", "+pValue(p), ", ")
			name := cell{Text: d.languageName(h.Language)}
			t.Rows = append(t.Rows, row{Cells: []cell{name, count(h.Win), count(h.Tie), count(h.Lose), c}})
		}
	}
	return t
}

// match is all languages' head-to-heads of two models.
type match struct {
	a, b string
	rows []HeadToHead
}

func (m match) title() string { return m.a + " against " + m.b }

// file is the name of the match's plot: models may be named by people.
func (m match) file(what string) string {
	return what + "-" + notInFileNames.ReplaceAllString(m.a+"-"+m.b, "-")
}

var notInFileNames = regexp.MustCompile(`[^\pL\pN._-]+`)

func matches(all []HeadToHead) []match {
	var out []match
	for _, h := range all {
		if h.Win+h.Tie+h.Lose == 0 {
			continue
		}
		i := 0
		for i < len(out) && (out[i].a != h.A || out[i].b != h.B) {
			i++
		}
		if i == len(out) {
			out = append(out, match{a: h.A, b: h.B})
		}
		out[i].rows = append(out[i].rows, h)
	}
	return out
}

func controlsSection(d Data) section {
	s := section{ID: "controls", Title: "Controls"}
	if d.Controls == nil {
		return s
	}
	t := &table{
		Caption: "± one standard error; " + marks(byInterval, len(d.Controls.Rows)*len(d.Controls.Columns)),
		Columns: append([]column{{Head: "Trained by"}}, numberColumns(d.Controls.Columns)...),
	}
	for _, c := range d.Controls.Rows {
		r := row{Cells: []cell{{Text: c.Name, Sub: c.Note}}}
		if c.Method {
			r.Kind = "method"
		}
		for _, v := range c.Values {
			x := withError(signed(v.Value, 1), v.SE, 1)
			x.Tone = tone(untested(v.Value, v.SE), false)
			r.Cells = append(r.Cells, x)
		}
		t.Rows = append(t.Rows, r)
	}
	s.Blocks = []block{{Text: d.Controls.What}, {Table: t}}
	return s
}

func paperSection(d Data, figures map[string]*Figure) section {
	s := section{
		ID: "paper", Title: "The paper’s numbers",
		Panel: "Published by the paper’s authors, for their models. Not measured in this run.",
	}
	for i, p := range d.Paper {
		caption := p.Source
		if p.Unit != "" {
			caption += " (" + p.Unit + ")"
		}
		t := &table{Caption: caption, Columns: append([]column{{Head: "System"}}, numberColumns(p.Columns)...)}
		for _, pr := range p.Rows {
			r := row{Cells: []cell{{Text: pr.Name}}}
			for _, v := range pr.Values {
				r.Cells = append(r.Cells, cell{Text: fixed(v, decimals(p.Rows))})
			}
			t.Rows = append(t.Rows, r)
		}
		s.Blocks = append(s.Blocks, block{Heading: p.Title})
		if p.Plot {
			s.Blocks = append(s.Blocks, untitled(figures[paperFile(i)]))
		}
		for _, pair := range paperPairs(p) {
			s.Blocks = append(s.Blocks, block{Figure: figures[paperFile(i)+"-"+pair]})
		}
		s.Blocks = append(s.Blocks, block{Table: t})
	}
	return s
}

// paperPairs names the matches of a table, in order: "M2-M0".
func paperPairs(p PaperTable) []string {
	return ordered(len(p.Matches), func(i int) string { return p.Matches[i].A + "-" + p.Matches[i].B })
}

func paperFile(i int) string { return fmt.Sprintf("paper-%d", i+1) }

// decimals is how many a table's values were printed with: as many as the one that needs most, and at most 4. A
// difference of printed values is no longer exact in binary, hence the tolerance.
func decimals(rows []PaperRow) int {
	n := 0
	for _, r := range rows {
		for _, v := range r.Values {
			for n < 4 && math.Abs(v-math.Round(v*math.Pow10(n))/math.Pow10(n)) > 1e-9 {
				n++
			}
		}
	}
	return n
}

func count(n int) cell { return cell{Text: fmt.Sprint(n)} }

// groupRow is a heading within a table.
func groupRow(text string) row { return row{Kind: "group", Cells: []cell{{Text: text}}} }

// untitled shows a figure right below a heading that says what it is.
func untitled(f *Figure) block {
	bare := *f
	bare.Title = ""
	return block{Figure: &bare}
}
