package report

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"lidrlab/lidr/printable"
)

// Markdown writes the report as GitHub-flavoured Markdown. It refers to the plots as plots/NAME.svg, beside the file;
// [Figures] makes them.
func Markdown(d Data) ([]byte, error) {
	doc, err := newDocument(d)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n\n", args...) }
	line("# %s", inline(doc.Title))
	if doc.Question != "" {
		line("%s", inline(doc.Question))
	}
	if doc.Note != "" {
		line("> %s", inline(doc.Note))
	}
	if len(doc.Tiles) > 0 {
		t := &table{Columns: []column{{Head: "Key figure"}, {Head: "Value", Numbers: true}, {Head: "Detail"}}}
		for _, k := range doc.Tiles {
			t.Rows = append(t.Rows, row{Cells: []cell{{Text: k.Label}, {Text: k.Value}, {Text: k.Detail}}})
		}
		markdownTable(&b, t)
	}
	markdownList(&b, doc.Findings)
	if doc.Main != nil {
		markdownFigure(&b, doc.Main)
	}
	if len(doc.Warnings) > 0 {
		line("**Look at this before believing the results**")
		var items []string
		for _, w := range doc.Warnings {
			items = append(items, strings.TrimPrefix(w.Where+": "+w.Text, ": "))
		}
		markdownList(&b, items)
	}
	for i, s := range doc.Sections {
		line("## %d. %s", i+1, inline(s.Title))
		if s.Panel != "" {
			line("**%s**", inline(s.Panel))
		}
		for _, x := range s.Blocks {
			switch {
			case x.Heading != "":
				line("### %s", inline(x.Heading))
			case x.Text != "":
				line("%s", inline(x.Text))
			case x.Table != nil:
				markdownTable(&b, x.Table)
			case x.Figure != nil:
				markdownFigure(&b, x.Figure)
			case x.Example != nil:
				markdownExample(&b, x.Example)
			case x.Answers != nil:
				markdownAnswers(&b, x.Answers)
			case x.Code != nil:
				fence(&b, strings.Join(x.Code, "\n"))
			}
		}
	}
	return []byte(printable.Text(strings.TrimRight(b.String(), "\n") + "\n")), nil
}

func markdownList(b *bytes.Buffer, items []string) {
	for _, s := range items {
		fmt.Fprintf(b, "- %s\n", inline(s))
	}
	if len(items) > 0 {
		b.WriteByte('\n')
	}
}

func markdownFigure(b *bytes.Buffer, f *Figure) {
	fmt.Fprintf(b, "![%s](plots/%s.svg)\n\n", inline(f.Name), url.PathEscape(f.Name))
	if f.Caption != "" {
		fmt.Fprintf(b, "%s\n\n", inline(f.Caption))
	}
}

func markdownTable(b *bytes.Buffer, t *table) {
	for _, c := range t.Columns {
		fmt.Fprintf(b, "| %s ", inline(c.Head))
	}
	b.WriteString("|\n")
	for _, c := range t.Columns {
		if c.Numbers {
			b.WriteString("| --: ")
		} else {
			b.WriteString("| --- ")
		}
	}
	b.WriteString("|\n")
	for _, r := range t.Rows {
		for i := range t.Columns {
			var c cell
			if i < len(r.Cells) {
				c = r.Cells[i]
			}
			s := inline(c.Text)
			if s != "" && (i == 0 && r.Kind != "" || c.Tone != "") {
				s = "**" + s + "**"
			}
			switch c.Tone {
			case "good":
				s += " ✓"
			case "bad":
				s += " ✗"
			}
			switch {
			case c.Sub != "" && i == 0:
				s += " (" + inline(c.Sub) + ")"
			case c.Sub != "":
				s += " " + inline(c.Sub)
			}
			fmt.Fprintf(b, "| %s ", s)
		}
		b.WriteString("|\n")
	}
	b.WriteByte('\n')
	if t.Caption != "" {
		fmt.Fprintf(b, "%s\n\n", inline(t.Caption))
	}
}

func markdownExample(b *bytes.Buffer, e *example) {
	fmt.Fprintf(b, "**%s**", inline(e.LanguageName))
	for _, s := range []string{e.Round, e.ID} {
		if s != "" {
			fmt.Fprintf(b, " · %s", inline(s))
		}
	}
	b.WriteString("\n\n")
	for _, part := range []struct{ name, note, text, verdict string }{
		{"Prompt", "", e.Prompt, ""},
		{"Chosen", e.ChosenFrom, e.Chosen, e.ChosenVerdict},
		{"Rejected", e.RejectedFrom, e.Rejected, e.RejectedVerdict},
		{"Translated from", e.OriginalName, e.Original, ""},
	} {
		if part.text == "" && part.note == "" {
			continue
		}
		b.WriteString(part.name)
		for _, s := range []string{part.note, part.verdict} {
			if s != "" {
				fmt.Fprintf(b, " · %s", inline(s))
			}
		}
		b.WriteString("\n\n")
		fence(b, part.text)
	}
}

func markdownAnswers(b *bytes.Buffer, a *answers) {
	fmt.Fprintf(b, "**%s** · %s", inline(a.LanguageName), inline(a.ID))
	if a.Gold != "" {
		fmt.Fprintf(b, " · right is %s", inline(a.Gold))
	}
	b.WriteString("\n\nProblem\n\n")
	fence(b, a.Prompt)
	for _, one := range a.Answers {
		b.WriteString(inline(one.Model))
		if one.Verdict != "" {
			fmt.Fprintf(b, " · %s", inline(one.Verdict))
		}
		b.WriteString("\n\n")
		fence(b, one.Text)
	}
}

// fence writes text as it is, in a code block that no backticks in it can end.
func fence(b *bytes.Buffer, text string) {
	marks := "```"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	fmt.Fprintf(b, "%s\n%s\n%s\n\n", marks, strings.TrimRight(text, "\n"), marks)
}

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `|`, `\|`, `#`, `\#`, `~`, `\~`,
	`<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`, "\r", " ", "\n", " ",
)

// inline is plain text as Markdown on one line, with nothing in it that means something.
func inline(s string) string { return markdownEscapes.Replace(s) }
