package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// Decode returns the text of ids without special tokens, for people to read: bytes that are not UTF-8, such as half of
// a character, become U+FFFD, as many as the Unicode standard recommends. The space that the tokenizer puts before a
// text is removed. Unknown ids are skipped.
func (t *Tokenizer) Decode(ids []int) string {
	var b strings.Builder
	for _, id := range ids {
		if id >= 0 && id < len(t.tokens) && !t.special[id] {
			b.WriteString(t.tokens[id])
		}
	}
	s := b.String()
	if t.strip {
		s = strings.TrimPrefix(s, " ")
	}
	if utf8.ValidString(s) {
		return s
	}
	s, err := unicode.UTF8.NewDecoder().String(s)
	if err != nil { // the decoder replaces and never fails
		return strings.ToValidUTF8(b.String(), "\ufffd")
	}
	return s
}

// setDecoder reads how tokens become text.
func (t *Tokenizer) setDecoder(f *file) error {
	var parts []part
	if f.Decoder != nil {
		parts = f.Decoder.flat()
	}
	var steps []string
	for _, p := range parts {
		steps = append(steps, p.Type)
	}
	got := strings.Join(steps, " ")
	if !f.Model.ByteFallback {
		if got != "ByteLevel" {
			return fmt.Errorf("steps %q; expected ByteLevel", got)
		}
		return nil
	}
	t.pieces = true
	if got == "Replace ByteFallback Fuse Strip" {
		last := parts[3]
		if last.Content != " " || last.Start != 1 || last.Stop != 0 {
			return fmt.Errorf("a Strip of %d and %d times %q is not supported; expected one space at the start",
				last.Start, last.Stop, last.Content)
		}
		t.strip = true
		got = "Replace ByteFallback Fuse"
	}
	if got != "Replace ByteFallback Fuse" {
		return fmt.Errorf("steps %q; expected Replace, ByteFallback, Fuse and, where a space was put before the text, Strip",
			got)
	}
	if p := parts[0]; p.Pattern.String == nil || *p.Pattern.String != spaceMark || p.Content != " " {
		return fmt.Errorf("step Replace writes %q, which is not supported; expected %q by a space", p.Content, spaceMark)
	}
	return nil
}
