package view

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// table is a table of a page, which is also had as CSV and as LaTeX.
type table struct {
	ID      string // in addresses
	Caption string
	Columns []column
	Rows    []tableRow
	Note    string
}

type column struct {
	Head    string
	What    string // what it is, on hover
	Numbers bool
}

type tableRow struct {
	Cells []cell
	Faint bool
}

// cell is a value of a table.
type cell struct {
	Text  string
	Sort  string // what it is sorted by, "" for the text
	Title string // on hover
	Tone  string // "good" or "bad"
	Link  string
}

// Parts are a value and, where it has one, its standard error, which stands below it where there is no room beside it.
func (c cell) Parts() []string {
	value, se, has := strings.Cut(c.Text, plusMinus)
	if !has {
		return []string{value}
	}
	return []string{value, strings.TrimSpace(plusMinus) + " " + se}
}

// csv is the table as RFC 4180 has it, with a standard error in a column of its own. A text that a spreadsheet would
// take for a formula has an apostrophe before it.
func (t table) csv() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	var head []string
	errors := make([]bool, len(t.Columns))
	for i, c := range t.Columns {
		errors[i] = slices.ContainsFunc(t.Rows, func(r tableRow) bool { return strings.Contains(r.Cells[i].Text, plusMinus) })
		if head = append(head, harmless(c.Head)); errors[i] {
			head = append(head, harmless(c.Head+" se"))
		}
	}
	if err := w.Write(head); err != nil {
		return nil, err
	}
	for _, row := range t.Rows {
		var line []string
		for i, c := range row.Cells {
			if !t.Columns[i].Numbers {
				line = append(line, harmless(c.Text))
				continue
			}
			value, se, _ := strings.Cut(strings.NewReplacer("−", "-", "–", "").Replace(c.Text), plusMinus)
			if line = append(line, value); errors[i] {
				line = append(line, se)
			}
		}
		if err := w.Write(line); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

const plusMinus = " ± " // between a value and its standard error

func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// latex is the table for a paper, with booktabs' rules.
func (t table) latex() []byte {
	var out strings.Builder
	align := ""
	for _, c := range t.Columns {
		if c.Numbers {
			align += "r"
		} else {
			align += "l"
		}
	}
	fmt.Fprintf(&out, "%% \\usepackage{booktabs}\n\\begin{table}\n\\caption{%s}\n\\begin{tabular}{%s}\n\\toprule\n",
		latexText(t.Caption), align)
	line := func(cells []string) {
		for i := range cells {
			cells[i] = latexText(cells[i])
		}
		out.WriteString(strings.Join(cells, " & ") + " \\\\\n")
	}
	var head []string
	for _, c := range t.Columns {
		head = append(head, c.Head)
	}
	line(head)
	out.WriteString("\\midrule\n")
	for _, row := range t.Rows {
		var cells []string
		for _, c := range row.Cells {
			cells = append(cells, c.Text)
		}
		line(cells)
	}
	out.WriteString("\\bottomrule\n\\end{tabular}\n\\end{table}\n")
	return []byte(out.String())
}

var latexSpecial = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`,
	"{", `\{`, "}", `\}`, "~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "−", "$-$", "±", `$\pm$`, "→", `$\to$`,
	"✓", `\checkmark{}`, "✗", `$\times$`, "\n", " ", "\r", " ", "…", `\ldots{}`)

func latexText(s string) string { return latexSpecial.Replace(s) }
