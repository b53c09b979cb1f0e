package show

import (
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
const (
	headRows, tailRows = 40, 10
	pageBytes          = 800_000 // of all cells together, escaped
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
	`.lidr-note{font-size:12px;opacity:.7}.lidr summary{cursor:pointer}` +
	`.lidr-pair{border-top:1px solid rgba(128,128,128,.4);padding:8px 0;max-width:72em}` +
	`.lidr-sides{display:flex;flex-wrap:wrap;gap:8px 24px}` +
	`.lidr-sides>div{flex:1 1 20em;white-space:pre-wrap;overflow-wrap:anywhere;padding-left:10px;` +
	`border-left:3px solid #009E73}` +
	`.lidr-sides>div+div{border-left-color:#D55E00}.lidr-prompt{white-space:pre-wrap;margin:4px 0 8px}</style>`

func tableHTML(df dataframe.DataFrame) string {
	rows, hidden := shownRows(df.Nrow())
	names, types, langs := df.Names(), df.Types(), langColumn(df)
	budget := pageBytes / max(1, len(rows)*len(names))
	var b strings.Builder
	b.WriteString(tableStyle + `<table class="lidr"><thead><tr>`)
	class := make([]string, len(names))
	for c, name := range names {
		if numeric(types[c]) {
			class[c] = ` class="n"`
		}
		fmt.Fprintf(&b, "<th%s>%s</th>", class[c], html.EscapeString(name))
	}
	b.WriteString("</tr></thead><tbody>")
	for k, i := range rows {
		if hidden > 0 && k == headRows {
			fmt.Fprintf(&b, `<tr><td colspan="%d" class="lidr-note">… %d rows more …</td></tr>`, len(names), hidden)
		}
		b.WriteString("<tr>")
		for c := range names {
			text, attributes := cell(df.Elem(i, c)), class[c]
			if types[c] == series.String {
				attributes = ` dir="auto"`
				if langs >= 0 {
					attributes += ` lang="` + html.EscapeString(df.Elem(i, langs).String()) + `"`
				}
			}
			if !numeric(types[c]) && utf8.RuneCountInString(text) <= unbroken {
				attributes += ` class="s"`
			}
			fmt.Fprintf(&b, "<td%s>%s</td>", attributes, fold(text, budget))
		}
		b.WriteString("</tr>")
	}
	fmt.Fprintf(&b, `</tbody></table><div class="lidr-note">%s</div>`, size(df))
	return b.String()
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
