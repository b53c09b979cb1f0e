package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"lidrlab/lidr/eval"
	"lidrlab/plots"
)

// Measure is a table of what is not measured on every model and language: a judge's win rates and scores, MT-bench, the
// alignment tax, or a measure of the user's own. It has a row a system and a column a language. A file
// <model>/measures/KEY.json holds one with the rows of that model, and [Join] makes one table of those of several
// models.
type Measure struct {
	Key   string `json:"key"`   // its plot's file name: "mt-bench"
	Title string `json:"title"` // "MT-bench"
	What  string `json:"what"`  // what was asked of whom, and what it took
	Unit  string `json:"unit"`  // "1 to 10"; "%", "points"

	Digits int `json:"digits"` // decimals
	Plot   int `json:"plot"`   // so many of the first rows are drawn as grouped bars
	Grid

	Matches []HeadToHead `json:"matches,omitempty"`
}

// MeasureRow is one system or quantity of a Measure.
type MeasureRow struct {
	Name string `json:"name"`
	// Group says which rows are set together where the tables of several models are joined: "first turn".
	Group  string         `json:"group,omitempty"`
	Values []MeasureValue `json:"values"` // one a column
}

// MeasureValue is a value with what belongs beside it.
type MeasureValue struct {
	Estimate
	Note    string // "n = 805, 3 failed"
	Warning string // what weakens the number: numbered, and written below the table
}

// Counted returns a value, in its table's unit, with the number of its items beside it and, if any failed, of those. Of
// no items the value is NaN.
func Counted(value, se float64, n, failed int, warning string) MeasureValue {
	v := MeasureValue{Estimate: Estimate{Value: value, SE: se}, Note: fmt.Sprintf("n = %d", n), Warning: warning}
	if n == 0 {
		v.Estimate = unknown
	}
	if failed > 0 {
		v.Note += fmt.Sprintf(", %d failed", failed)
	}
	return v
}

// Join returns one measure for each key, with the rows of all parts of that key in the order of the parts: first those
// that are drawn, then the others by their group. Columns are aligned by name, and texts that differ are kept one after
// another. A part without rows and matches is left out. Measures are in the order of a report, a user's own last, by
// key.
func Join(parts []Measure) ([]Measure, error) {
	byKey := map[string][]Measure{}
	var keys []string
	for _, part := range parts {
		if err := part.check(); err != nil {
			return nil, err
		}
		if len(part.Rows)+len(part.Matches) == 0 {
			continue
		}
		if byKey[part.Key] == nil {
			keys = append(keys, part.Key)
		}
		byKey[part.Key] = append(byKey[part.Key], part)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
	})
	var joined []Measure
	for _, key := range keys {
		m, err := join(byKey[key])
		if err != nil {
			return nil, err
		}
		joined = append(joined, m)
	}
	return joined, nil
}

// places are the measures that come before a user's own, in the order of a report. One that ends in a hyphen is the
// beginning of several keys.
var places = []string{
	"judged-", "ratings", "judged-reward-accuracy", "mt-bench", "alignment-tax", "alignment-tax-change", "saturation",
	"identifiers-", "faults-",
}

// place is where a measure comes in a report.
func place(key string) int {
	if i := slices.Index(places, key); i >= 0 {
		return i
	}
	i := slices.IndexFunc(places, func(p string) bool { return strings.HasSuffix(p, "-") && strings.HasPrefix(key, p) })
	if i < 0 {
		return len(places)
	}
	return i
}

// join makes one measure of parts that have the same key.
func join(parts []Measure) (Measure, error) {
	first := parts[0]
	out := Measure{Key: first.Key, Title: first.Title, Unit: first.Unit}
	var rest Grid
	var groups, texts []string
	for _, part := range parts {
		if part.Unit != out.Unit {
			return Measure{}, fmt.Errorf("measure %s: the values of one model are in %q and those of another in %q; "+
				"measure both models again, or give the measures different keys", out.Key, out.Unit, part.Unit)
		}
		out.Digits = max(out.Digits, part.Digits)
		out.Plot += part.Plot
		out.Append(Grid{part.Columns, part.Rows[:part.Plot]})
		rest.Append(Grid{part.Columns, part.Rows[part.Plot:]})
		out.Matches = append(out.Matches, part.Matches...)
		texts = append(texts, part.What)
	}
	texts = ordered(len(texts), func(i int) string { return texts[i] })
	out.What = strings.TrimSpace(strings.Join(texts, " "))
	for _, r := range rest.Rows {
		groups = append(groups, r.Group)
	}
	for _, group := range ordered(len(groups), func(i int) string { return groups[i] }) {
		for _, r := range rest.Rows {
			if r.Group == group {
				out.Append(Grid{rest.Columns, []MeasureRow{r}})
			}
		}
	}
	return out, nil
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
	t := &table{Caption: measureCaption(m), Columns: append([]column{{Head: "Measured"}}, numberColumns(m.Columns)...)}
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

// measureCaption says what the numbers of the table are, and their errors where any has one.
func measureCaption(m Measure) string {
	var parts []string
	if m.Unit != "" {
		parts = append(parts, "Unit: "+m.Unit)
	}
	hasError := func(v MeasureValue) bool { return v.SE != 0 }
	if slices.ContainsFunc(m.Rows, func(r MeasureRow) bool { return slices.ContainsFunc(r.Values, hasError) }) {
		parts = append(parts, "± one standard error")
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// publishedRow begins the name of a row of published values: "published M1" stands beside M1.
const publishedRow = "published "

func measureFigure(m Measure, width float64) *plots.Figure {
	b := plots.GroupedBars{Title: m.Title, Unit: m.Unit, XLabel: "language", Groups: m.Columns, Percent: m.Unit == "%",
		Width: width, Height: 70}
	if b.Percent && strings.HasPrefix(m.Key, "judged-") {
		b.Note, b.Reference = "dashed: 50 %", .5
	}
	for _, r := range m.Rows[:m.Plot] {
		var values, lows, highs []float64
		for _, v := range r.Values {
			low, high := m.interval(v)
			values, lows, highs = append(values, v.Value), append(lows, low), append(highs, high)
		}
		s := plots.Series{Values: shares(values, b.Percent)}
		lows, highs = shares(lows, b.Percent), shares(highs, b.Percent)
		for i := range lows {
			s.Intervals = append(s.Intervals, [2]float64{lows[i], highs[i]})
		}
		s.Name, s.Published = strings.CutPrefix(r.Name, publishedRow)
		b.Series = append(b.Series, s)
	}
	models := ordered(len(b.Series), func(i int) string { return b.Series[i].Name })
	slices.SortStableFunc(b.Series, func(x, y plots.Series) int { // published bars beside the run's own
		return cmp.Compare(slices.Index(models, x.Name), slices.Index(models, y.Name))
	})
	return b.Figure()
}

// interval returns the ends of a value's 95 % interval, which ends where the scale of the unit does: "%", or one such
// as "0 to 10".
func (m Measure) interval(v MeasureValue) (low, high float64) {
	low, high = v.Value-eval.Z95*v.SE, v.Value+eval.Z95*v.SE
	bottom, top := math.Inf(-1), math.Inf(1)
	if m.Unit == "%" {
		bottom, top = 0, 100
	} else if n, _ := fmt.Sscanf(m.Unit, "%g to %g", &bottom, &top); n < 2 {
		return low, high
	}
	return max(low, min(bottom, v.Value)), min(high, max(top, v.Value))
}

// check is an error for columns of one name, for rows that do not fit the columns, and for a plot of rows that are not
// there.
func (m Measure) check() error {
	if names := ordered(len(m.Columns), func(i int) string { return m.Columns[i] }); len(names) < len(m.Columns) {
		return fmt.Errorf("report: measure %q: two of its columns %s have the same name",
			m.Title, strings.Join(m.Columns, ", "))
	}
	for _, r := range m.Rows {
		if len(r.Values) != len(m.Columns) {
			return fmt.Errorf("report: measure %q, row %q has %d values for %d columns",
				m.Title, r.Name, len(r.Values), len(m.Columns))
		}
	}
	if m.Plot < 0 || m.Plot > len(m.Rows) {
		return fmt.Errorf("report: measure %q: %d rows are to be drawn, and it has %d", m.Title, m.Plot, len(m.Rows))
	}
	return nil
}
