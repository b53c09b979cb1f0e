package report

import (
	"fmt"
	"slices"

	"lidrlab/plots"
)

// Measure is a table of something that is not measured on every model and
// language: a judge's win rates and scores, MT-bench, the alignment tax. It is
// laid out as the paper's tables are, a row a system and a column a language,
// and drawn by the same code.
type Measure struct {
	Key     string   // its plot's file name: "mt-bench"
	Title   string   // "MT-bench"
	What    string   // what was asked of whom, and what it took
	Unit    string   // "1 to 10"; "%", "points"
	Digits  int      // decimals
	Columns []string // language codes, or other names
	Rows    []MeasureRow
	Plot    int // so many of the first rows are drawn as grouped bars
	Matches []HeadToHead
}

// MeasureRow is one system or quantity of a Measure.
type MeasureRow struct {
	Name   string
	Values []MeasureValue // one a column
}

// MeasureValue is a value with what belongs beside it.
type MeasureValue struct {
	Estimate
	Note    string // "n = 805, 3 failed"
	Warning string // what weakens the number: numbered, and written below the table
}

func measuresSection(d Data, figures map[string]*Figure) section {
	s := section{ID: "measures", Title: "Judged and further measurements"}
	for _, m := range d.Measures {
		s.Blocks = append(s.Blocks, block{Heading: m.Title})
		if m.What != "" {
			s.Blocks = append(s.Blocks, block{Text: m.What})
		}
		if m.Plot > 0 {
			s.Blocks = append(s.Blocks, untitled(figures[m.Key]))
		}
		for _, pair := range matches(m.Matches) {
			s.Blocks = append(s.Blocks, block{Figure: figures[pair.file(m.Key)]})
		}
		if len(m.Rows) > 0 {
			s.Blocks = append(s.Blocks, measureBlocks(m)...)
		}
		if len(m.Matches) > 0 {
			s.Blocks = append(s.Blocks, block{Table: matchTable(d, m.Matches)})
		}
	}
	return s
}

// measureBlocks is the table and, below it, the warnings that its cells refer to.
func measureBlocks(m Measure) []block {
	caption := "± one standard error."
	if m.Unit != "" {
		caption = "Unit: " + m.Unit + "; " + caption
	}
	t := &table{Caption: caption, Columns: []column{{Head: "Measured"}}}
	for _, c := range m.Columns {
		t.Columns = append(t.Columns, column{Head: c, Numbers: true})
	}
	var warnings []string
	for _, mr := range m.Rows {
		r := row{Cells: []cell{{Text: mr.Name}}}
		for _, v := range mr.Values {
			c := withError(fixed(v.Value, m.Digits), v.SE, m.Digits)
			if v.Note != "" && c.Sub != "" {
				c.Sub += ", "
			}
			c.Sub += v.Note
			if v.Warning != "" {
				if !slices.Contains(warnings, v.Warning) {
					warnings = append(warnings, v.Warning)
				}
				c.Text += fmt.Sprintf(" ⚠%d", slices.Index(warnings, v.Warning)+1)
			}
			r.Cells = append(r.Cells, c)
		}
		t.Rows = append(t.Rows, r)
	}
	blocks := []block{{Table: t}}
	for i, w := range warnings {
		blocks = append(blocks, block{Text: fmt.Sprintf("⚠%d %s.", i+1, w)})
	}
	return blocks
}

func measureFigure(m Measure, width float64) *plots.Figure {
	b := plots.GroupedBars{Title: m.Title, Unit: m.Unit, Groups: m.Columns, Width: width, Height: 70}
	if b.Unit != "" {
		b.Unit += ", "
	}
	b.Unit += "with intervals of 95 %"
	for _, r := range m.Rows[:m.Plot] {
		s := plots.Series{Name: r.Name}
		for _, v := range r.Values {
			s.Values, s.Errors = append(s.Values, v.Value), append(s.Errors, interval*v.SE)
		}
		b.Series = append(b.Series, s)
	}
	return b.Figure()
}

// check finds rows that do not fit, and a plot of nothing.
func (m Measure) check(taken map[string]bool) error {
	if m.Key == "" || taken[m.Key] {
		return fmt.Errorf("report: measure %q: its key %q is empty or taken", m.Title, m.Key)
	}
	taken[m.Key] = true
	for _, r := range m.Rows {
		if len(r.Values) != len(m.Columns) {
			return fmt.Errorf("report: measure %q, row %q has %d values for %d columns", m.Title, r.Name, len(r.Values), len(m.Columns))
		}
	}
	if m.Plot > len(m.Rows) {
		return fmt.Errorf("report: measure %q: %d rows are to be drawn, and it has %d", m.Title, m.Plot, len(m.Rows))
	}
	return nil
}
