package show

import (
	_ "embed"
	"fmt"
	"html"
	"math"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"

	"lidrlab/lidr/printable"
)

// A long frame is shown by its first and its last rows: enough to see its form, on a page small enough for a browser.
// Where scripts run, as in a notebook that is trusted, its first rows are paged and sorted, as far as they are carried.
const (
	headRows, tailRows = 40, 10
	pageBytes          = 500_000 // of all shown cells together, escaped
	carriedRows        = 2_000
	carriedBytes       = 400_000 // of the rows that are carried beside the shown ones
	folded             = 90      // runes of a cell that are shown; a click shows the rest
	unbroken           = 16      // runes of a cell that stay on one line
	terminalCell       = 44      // runes
)

// shownRows returns the indices of the rows to show and the number of rows left out between the first and the last
// ones.
func shownRows(n int) (rows []int, hidden int) {
	for i := range n {
		if n <= headRows+tailRows || i < headRows || i >= n-tailRows {
			rows = append(rows, i)
		}
	}
	return rows, n - len(rows)
}

// cell returns a value as text: numbers with four significant digits, a missing or undefined value as a dash.
func cell(e series.Element) string {
	if e.Type() == series.Float {
		if v := e.Float(); math.IsNaN(v) {
			return "–"
		} else if v == math.Trunc(v) && math.Abs(v) < 1e6 {
			return fmt.Sprintf("%g", v)
		} else {
			return fmt.Sprintf("%.4g", v)
		}
	}
	if e.IsNA() && e.Type() != series.String {
		return "–"
	}
	return e.String()
}

func numeric(t series.Type) bool { return t == series.Int || t == series.Float }

// langColumn returns the index of the column with the language of a row's texts, -1 if there is none.
func langColumn(df dataframe.DataFrame) int {
	for i, name := range df.Names() {
		if name == "lang" && df.Types()[i] == series.String {
			return i
		}
	}
	return -1
}

const tableStyle = `<style>.lidr{border-collapse:collapse;font-size:13px;line-height:1.4}` +
	`.lidr th,.lidr td{text-align:left!important;vertical-align:top;padding:3px 12px 3px 0;` +
	`border-bottom:1px solid rgba(128,128,128,.3);max-width:34em}` +
	`.lidr th{font-weight:600;white-space:nowrap}` +
	`.lidr .n{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}` +
	`.lidr td{white-space:pre-wrap;overflow-wrap:anywhere}.lidr td.s,.lidr td.n{white-space:nowrap}` +
	`.lidr-note{font-size:12px;opacity:.7}.lidr-frame button{all:unset;cursor:pointer;padding:0 3px}` +
	`.lidr-frame button:focus-visible{outline:2px solid #0072B2}.lidr-frame button:disabled{opacity:.3}` +
	`.lidr-frame th button::after{content:attr(data-arrow)}.lidr summary{cursor:pointer}` +
	`.lidr-pair{border-top:1px solid rgba(128,128,128,.4);padding:8px 0;max-width:72em}` +
	`.lidr-sides{display:flex;flex-wrap:wrap;gap:8px 24px}` +
	`.lidr-sides>div{flex:1 1 20em;white-space:pre-wrap;overflow-wrap:anywhere;padding-left:10px;` +
	`border-left:3px solid #009E73}` +
	`.lidr-sides>div+div{border-left-color:#D55E00}.lidr-prompt{white-space:pre-wrap;margin:4px 0 8px}</style>`

//go:embed pager.js
var pagerScript string

// pager pages and sorts the tables of the output that it stands in, on one line of it. It is no script of another site,
// and without it the first and last rows are still there.
var pager = "<script>" + strings.Join(strings.Fields(pagerScript), " ") + "</script>"

func tableHTML(df dataframe.DataFrame) string {
	rows, hidden := shownRows(df.Nrow())
	t := newTableRows(df, len(rows))
	var b strings.Builder
	fmt.Fprintf(&b, tableStyle+`<div class="lidr-frame"><table class="lidr" data-head="%d"><thead><tr>`, headRows)
	for c, name := range t.names {
		fmt.Fprintf(&b, "<th%s>%s</th>", t.class[c], html.EscapeString(name))
	}
	b.WriteString("</tr></thead><tbody>")
	for k, i := range rows {
		if hidden > 0 && k == headRows {
			fmt.Fprintf(&b, `<tr><td colspan="%d" class="lidr-note">… %d rows more …</td></tr>`, len(t.names), hidden)
		}
		b.WriteString(t.row(i))
	}
	b.WriteString("</tbody></table>")
	note := size(df)
	if hidden > 0 {
		carried, n := t.carried()
		// Programs that remove scripts remove this with what it holds; escaped texts cannot end it.
		fmt.Fprintf(&b, `<script type="text/html">%s</script>`, carried)
		if n < df.Nrow() {
			note += fmt.Sprintf("; the first %d are here, to page and sort: Arrange and cell.Where choose others", n)
		}
	}
	fmt.Fprintf(&b, `<div class="lidr-note">%s</div></div>`, note)
	if df.Nrow() > 1 {
		b.WriteString(pager)
	}
	return b.String()
}

// tableRows writes the rows of a frame as HTML.
type tableRows struct {
	frame  dataframe.DataFrame
	names  []string
	types  []series.Type
	class  []string // of columns, as an attribute
	lang   int      // the column of languages, -1 without one
	budget int      // bytes of a cell
}

func newTableRows(df dataframe.DataFrame, shown int) *tableRows {
	t := &tableRows{frame: df, names: df.Names(), types: df.Types(), lang: langColumn(df)}
	t.budget = pageBytes / max(1, shown*len(t.names))
	t.class = make([]string, len(t.names))
	for c := range t.class {
		if numeric(t.types[c]) {
			t.class[c] = ` class="n"`
		}
	}
	return t
}

func (t *tableRows) row(i int) string {
	var b strings.Builder
	b.WriteString("<tr>")
	for c := range t.names {
		text, attributes := cell(t.frame.Elem(i, c)), t.class[c]
		if t.types[c] == series.String {
			attributes = ` dir="auto"`
			if t.lang >= 0 {
				attributes += ` lang="` + html.EscapeString(t.frame.Elem(i, t.lang).String()) + `"`
			}
		}
		if !numeric(t.types[c]) && utf8.RuneCountInString(text) <= unbroken {
			attributes += ` class="s"`
		}
		fmt.Fprintf(&b, "<td%s>%s</td>", attributes, fold(text, t.budget))
	}
	b.WriteString("</tr>")
	return b.String()
}

// carried are the rows after the first shown ones, as far as there is room for them, and the number of the last one.
func (t *tableRows) carried() (rows string, upTo int) {
	var b strings.Builder
	for i := headRows; i < min(t.frame.Nrow(), carriedRows); i++ {
		row := t.row(i)
		if b.Len()+len(row) > carriedBytes {
			return b.String(), i
		}
		b.WriteString(row)
	}
	return b.String(), min(t.frame.Nrow(), carriedRows)
}

// fold returns a text escaped, of which a click shows more than the beginning. It is cut where its escaped form exceeds
// the budget in bytes.
func fold(text string, budget int) string {
	escaped := cut(text, budget)
	if utf8.RuneCountInString(text) <= folded && !strings.Contains(text, "\n") {
		return escaped
	}
	first, _, _ := strings.Cut(text, "\n")
	return "<details><summary>" + html.EscapeString(beginning(first, folded)) + "</summary>" + escaped + "</details>"
}

// cut returns a text escaped up to a budget in bytes, followed by the number of characters that are left out.
func cut(text string, budget int) string {
	var b strings.Builder
	for i, r := range text {
		escaped := html.EscapeString(string(r))
		if b.Len()+len(escaped) > budget {
			fmt.Fprintf(&b, " … (%d characters more)", utf8.RuneCountInString(text[i:]))
			break
		}
		b.WriteString(escaped)
	}
	return b.String()
}

func beginning(text string, runes int) string {
	if utf8.RuneCountInString(text) <= runes {
		return text
	}
	return string([]rune(text)[:runes-1]) + "…"
}

func size(df dataframe.DataFrame) string {
	return fmt.Sprintf("%d rows × %d columns", df.Nrow(), df.Ncol())
}

func tableText(df dataframe.DataFrame) string {
	rows, hidden := shownRows(df.Nrow())
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	var heads []string
	for _, name := range df.Names() {
		heads = append(heads, printable.Line(name))
	}
	fmt.Fprintln(table, strings.Join(heads, "\t"))
	for k, i := range rows {
		if hidden > 0 && k == headRows {
			fmt.Fprintf(table, "… %d rows more …\n", hidden)
		}
		cells := make([]string, df.Ncol())
		for c := range cells {
			cells[c] = beginning(printable.Line(cell(df.Elem(i, c))), terminalCell)
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	_ = table.Flush() // writing to a strings.Builder cannot fail
	return b.String() + size(df) + "\n"
}
