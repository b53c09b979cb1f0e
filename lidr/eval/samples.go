package eval

import (
	"fmt"
	"math"
)

// PassAt returns the probability that at least one of k answers is right, of n answers of which so many are: the
// unbiased estimate 1 − C(n−right, k)/C(n, k) (Chen et al. 2021, arXiv 2107.03374, equation 1). k is 1 to n.
func PassAt(k, n, right int) float64 {
	if k < 1 || k > n || right < 0 || right > n {
		return math.NaN()
	}
	none := 1.0
	for i := n - right + 1; i <= n; i++ {
		none *= max(0, 1-float64(k)/float64(i))
	}
	return 1 - none
}

// Majority returns the share to which the answer that most of a problem's samples give is right: 1, 0, or 1/m where it
// is one of m that are given equally often, which is what a drawn one would be right by (self-consistency, Wang et al.
// 2022, arXiv 2203.11171). answers are the samples' final answers in a normal form; "", for none, has no vote. right
// says of each sample whether it is right. Without any vote it is 0.
func Majority(answers []string, right []bool) (float64, error) {
	if len(answers) != len(right) {
		return 0, fmt.Errorf("eval: %d answers and %d verdicts, expected one each", len(answers), len(right))
	}
	votes, rightly := map[string]int{}, map[string]bool{}
	for i, answer := range answers {
		if answer != "" {
			votes[answer]++
			rightly[answer] = rightly[answer] || right[i]
		}
	}
	most, tied, hit := 0, 0, 0
	for answer, n := range votes {
		if n > most {
			most, tied, hit = n, 0, 0
		}
		if n == most {
			tied++
			hit += zeroOrOne(rightly[answer])
		}
	}
	if most == 0 {
		return 0, nil
	}
	return float64(hit) / float64(tied), nil
}

// BestOf returns the share to which the sample with the highest score is right, as [Majority] does: of equal ones, the
// share that is. A sample whose score is NaN is never chosen; without any score it is 0.
func BestOf(scores []float64, right []bool) (float64, error) {
	if len(scores) != len(right) {
		return 0, fmt.Errorf("eval: %d scores and %d verdicts, expected one each", len(scores), len(right))
	}
	best, tied, hit := math.Inf(-1), 0, 0
	for i, score := range scores {
		if score > best {
			best, tied, hit = score, 0, 0
		}
		if score == best {
			tied++
			hit += zeroOrOne(right[i])
		}
	}
	if tied == 0 {
		return 0, nil
	}
	return float64(hit) / float64(tied), nil
}
