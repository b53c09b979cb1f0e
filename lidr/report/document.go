package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lidrlab/lidr/eval"
)

// document is the report between the data and a format: what is in which section, without how it looks. HTML
// and Markdown both write this.
type document struct {
	Title, Question, Note string
	Findings              []string
	Tiles                 []KeyFigure
	Main                  *Figure
	Warnings              []Warning
	Sections              []section
}

// Dense says whether a table has so many columns that its cells take two lines.
func (t *table) Dense() bool { return len(t.Columns) > 6 }

// section is a numbered part of the report.
type section struct {
	ID, Title string
	Panel     string // set apart from the run's own results, under this label
	Blocks    []block
}

// block is one thing in a section: exactly one field is set.
type block struct {
	Heading string
	Text    string
	Table   *table
	Figure  *Figure
	Example *example
	Answers *answers
	Code    []string
}

type table struct {
	Caption string
	Columns []column
	Rows    []row
}

type column struct {
	Head    string
	Numbers bool
}

// numberColumns are columns of numbers under these heads.
func numberColumns(heads []string) []column {
	columns := make([]column, len(heads))
	for i, head := range heads {
		columns[i] = column{Head: head, Numbers: true}
	}
	return columns
}

type row struct {
	Cells []cell
	Kind  string // "", "mean", "method" or "group"
}

type cell struct {
	Text  string
	Title string // Text in full, for a reader who points at it
	Sub   string // smaller, after or below Text
	Tone  string // "good" or "bad": told from no change
}

// example is a pair with its languages' names.
type example struct {
	PairExample
	LanguageName, OriginalName string
}

// answers are what the models said to a problem, with its language's name.
type answers struct {
	AnswerExample
	LanguageName string
}

// newDocument arranges the data. Its error names what does not fit together.
func newDocument(d Data) (*document, error) {
	if err := check(d); err != nil {
		return nil, err
	}
	doc := &document{
		Title: d.Title, Question: d.Question, Findings: d.Findings,
		Tiles: d.KeyFigures, Warnings: d.Health,
	}
	if d.Miniature {
		doc.Note = MiniatureNote
	}
	figures := map[string]*Figure{}
	for _, f := range Figures(d) {
		figures[f.Name] = &f
	}
	if len(d.Metrics) > 0 {
		doc.Main = figures[d.Metrics[0].Key]
	}
	for _, s := range []section{
		resultsSection(d, figures), answersSection(d), headToHeadSection(d, figures), controlsSection(d),
		measuresSection(d, figures), paperSection(d, figures), pairsSection(d, figures), trainingSection(d, figures),
		settingsSection(d), rerunSection(d), timingSection(d),
	} {
		if len(s.Blocks) > 0 {
			doc.Sections = append(doc.Sections, s)
		}
	}
	return doc, nil
}

// check is an error for names that refer to nothing and for rows that do not fit their columns.
func check(d Data) error {
	switch {
	case d.Title == "":
		return fmt.Errorf("report: Title is empty")
	case len(d.Models) == 0:
		return fmt.Errorf("report: Models is empty: the tables need at least one column")
	case len(d.Languages) == 0:
		return fmt.Errorf("report: Languages is empty: the tables need at least one row")
	}
	model := func(where, name string) error {
		if !slices.ContainsFunc(d.Models, func(m Model) bool { return m.Name == name }) {
			return fmt.Errorf("report: %s: model %q is not in Models", where, name)
		}
		return nil
	}
	language := func(where, code string) error {
		if !slices.ContainsFunc(d.Languages, func(l Language) bool { return l.Code == code }) {
			return fmt.Errorf("report: %s: language %q is not in Languages", where, code)
		}
		return nil
	}
	var errs []error
	keys := map[string]bool{}
	for _, m := range d.Metrics {
		if m.Key == "" || keys[m.Key] {
			errs = append(errs, fmt.Errorf("report: metric %q: its key %q is empty or taken", m.Name, m.Key))
		}
		keys[m.Key] = true
		for _, s := range m.Scores {
			errs = append(errs, language("metric "+m.Key, s.Lang), model("metric "+m.Key, s.Model))
		}
		for _, f := range m.Differences {
			errs = append(errs, language("metric "+m.Key, f.Lang), model("metric "+m.Key, f.From), model("metric "+m.Key, f.To))
		}
	}
	for _, h := range d.HeadToHead {
		errs = append(errs, language("head-to-head", h.Language), model("head-to-head", h.A), model("head-to-head", h.B))
	}
	for _, m := range d.Measures {
		if m.Key == "" || keys[m.Key] {
			errs = append(errs, fmt.Errorf("report: measure %q: its key %q is empty or taken", m.Title, m.Key))
		}
		keys[m.Key] = true
		errs = append(errs, m.check())
		for _, h := range m.Matches {
			errs = append(errs, language("measure "+m.Key, h.Language))
		}
	}
	for _, r := range d.RewardAccuracy {
		errs = append(errs, language("reward accuracy", r.Language))
	}
	for _, c := range d.Counts {
		errs = append(errs, language("pair counts", c.Language))
		sum := c.Kept
		for _, f := range c.Dropped {
			sum += f.Count
		}
		if sum != c.Candidates {
			errs = append(errs, fmt.Errorf("report: pair counts of %s, %s: %d candidates are not the %d kept and dropped",
				c.Round, c.Language, c.Candidates, sum))
		}
	}
	for _, a := range d.Answers {
		errs = append(errs, language("answers", a.Language))
		for _, one := range a.Answers {
			errs = append(errs, model("answers", one.Model))
		}
	}
	for _, l := range d.PairLengths {
		errs = append(errs, language("pair lengths", l.Language))
	}
	if d.Controls != nil {
		for _, r := range d.Controls.Rows {
			if len(r.Values) != len(d.Controls.Columns) {
				errs = append(errs, fmt.Errorf("report: control %q has %d values for %d columns",
					r.Name, len(r.Values), len(d.Controls.Columns)))
			}
		}
	}
	for _, t := range d.Paper {
		for _, r := range t.Rows {
			if len(r.Values) != len(t.Columns) {
				errs = append(errs, fmt.Errorf("report: paper table %q, row %q has %d values for %d columns",
					t.Title, r.Name, len(r.Values), len(t.Columns)))
			}
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// ordered lists the distinct values in order of first appearance.
func ordered(n int, value func(i int) string) []string {
	var out []string
	for i := range n {
		if v := value(i); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// languageName is "Russian (ru)", or the code alone where there is no name.
func (d Data) languageName(code string) string {
	for _, l := range d.Languages {
		if l.Code == code && l.Name != "" {
			return l.Name
		}
	}
	return code
}

// fixed is v with a number of decimals, a real minus sign, and – for NaN.
func fixed(v float64, digits int) string {
	if math.IsNaN(v) {
		return "–"
	}
	s := fmt.Sprintf("%.*f", digits, v)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return strings.Replace(s, "-", "−", 1)
}

// signed is fixed with a plus sign.
func signed(v float64, digits int) string {
	s := fixed(v, digits)
	if v > 0 && strings.Trim(s, "0.") != "" {
		return "+" + s
	}
	return s
}

// withError is the cell of a value with its standard error.
func withError(text string, se float64, digits int) cell {
	if !(se > 0) {
		return cell{Text: text}
	}
	return cell{Text: text, Sub: "± " + fixed(se, digits)}
}

// tone says whether a change is told from none, and which way.
func tone(d eval.Change, lowerIsBetter bool) string {
	switch {
	case !d.Significant():
		return ""
	case d.Difference > 0 != lowerIsBetter:
		return "good"
	}
	return "bad"
}

// untested is a change of which only the standard error is known.
func untested(v, se float64) eval.Change { return eval.Change{Difference: v, SE: se, P: math.NaN()} }

// marks says what ✓ and ✗ stand for in a table with so many comparisons, of which rule says when one counts.
func marks(rule string, comparisons int) string {
	words := "✓ better and ✗ worse: " + rule
	if comparisons > 1 {
		words += fmt.Sprintf("; not corrected for %d comparisons, of which chance alone would mark %.1f", comparisons,
			eval.Significance*float64(comparisons))
	}
	return words + "."
}

// When a comparison counts, at the level of [eval.Significance].
const (
	byTest     = "p < .05"
	byInterval = "the interval of 95 %, ± 1.96 standard errors, is without 0"
)

// pValue is "p < .001" or "p = .023".
func pValue(p float64) string {
	switch {
	case math.IsNaN(p):
		return ""
	case p < .001:
		return "p < .001"
	case p > .999:
		return "p = 1"
	}
	return "p = " + strings.TrimPrefix(fmt.Sprintf("%.3f", p), "0")
}
