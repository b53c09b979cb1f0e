package judge

import (
	"math"
	"slices"
	"strings"
	"unicode"

	"lidrlab/lidr/lm"
)

// asking is one time that a pair is put to the judge.
type asking struct {
	row     int
	swapped bool // the response is shown first
}

// judged is what a judge said of the pairs of a comparison.
type judged struct {
	rows  []Judgement
	raw   [][]lm.Answer // of each row, one an order
	kinds []kinds       // of each row
	cuts  []cuts        // of each row
	judge string
}

// kinds counts the verdicts by what they were read from.
type kinds struct{ weighted, words int }

// String says what all the verdicts are read from.
func (k kinds) String() string {
	switch {
	case k.weighted == 0:
		return "words"
	case k.words == 0:
		return "weighted"
	}
	return "mixed"
}

func (k kinds) plus(other kinds) kinds {
	return kinds{k.weighted + other.weighted, k.words + other.words}
}

// add reads one answer of the judge.
func (v *judged) add(asked asking, a lm.Answer) {
	row := &v.rows[asked.row]
	said := parseVerdict(a)
	if asked.swapped {
		row.Second = 3 - said.preference
	} else {
		row.First = said.preference
	}
	if row.Fault == "" {
		row.Fault = said.fault
	}
	v.raw[asked.row] = append(v.raw[asked.row], a)
	v.kinds[asked.row] = v.kinds[asked.row].plus(said.kind)
}

// verdict is what is read off a judge's answer.
type verdict struct {
	preference float64 // 1 (m) to 2 (M), NaN: none
	kind       kinds   // one, or none
	fault      string  // why there is none
}

// noChoice is the fault of an answer that says neither m nor M.
const noChoice = "neither m nor M"

// parseVerdict reads a judge's answer by the probabilities of its first token, where they are known, or else by its
// word. A single token is cut by its length and may be a verdict all the same; other faults leave none.
func parseVerdict(a lm.Answer) verdict {
	a.Completion = a.Split()
	fault := a.Fault()
	if fault != "" && fault != lm.FaultCut {
		return verdict{math.NaN(), kinds{}, fault}
	}
	said := verdict{preference: math.NaN()}
	word := wordOf(a.Text)
	// Behind a thought the first token is the thought's. A word that is none of the tokens is spelled in another way
	// there ("▁m", "**"), or the list leaves out what was said, and its ratio would turn the verdict.
	p, known := weigh(a.TopLogprobs)
	listed := func(t lm.TokenLogprob) bool { return wordOf(t.Token) == word && len(strings.TrimSpace(t.Token)) == 1 }
	if known && a.Thought == "" && (math.IsNaN(word) || slices.ContainsFunc(a.TopLogprobs, listed)) {
		said.kind.weighted = 1
		said.preference = p
	} else {
		said.kind.words = 1
		said.preference = word
	}
	if math.IsNaN(said.preference) {
		said.fault = noChoice
		if fault != "" && said.kind.words > 0 {
			said.fault = fault
		}
	}
	return said
}

// weigh returns 1 + p(M)/(p(m)+p(M)), NaN where neither is likely. known is false where there are
// no probabilities, or m or M is named without one.
func weigh(top []lm.TokenLogprob) (preference float64, known bool) {
	m, M := 0.0, 0.0
	for _, t := range top {
		switch p := math.Exp(t.Logprob); strings.TrimSpace(t.Token) {
		case "m":
			m += p
		case "M":
			M += p
		}
	}
	known = len(top) > 0 && !math.IsNaN(m+M)
	if m+M < leastMass {
		return math.NaN(), known
	}
	return 1 + M/(m+M), known
}

// leastMass is the probability that m and M have together where the judge chooses at all: below it, as where it begins
// with "I cannot", their ratio says nothing.
const leastMass = 0.01

// wordOf reads 1 off the word m, 2 off M, and NaN off any other text.
func wordOf(text string) float64 {
	word := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	switch {
	case len(word) == 1 && word[0] == "m":
		return 1
	case len(word) == 1 && word[0] == "M":
		return 2
	}
	return math.NaN()
}

// preferenceOf is the mean of the orders asked; where one of two failed, the judge failed. Orders that cancel are a
// draw, which their sum misses by a rounding.
func preferenceOf(row Judgement, bothOrders bool) float64 {
	switch mean := (row.First + row.Second) / 2; {
	case bothOrders && math.Abs(mean-1.5) < 1e-9:
		return 1.5
	case bothOrders:
		return mean
	case math.IsNaN(row.First):
		return row.Second
	}
	return row.First
}
