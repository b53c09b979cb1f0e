// Package printable shows text from outside, such as an answer, an id or a server's message, so that it cannot steer
// the terminal, the editor or the page on which it is read.
package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s with each control character in Go's notation: ESC as \x1b, U+202E, which turns the direction of what
// follows, as \u202e. Line ends and tabs stay, and so does everything that only looks unusual.
func Text(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, steers) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1: // a byte of no character, which some terminals take for a C1 control
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case steers(r) && r < 0x100 && !strings.HasPrefix(s, "\r\n"):
			fmt.Fprintf(&b, `\x%02x`, r)
		case steers(r) && r >= 0x100:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// Line is Text for a single line: line ends and tabs are shown too.
func Line(s string) string { return breaks.Replace(Text(s)) }

// Word returns s as one word of a shell's command, in quotes where it needs them.
func Word(s string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./,:@=+", r)
	}
	if s != "" && strings.IndexFunc(s, special) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

var breaks = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`)

// steers tells whether a character is a control (C0, DEL, C1), sets the direction of text (Unicode's bidirectional
// algorithm, UAX #9), or ends a line or paragraph.
func steers(r rune) bool {
	switch {
	case r == '\n' || r == '\t':
		return false
	case r < ' ' || 0x7f <= r && r <= 0x9f || r == 0x2028 || r == 0x2029:
		return true
	}
	return 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

// Writer returns a writer that passes [Text] on to w. Each Write is taken for whole characters.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
