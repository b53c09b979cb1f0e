package eval

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// The scores of a multiple-choice question are computed from the log-probability of each choice given the question, the
// sum over its tokens in nats. They are those of EleutherAI's lm-evaluation-harness; a suite's score is [MeanSE] over
// its questions.

// Acc returns 1 if the right choice, gold, is the likeliest, else 0. Of equally likely choices the first one counts as
// the likeliest. TruthfulQA's MC1 is Acc over its first list.
func Acc(logprobs []float64, gold int) (float64, error) {
	if err := checkChoices(logprobs, len(logprobs), gold); err != nil {
		return 0, err
	}
	return hit(logprobs, gold), nil
}

// AccNorm returns [Acc] of the log-probabilities divided by the length of their choice in characters (code points),
// without the space before it, so that long choices are not at a disadvantage. An empty choice is never the likeliest.
func AccNorm(logprobs []float64, choices []string, gold int) (float64, error) {
	if err := checkChoices(logprobs, len(choices), gold); err != nil {
		return 0, err
	}
	perCharacter := make([]float64, len(choices))
	for i, choice := range choices {
		if perCharacter[i] = math.Inf(-1); choice != "" {
			perCharacter[i] = logprobs[i] / float64(utf8.RuneCountInString(choice))
		}
	}
	return hit(perCharacter, gold), nil
}

// MC2 returns the sum of the right choices' probabilities, normalised so that all choices sum to 1 (TruthfulQA; Lin et
// al. 2022, arXiv 2109.07958).
func MC2(logprobs []float64, right []bool) (float64, error) {
	if err := checkChoices(logprobs, len(right), 0); err != nil {
		return 0, err
	}
	top := math.Inf(-1) // subtracted so that the sum is not 0, as it is in the harness when all choices are long
	for _, x := range logprobs {
		top = max(top, x)
	}
	if math.IsInf(top, -1) {
		return 0, fmt.Errorf("eval: no choice has a probability above 0")
	}
	all, rightOnes := 0.0, 0.0
	for i, x := range logprobs {
		p := math.Exp(x - top)
		all += p
		if right[i] {
			rightOnes += p
		}
	}
	return rightOnes / all, nil
}

// hit returns 1 if the first maximum of x is at gold, else 0.
func hit(x []float64, gold int) float64 {
	best := 0
	for i := range x {
		if x[i] > x[best] {
			best = i
		}
	}
	return float64(zeroOrOne(best == gold))
}

// highestLogprob is the greatest log-probability that is taken for one: the rounding of a sum may make it a little more
// than 0.
const highestLogprob = 1e-3

func checkChoices(logprobs []float64, choices, gold int) error {
	if len(logprobs) != choices || gold < 0 || gold >= choices {
		return fmt.Errorf("eval: %d log-probabilities for %d choices, of which number %d is right; "+
			"expected one for each choice", len(logprobs), choices, gold)
	}
	for i, x := range logprobs {
		if math.IsNaN(x) || x > highestLogprob {
			return fmt.Errorf("eval: log-probability %v of choice %d, expected at most 0", x, i)
		}
	}
	return nil
}
