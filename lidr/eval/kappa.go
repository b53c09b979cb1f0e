package eval

import (
	"fmt"
	"math"
)

// FleissKappa returns the agreement of raters beyond chance (Fleiss, Psychological Bulletin 76, 1971). counts[i][k]
// is how many raters put item i into category k; every item has equally many, two at least. It is 1 for full
// agreement and 0 for that of chance, NaN where all ratings are of one category, since chance agrees fully then. The
// standard error is the jackknife's over items.
func FleissKappa(counts [][]int) (Estimate, error) {
	raters := 0
	for i, row := range counts {
		sum := 0
		for _, n := range row {
			sum += n
		}
		if i == 0 {
			raters = sum
		}
		if sum != raters || sum < 2 || len(row) != len(counts[0]) {
			return Estimate{}, fmt.Errorf("eval: item %d has %d ratings in %d categories, expected %d in %d, and 2 ratings "+
				"at least", i, sum, len(row), raters, len(counts[0]))
		}
	}
	n := len(counts)
	e := Estimate{Mean: fleiss(counts, -1, raters), SE: math.NaN(), N: n}
	if n < 3 || math.IsNaN(e.Mean) {
		return e, nil
	}
	without, mean := make([]float64, n), 0.0
	for i := range counts {
		without[i] = fleiss(counts, i, raters)
		mean += without[i] / float64(n)
	}
	var sum float64
	for _, k := range without {
		sum += (k - mean) * (k - mean)
	}
	e.SE = math.Sqrt(sum * float64(n-1) / float64(n)) // NaN where an item less leaves one category
	return e, nil
}

// fleiss is κ of all items but one, -1 for none.
func fleiss(counts [][]int, but, raters int) float64 {
	if len(counts) == 0 {
		return math.NaN()
	}
	shares, agreement, items := make([]float64, len(counts[0])), 0.0, 0.0
	for i, row := range counts {
		if i == but {
			continue
		}
		items++
		pairs := 0
		for k, n := range row {
			shares[k] += float64(n)
			pairs += n * (n - 1)
		}
		agreement += float64(pairs) / float64(raters*(raters-1))
	}
	chance := 0.0
	for _, sum := range shares {
		share := sum / (items * float64(raters))
		chance += share * share
	}
	if chance == 1 {
		return math.NaN()
	}
	return (agreement/items - chance) / (1 - chance)
}

// Outcome returns a preference between 1 and 2 as the category that [FleissKappa] counts: 0 for lose (below 1.5), 1 for
// tie, 2 for win (above 1.5), and -1 for none, NaN.
func Outcome(preference float64) int {
	switch {
	case math.IsNaN(preference):
		return -1
	case preference < 1.5:
		return 0
	case preference > 1.5:
		return 2
	}
	return 1
}
