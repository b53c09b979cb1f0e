package eval

import (
	"fmt"
	"math"
)

// Interval is a 95 % confidence interval of a share.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// BothOrders is a head-to-head comparison in which the judge saw each pair of answers in both orders.
type BothOrders struct {
	Match
	WinInterval  Interval `json:"win_interval"` // Wilson, see [Wilson]
	TieInterval  Interval `json:"tie_interval"`
	LoseInterval Interval `json:"lose_interval"`
	// Flip is the share of items whose winner changed with the order, which shows the judge's position bias. Such an
	// item counts as a tie.
	Flip     Estimate `json:"flip_rate"`
	Failed   int      `json:"n_failed"` // items that lack a verdict in at least one order, left out of all the shares
	Warnings []string `json:"warnings,omitempty"`
}

// TieRule returns the outcome for a model, 1 win, 0 tie or −1 loss, of the verdicts in the two orders. A verdict above
// 0 says that the model won, 0 a tie, and one below 0 that it lost. Two equal verdicts give their outcome, a win or
// loss and a tie give the win or loss, and a win and a loss give a tie (our rule; the paper does not state its own).
// NaN, a failed judge, gives NaN.
func TieRule(first, second float64) float64 { return sign(sign(first) + sign(second)) }

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0 or NaN
}

// HeadToHeadBothOrders compares two models item by item with [TieRule]. first holds the verdicts with the model's
// answer shown first, second those with it shown second; all are above 0 if the model won. For the model of Output2 an
// annotation's preference less 1.5 is such a verdict.
func HeadToHeadBothOrders(first, second []float64) (BothOrders, error) {
	if len(first) != len(second) || len(first) == 0 {
		return BothOrders{}, fmt.Errorf("eval: %d verdicts in one order and %d in the other, "+
			"expected the same items in both, one at least", len(first), len(second))
	}
	var outcomes []float64
	var b BothOrders
	flips := 0
	for i := range first {
		outcome := TieRule(first[i], second[i])
		if math.IsNaN(outcome) {
			b.Failed++
			continue
		}
		outcomes = append(outcomes, outcome)
		flips += zeroOrOne(sign(first[i])*sign(second[i]) < 0)
	}
	n := len(outcomes)
	match, err := HeadToHead(outcomes, make([]float64, n))
	if err != nil {
		return BothOrders{}, err
	}
	b.Match = match
	b.WinInterval = wilson95(match.Win)
	b.TieInterval = wilson95(match.Tie)
	b.LoseInterval = wilson95(match.Lose)
	b.Flip = Proportion(flips, n)
	b.Warnings = Warnings(n, b.Failed)
	return b, nil
}

func wilson95(share Estimate) Interval {
	successes := 0
	if share.N > 0 {
		successes = int(math.Round(share.Mean * float64(share.N)))
	}
	low, high := Wilson(successes, share.N, Z95)
	return Interval{low, high}
}
