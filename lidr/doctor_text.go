package lidr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"lidrlab/lidr/tokenizer"
)

func tokenText(name string, tok *tokenizer.Tokenizer, ids []int32, loss string) TokenText {
	t := TokenText{Name: name, Loss: loss}
	for _, id := range ids {
		t.IDs, t.Pieces = append(t.IDs, int(id)), append(t.Pieces, visible(tok, int(id)))
	}
	return t
}

// visible returns what a token spells, with ⟦⟧ around a special one.
func visible(tok *tokenizer.Tokenizer, id int) string {
	text := showSpaces(string(tok.DecodeBytes([]int{id})))
	if tok.Special(id) {
		return "⟦" + text + "⟧"
	}
	return text
}

var spaceSigns = map[rune]string{' ': "·", '\n': "↵", '\t': "→"}

// showSpaces makes white space visible; other characters without a picture and broken ones become \u and \x.
func showSpaces(text string) string {
	var b strings.Builder
	for i, r := range text {
		sign, ok := spaceSigns[r]
		switch {
		case ok:
			b.WriteString(sign)
		case r == utf8.RuneError && text[i] != "\uFFFD"[0]:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// String writes the diagnosis for people, about 100 characters a line.
func (d *Diagnosis) String() string {
	var b strings.Builder
	for _, f := range d.Facts {
		fmt.Fprintf(&b, "%-14s %s\n", f.Name, f.Value)
	}
	for _, t := range d.Pair {
		fmt.Fprintf(&b, "\n%s: %d tokens, %s\n", t.Name, len(t.IDs), t.Loss)
		ids := make([]string, len(t.IDs))
		for i, id := range t.IDs {
			ids[i] = fmt.Sprint(id)
		}
		writeWrapped(&b, t.Pieces, "│")
		writeWrapped(&b, ids, " ")
	}
	if len(d.Warnings)+len(d.Problems) > 0 {
		b.WriteString("\n")
	}
	for _, w := range d.Warnings {
		fmt.Fprintln(&b, "look at this:", w)
	}
	for _, p := range d.Problems {
		fmt.Fprintln(&b, "wrong:", p)
	}
	return b.String()
}

func writeWrapped(b *strings.Builder, words []string, between string) {
	column := 0
	for i, word := range words {
		n := utf8.RuneCountInString(word) + 1
		switch {
		case i == 0 || column+n > 96:
			if i > 0 {
				b.WriteString("\n")
			}
			b.WriteString("    ")
			column = 0
		default:
			b.WriteString(between)
		}
		b.WriteString(word)
		column += n
	}
	b.WriteString("\n")
}
