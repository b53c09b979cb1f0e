package printable

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"an id\x1b]0;title\a\x1b[31m":     `an id\x1b]0;title\x07\x1b[31m`,
		"8-bit \u009b31m and \x9b31m":     `8-bit \x9b31m and \x9b31m`,
		"\u202eright to left\u2066":       `\u202eright to left\u2066`,
		"a\u2028b\u2029\x7f\x00":          `a\u2028b\u2029\x7f\x00`,
		"over\rwritten":                   `over\x0dwritten`,
		"lines\n\tand\r\n":                "lines\n\tand\r\n",
		"das Übliche, 日本\u3000語, \u00a0€": "das Übliche, 日本\u3000語, \u00a0€",
		"ها\u200cی \u200f😀\u200d🧑 \ufffd": "ها\u200cی \u200f😀\u200d🧑 \ufffd",
	} {
		if got := Text(text); got != want {
			t.Errorf("%q becomes %q, expected %q", text, got, want)
		}
	}
	if got, want := Line("a\tb\r\nc\x1b"), `a\tb\r\nc\x1b`; got != want {
		t.Errorf("the line is %q, expected %q", got, want)
	}
	for word, want := range map[string]string{
		"train.beta=0.2": "train.beta=0.2", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "деревья": "деревья",
	} {
		if got := Word(word); got != want {
			t.Errorf("the word of %q is %s, expected %s", word, got, want)
		}
	}
	var out strings.Builder
	if n, err := Writer(&out).Write([]byte("\x1b[31m")); n != 5 || err != nil || out.String() != `\x1b[31m` {
		t.Errorf("%d bytes of %q are written, %v", n, out.String(), err)
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b\xff\u202e\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		got := Text(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(strings.ReplaceAll(got, "\r\n", ""), steers) || Text(got) != got {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
