package eval

import (
	"strings"
	"unicode/utf8"
)

// RepeatLimit is how often the same line may not stand in an answer: the reference code of LIDR has a check with this
// limit (and does not apply it).
const RepeatLimit = 5

// RepeatsLines reports whether one line stands [RepeatLimit] times or more in the text, the sign of a model that is
// caught in a loop. White space around lines does not count, and neither do blank lines.
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

// LengthRatio is the length of the longer text over that of the shorter in characters, at least 1. Against an empty
// text the other counts as many times longer as it has characters.
func LengthRatio(a, b string) float64 {
	x, y := max(1, utf8.RuneCountInString(a)), max(1, utf8.RuneCountInString(b))
	return float64(max(x, y)) / float64(min(x, y))
}
