package paper

import (
	"math"
	"testing"

	"github.com/go-gota/gota/dataframe"
)

// Every mean that was printed follows from the printed parts to half a unit of its last digit.
func TestPrintedAveragesAddUp(t *testing.T) {
	parts, printed := map[string][]float64{}, map[string]float64{}
	add := func(name, lang string, x float64) {
		if lang == "avg" {
			printed[name] = x
		} else {
			parts[name] = append(parts[name], x)
		}
	}
	for _, r := range XAlpacaEval() {
		add(r.Model+" judged by "+r.Judge, r.Lang, r.WinRate)
	}
	for _, r := range MTBench() {
		add("MT-Bench of "+r.Model, r.Lang, r.Score)
	}
	for name, x := range printed {
		if m := mean(parts[name]); math.Abs(m-x) > 0.005+1e-9 {
			t.Errorf("%s: the parts give %.3f, printed is %.2f", name, m, x)
		}
	}
	if len(printed) != 25 {
		t.Errorf("%d averages, expected 4 + 12 by the first judge, 3 + 3 by the second, and 3 of MT-Bench", len(printed))
	}
}

// Win, tie and lose sum to 100 % but for the rounding of three figures to 0.1.
func TestHeadToHeadSums(t *testing.T) {
	for _, r := range HeadToHead() {
		if s := r.Win + r.Tie + r.Lose; math.Abs(s-100) > 0.15 {
			t.Errorf("%s against %s in %s: the parts sum to %.1f %%", r.Model, r.Opponent, r.Lang, s)
		}
	}
}

// The paper's "+13.9 %" is the mean of M2 − M0 over the ten languages, and every share is a count of 250 problems:
// but for the two that cannot be one, .570 (142.5 of 250) and .002 (half of one), which stay as they were printed.
func TestMGSM(t *testing.T) {
	var gains []float64
	m0 := map[string]float64{}
	notCounts := map[float64]bool{}
	for _, r := range MGSM() {
		switch r.Model {
		case "M0":
			m0[r.Lang] = r.Accuracy
		case "M2":
			gains = append(gains, r.Accuracy-m0[r.Lang])
		}
		for _, share := range []float64{r.Accuracy, r.OffTarget} {
			if k := share * 250; math.Abs(k-math.Round(k)) > 1e-9 {
				notCounts[share] = true
			}
		}
	}
	if g := mean(gains); len(gains) != 10 || math.Abs(g-0.139) > 0.0005 {
		t.Errorf("gain of M2 over M0 in %d languages: %.4f, the paper says 0.139", len(gains), g)
	}
	if len(notCounts) != 2 || !notCounts[0.570] || !notCounts[0.002] {
		t.Errorf("shares that are no count of 250: %v, expected .570 and .002", notCounts)
	}
}

func TestFrames(t *testing.T) {
	for name, c := range map[string]struct {
		frame dataframe.DataFrame
		rows  int
	}{
		"x_alpacaeval":    {XAlpacaEvalFrame(), 152},
		"head_to_head":    {HeadToHeadFrame(), 18},
		"mgsm":            {MGSMFrame(), 40},
		"mt_bench":        {MTBenchFrame(), 21},
		"alignment_tax":   {AlignmentTaxFrame(), 15},
		"answer_score":    {AnswerScoresFrame(), 21},
		"reward_accuracy": {RewardAccuraciesFrame(), 7},
	} {
		if c.frame.Err != nil || c.frame.Nrow() != c.rows {
			t.Errorf("%s: %d rows, error %v, expected %d rows", name, c.frame.Nrow(), c.frame.Err, c.rows)
			continue
		}
		for i, s := range c.frame.Col("source").Records() {
			if s == "" {
				t.Errorf("%s, row %d: no source", name, i+1)
			}
		}
	}
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
