package eval

import (
	"fmt"
	"strings"
	"unicode"
)

// pythonSpace reports whether Python's str.split and str.rstrip take a rune for white space: that is Go's white space
// and the four information separators.
func pythonSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }

// ngrams counts the runs of n parts, which are words or characters without white space.
func ngrams(parts []string, n int) map[string]int {
	counts := map[string]int{}
	for i := 0; i+n <= len(parts); i++ {
		counts[strings.Join(parts[i:i+n], " ")]++
	}
	return counts
}

// matches counts the n-grams of a that are in b, each at most as often as in b.
func matches(a, b map[string]int) int {
	sum := 0
	for gram, count := range a {
		sum += min(count, b[gram])
	}
	return sum
}

func total(counts map[string]int) int {
	sum := 0
	for _, count := range counts {
		sum += count
	}
	return sum
}

// checkReferences returns the signature's nrefs, the number of references of each hypothesis, or "var" if it varies.
func checkReferences(hypotheses []string, references [][]string) (string, error) {
	if len(hypotheses) == 0 || len(hypotheses) != len(references) {
		return "", fmt.Errorf("eval: %d hypotheses and references of %d, "+
			"expected at least one hypothesis and the references of each", len(hypotheses), len(references))
	}
	nrefs := fmt.Sprint(len(references[0]))
	for i, refs := range references {
		if len(refs) == 0 {
			return "", fmt.Errorf("eval: hypothesis %d has no reference, expected at least one", i)
		}
		if len(refs) != len(references[0]) {
			nrefs = "var"
		}
	}
	return nrefs, nil
}
