package eval

import (
	"strings"
	"unicode/utf8"
)

// RepeatLimit is the number of equal lines from which [RepeatsLines] reports a text. The reference code of LIDR has a
// check with this limit (and does not apply it).
const RepeatLimit = 5

// RepeatsLines reports whether a line appears [RepeatLimit] times or more in the text, which is typical of a model that
// repeats itself without end. White space around lines and blank lines do not count.
func RepeatsLines(text string) bool {
	seen := map[string]int{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if seen[line]++; seen[line] >= RepeatLimit {
			return true
		}
	}
	return false
}

// LengthRatio returns the length of the longer text over that of the shorter in characters, at least 1. An empty text
// counts as one character.
func LengthRatio(a, b string) float64 {
	x, y := max(1, utf8.RuneCountInString(a)), max(1, utf8.RuneCountInString(b))
	return float64(max(x, y)) / float64(min(x, y))
}
