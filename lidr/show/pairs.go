package show

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/lidr/printable"
)

// shownPairs is the number of pairs of a frame that are shown, the first ones; to see others, show a frame of those.
const shownPairs = 12

// isPairs reports whether a frame is one of preference pairs, which are shown side by side.
func isPairs(df dataframe.DataFrame) bool {
	for _, name := range []string{"lang", "prompt", "chosen", "rejected"} {
		if !slices.Contains(df.Names(), name) {
			return false
		}
	}
	return df.Err == nil
}

// pairRow reads the texts of one pair; id and source may be missing.
func pairRow(df dataframe.DataFrame, i int) map[string]string {
	row := map[string]string{}
	for c, name := range df.Names() {
		row[name] = df.Elem(i, c).String()
	}
	return row
}

func pairHead(row map[string]string) string {
	parts := []string{row["lang"], row["source"], row["id"]}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

func pairsHTML(df dataframe.DataFrame) string {
	n := min(df.Nrow(), shownPairs)
	budget := pageBytes / max(1, 3*n)
	var b strings.Builder
	b.WriteString(tableStyle)
	for i := range n {
		row := pairRow(df, i)
		text := func(name string) string { return cut(row[name], budget) }
		fmt.Fprintf(&b, `<div class="lidr-pair"><div class="lidr-note">%s</div>`+
			`<div class="lidr-prompt" dir="auto" lang="%[2]s">%[3]s</div><div class="lidr-sides">`+
			`<div dir="auto" lang="%[2]s"><b>chosen</b><br>%[4]s</div>`+
			`<div dir="auto" lang="%[2]s"><b>rejected</b><br>%[5]s</div></div></div>`,
			html.EscapeString(pairHead(row)), html.EscapeString(row["lang"]), text("prompt"), text("chosen"), text("rejected"))
	}
	fmt.Fprintf(&b, `<div class="lidr-note">%d of %d pairs</div>`, n, df.Nrow())
	return b.String()
}

func pairsText(df dataframe.DataFrame) string {
	n := min(df.Nrow(), shownPairs)
	var b strings.Builder
	for i := range n {
		row := pairRow(df, i)
		fmt.Fprintf(&b, "%s\n", printable.Line(pairHead(row)))
		for _, side := range []string{"prompt", "chosen", "rejected"} {
			fmt.Fprintf(&b, "  %-9s %s\n", side, strings.ReplaceAll(printable.Text(row[side]), "\n", "\n            "))
		}
	}
	fmt.Fprintf(&b, "%d of %d pairs\n", n, df.Nrow())
	return b.String()
}
