package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/lm"
)

// scoreMTBench takes the mean ratings of one language by category and turn; rows hold two turns a question.
func scoreMTBench(model string, questions []datasets.MTQuestion, rows []MTAnswer, s MTBenchSettings) []MTScore {
	var categories []string
	for _, q := range questions {
		if !slices.Contains(categories, q.Category) {
			categories = append(categories, q.Category)
		}
	}
	var scores []MTScore
	for _, category := range append(categories, "all") {
		for _, turn := range []struct {
			number int
			turns  []int // of each question
		}{{1, []int{0}}, {2, []int{1}}, {0, []int{0, 1}}} {
			score := scoreTurns(category, turn.turns, questions, rows, s)
			score.Model, score.Turn = model, turn.number
			scores = append(scores, score)
		}
	}
	return scores
}

// scoreTurns is the mean rating of the questions of a category, "all" for every one, over some turns of each.
func scoreTurns(category string, turns []int, questions []datasets.MTQuestion, rows []MTAnswer,
	s MTBenchSettings) MTScore {
	var ratings []float64
	failed, unguided, cut := 0, 0, 0
	why := reasons{}
	for i, q := range questions {
		if category != "all" && category != q.Category {
			continue
		}
		sum, without, short, fault := 0.0, false, false, ""
		for _, turn := range turns {
			row := rows[2*i+turn]
			sum += float64(row.Rating) // unknown of one turn, unknown of both
			without = without || s.wantsReference(q) && !hasReference(q, turn)
			short = short || row.AnswerFault == lm.FaultCut
			fault = cmp.Or(fault, row.Fault)
		}
		why[fault]++
		if short {
			cut++
		}
		if math.IsNaN(sum) {
			failed++
		} else {
			ratings = append(ratings, sum/float64(len(turns)))
		}
		if without {
			unguided++
		}
	}
	e := eval.MeanSE(ratings)
	warnings := slices.Concat(eval.Warnings(e.N, failed), why.warnings(), cutWarning("answers", cut, e.N+failed))
	if unguided > 0 {
		warnings = append(warnings, fmt.Sprintf("%d of %d graded without the reference answer that their category needs",
			unguided, e.N+failed))
	}
	return MTScore{
		Category: category, Lang: questions[0].Lang, Value: Number(e.Mean), SE: Number(e.SE),
		N: e.N, Failed: failed, Warning: strings.Join(warnings, "; "),
	}
}
