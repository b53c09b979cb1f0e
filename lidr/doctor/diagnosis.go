// Package doctor examines a model before hours are spent on it. It shows the exact text and ids of one training pair,
// which tokens count in the loss, where BOS and EOS are, the model's sizes and the memory that it needs, and says in
// words what is wrong. `lidr doctor MODEL` prints the diagnosis, and its exit code is 1 if something is wrong.
//
//	m, err := lidr.LoadModel("Qwen/Qwen2.5-0.5B-Instruct")
//	diagnosis, err := doctor.Examine(ctx, m, lidr.PaperSettings(), doctor.SamplePair())
//	fmt.Print(diagnosis)
package doctor

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"lidrlab/lidr/tokenizer"
)

// Diagnosis is what [Examine] found. Printed, it is what `lidr doctor` shows.
type Diagnosis struct {
	Facts     []Fact
	Pair      []TokenText // the prompt, the chosen and the rejected response
	Languages []LanguageCost
	Warnings  []string // what may be wrong
	Problems  []string // what makes training or answers wrong

	maxTokens int // of an answer
}

// Fact is something about a model.
type Fact struct{ Name, Value string }

// TokenText is a text as the model sees it.
type TokenText struct {
	Name   string
	IDs    []int
	Pieces []string // of each id, white space and special tokens made visible
	Loss   string   // the parts of the loss that count each of them
}

func (d *Diagnosis) fact(name, format string, args ...any) {
	d.Facts = append(d.Facts, Fact{name, fmt.Sprintf(format, args...)})
}

func (d *Diagnosis) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

func (d *Diagnosis) problem(format string, args ...any) {
	d.Problems = append(d.Problems, fmt.Sprintf(format, args...))
}

func tokenText(name string, tok *tokenizer.Tokenizer, ids []int32, loss string) TokenText {
	t := TokenText{Name: name, Loss: loss}
	for _, id := range ids {
		t.IDs = append(t.IDs, int(id))
		t.Pieces = append(t.Pieces, visible(tok, int(id)))
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

// showSpaces makes white space visible; unprintable characters and broken ones become \u and \x.
func showSpaces(text string) string {
	var b strings.Builder
	for i, r := range text {
		sign, isSpace := spaceSigns[r]
		switch {
		case isSpace:
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

// String returns the diagnosis as text, about 100 characters a line.
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
	d.writeLanguages(&b)
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

// textWidth is the number of characters of a line of tokens, without its indent.
const textWidth = 96

func writeWrapped(b *strings.Builder, words []string, between string) {
	column := 0
	for i, word := range words {
		n := utf8.RuneCountInString(word) + 1
		switch {
		case i == 0 || column+n > textWidth:
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
