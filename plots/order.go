package plots

import (
	"slices"
	"unicode"

	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/text/unicode/bidi"
)

// rightToLeft reports whether the first letter of a text is of a script that runs from right to left (rules P2 and P3
// of the Unicode bidirectional algorithm).
func rightToLeft(s string) bool {
	for _, r := range s {
		properties, _ := bidi.LookupRune(r)
		switch properties.Class() {
		case bidi.L:
			return false
		case bidi.R, bidi.AL:
			return true
		}
	}
	return false
}

// visual puts the runs of a line, which are in the order of reading, in the order from left to right (rule L2). The
// shaper's library tells directions and no levels: a number after Arabic or Hebrew is of level 2 there, within the text
// from right to left (W2, W7 and I1), and would stand on its wrong side.
func visual(runs []shaping.Input, rtl bool) []shaping.Input {
	var ordered []shaping.Input
	var levels []int
	for i, run := range runs {
		after := i > 0 && runs[i-1].Direction == di.DirectionRTL
		switch end := numberEnd(run); {
		case run.Direction == di.DirectionRTL:
			levels = append(levels, 1)
		case rtl:
			levels = append(levels, 2)
		case after && end == run.RunEnd:
			levels = append(levels, 2)
		case after && end > run.RunStart:
			number := run
			number.RunEnd, run.RunStart = end, end
			ordered, levels = append(ordered, number), append(levels, 2, 0)
		default:
			levels = append(levels, 0)
		}
		ordered = append(ordered, run)
	}
	for level := 2; level > 0; level-- {
		for i := 0; i < len(levels); i++ {
			from := i
			for i < len(levels) && levels[i] >= level {
				i++
			}
			slices.Reverse(ordered[from:i])
			slices.Reverse(levels[from:i])
		}
	}
	return ordered
}

// numberEnd is where the number that a run begins with ends, with the points and commas between its digits.
func numberEnd(run shaping.Input) int {
	end := run.RunStart
	for i := run.RunStart; i < run.RunEnd; i++ {
		properties, _ := bidi.LookupRune(run.Text[i])
		if unicode.IsDigit(run.Text[i]) {
			end = i + 1
		} else if properties.Class() != bidi.CS {
			break
		}
	}
	return end
}
