package judge

import (
	"math"
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
	rows     []Judgement
	raw      [][]lm.Answer // of each row, one an order
	weighted bool          // every answer has the probabilities of its token
	judge    string
}

// add reads one answer of the judge.
func (v *judged) add(asked asking, a lm.Answer) {
	row := &v.rows[asked.row]
	p := parseVerdict(a, v.weighted)
	if asked.swapped {
		row.Second = 3 - p
	} else {
		row.First = p
	}
	v.raw[asked.row] = append(v.raw[asked.row], a)
}

// kind says what the preferences are read from.
func (v *judged) kind() string {
	if v.weighted {
		return "weighted"
	}
	return "words"
}

// parseVerdict reads 1 (m) to 2 (M) off a judge's answer, NaN where it gives neither.
func parseVerdict(a lm.Answer, weighted bool) float64 {
	if weighted {
		m, M := 0.0, 0.0
		for _, t := range a.TopLogprobs {
			switch strings.TrimSpace(t.Token) {
			case "m":
				m += math.Exp(t.Logprob)
			case "M":
				M += math.Exp(t.Logprob)
			}
		}
		return 1 + M/(m+M) // NaN where both are 0
	}
	word := strings.FieldsFunc(a.Text, func(r rune) bool { return !unicode.IsLetter(r) })
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
