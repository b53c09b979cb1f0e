package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/rangetable"
)

// unicode9 has the characters that the tokenizers library normalizes: its tables are those of Unicode 9
// (unicode-normalization-alignments 0.1.12), for which every later character stands alone.
var unicode9 = rangetable.Assigned("9.0.0")

// nfc is Unicode's normalization form C as the tokenizers library computes it.
func nfc(s string) string {
	if norm.NFC.IsNormalString(s) {
		return s
	}
	var b strings.Builder
	from := 0
	for i, r := range s {
		if r >= utf8.RuneSelf && r != utf8.RuneError && !unicode.Is(unicode9, r) {
			b.WriteString(composed(s[from:i]))
			from = i + utf8.RuneLen(r)
			b.WriteString(s[i:from])
		}
	}
	b.WriteString(composed(s[from:]))
	return b.String()
}

// joiner is what package norm puts after 30 marks in a row, so that a stream can be normalized in pieces (UAX #15-D4).
const joiner = "\u034f"

// composed is norm.NFC.String without the joiners that it puts into long runs of marks.
func composed(s string) string {
	out := norm.NFC.String(s)
	if strings.Count(out, joiner) == strings.Count(s, joiner) {
		return out
	}
	return composedByHand(s)
}

// composedByHand decomposes, sorts marks and composes (UAX #15, section 1.3), for texts with more marks in a row than
// package norm takes.
func composedByHand(s string) string {
	type char struct {
		text  string
		class uint8 // canonical combining class; 0 is a starter
	}
	var chars []char
	for len(s) > 0 {
		properties := norm.NFD.PropertiesString(s)
		n := max(1, properties.Size())
		text := s[:n]
		if d := properties.Decomposition(); len(d) > 0 {
			text = string(d)
		}
		for len(text) > 0 {
			part := norm.NFD.PropertiesString(text)
			size := max(1, part.Size())
			chars = append(chars, char{text[:size], part.CCC()})
			text = text[size:]
		}
		s = s[n:]
	}
	for i := 0; i < len(chars); i++ {
		end := i
		for end < len(chars) && chars[end].class > 0 {
			end++
		}
		slices.SortStableFunc(chars[i:end], func(a, b char) int { return cmp.Compare(a.class, b.class) })
		i = max(i, end-1)
	}
	out := chars[:0]
	starter := -1 // in out
	for _, c := range chars {
		if starter >= 0 {
			last := out[len(out)-1].class
			// A mark is blocked by one of its own class, a starter by any mark.
			if open := starter == len(out)-1 || last > 0 && last < c.class; open {
				pair := norm.NFC.String(out[starter].text + c.text)
				if utf8.RuneCountInString(pair) == 1 {
					out[starter].text = pair
					continue
				}
			}
		}
		if c.class == 0 {
			starter = len(out)
		}
		out = append(out, c)
	}
	var b strings.Builder
	for _, c := range out {
		b.WriteString(c.text)
	}
	return b.String()
}
