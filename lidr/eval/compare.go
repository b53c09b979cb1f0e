package eval

import (
	"fmt"
	"math"
)

// Match is a head-to-head comparison of two models on the same items. The three shares sum to one.
type Match struct {
	Win  Estimate `json:"win"`
	Tie  Estimate `json:"tie"`
	Lose Estimate `json:"lose"`
	// Net is win − lose, with the standard error of the paired outcomes 1, 0, −1.
	Net Estimate `json:"net"`
}

// HeadToHead compares two models item by item: the higher score wins and equal scores tie. A score is any number that
// orders answers, such as a rubric's points. A judge's verdicts (1 win, 0 tie, −1 loss) are compared with zeros.
func HeadToHead(model, opponent []float64) (Match, error) {
	d, err := differences(model, opponent)
	if err != nil {
		return Match{}, err
	}
	var win, tie, lose int
	for i, x := range d {
		switch {
		case x > 0:
			win++
			d[i] = 1
		case x < 0:
			lose++
			d[i] = -1
		case x == 0:
			tie++
		default:
			return Match{}, fmt.Errorf("eval: item %d: scores %v and %v cannot be compared, expected numbers",
				i, model[i], opponent[i])
		}
	}
	n := len(d)
	return Match{Win: Proportion(win, n), Tie: Proportion(tie, n), Lose: Proportion(lose, n), Net: MeanSE(d)}, nil
}

// JudgedReward is the reward accuracy of preference pairs by a judge's scores.
type JudgedReward struct {
	Accuracy Estimate `json:"accuracy"` // ties count half
	Ties     int      `json:"ties"`
}

// JudgedRewardAccuracy returns the share of pairs whose chosen answer is scored higher than the rejected one. A tie
// counts half, and the number of ties is returned too (the paper does not say how it counted them).
func JudgedRewardAccuracy(chosen, rejected []float64) (JudgedReward, error) {
	d, err := differences(chosen, rejected)
	if err != nil {
		return JudgedReward{}, err
	}
	var r JudgedReward
	for i, x := range d {
		switch {
		case math.IsNaN(x):
			return JudgedReward{}, fmt.Errorf("eval: pair %d: scores %v and %v cannot be compared, expected numbers",
				i, chosen[i], rejected[i])
		case x > 0:
			d[i] = 1
		case x < 0:
			d[i] = 0
		default:
			d[i] = 0.5
			r.Ties++
		}
	}
	r.Accuracy = MeanSE(d)
	return r, nil
}

// OracleReward is the reward accuracy of preference pairs where it is known which answers are right.
type OracleReward struct {
	Accuracy  Estimate `json:"accuracy"` // over the N pairs with exactly one right answer
	BothRight int      `json:"both_right"`
	BothWrong int      `json:"both_wrong"`
}

// OracleRewardAccuracy returns the share of pairs whose chosen answer is right, among the pairs with exactly one right
// answer. It differs from [JudgedRewardAccuracy]: the pairs with two right or two wrong answers are left out of the
// share and counted separately. If it is below one half, training on the pairs prefers wrong answers.
func OracleRewardAccuracy(chosenRight, rejectedRight []bool) (OracleReward, error) {
	if len(chosenRight) != len(rejectedRight) {
		return OracleReward{}, fmt.Errorf("eval: %d chosen and %d rejected verdicts, expected one of each a pair",
			len(chosenRight), len(rejectedRight))
	}
	var r OracleReward
	right, decided := 0, 0
	for i, chosen := range chosenRight {
		switch {
		case chosen && rejectedRight[i]:
			r.BothRight++
		case !chosen && !rejectedRight[i]:
			r.BothWrong++
		default:
			decided++
			if chosen {
				right++
			}
		}
	}
	r.Accuracy = Proportion(right, decided)
	return r, nil
}
