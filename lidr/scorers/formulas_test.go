package scorers

import (
	"math"
	"slices"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
)

// The examples are worked by hand.
func TestFormulas(t *testing.T) {
	rewards := [][]float64{{5, 4, 1}, {2, 3.5, 3}, {.5, -1, 0}}
	lengths := [][]float64{{120, 60, 40}, {50, 200, 90}, {80, 30, 55}}
	alpha, difference := LengthAlpha(rewards, lengths)
	if alpha != 0.011 || math.Abs(difference-20./3) > 1e-9 {
		t.Errorf("α %g with a mean difference of %g, want 0.011 with 6.6667", alpha, difference)
	}
	var sides []int
	for i := range rewards {
		own := make([]float64, 3)
		for k := range own {
			own[k] = rewards[i][k] - alpha*lengths[i][k]
		}
		chosen, rejected, _ := lidr.Selection{Rule: "max-min"}.Pick(own)
		sides = append(sides, chosen, rejected)
	}
	if want := []int{0, 2, 2, 1, 0, 1}; !slices.Equal(sides, want) {
		t.Errorf("chosen and rejected %v, want %v", sides, want)
	}
	// Token losses of 0.5, 1.5 and 1, and of 0.2 and 0.3.
	for _, c := range []struct {
		english    []likelihood
		mean, most float64
	}{{[]likelihood{{Sum: -3, Tokens: 3}}, 1, 1}, {[]likelihood{{Sum: -3, Tokens: 3}, {Sum: -0.5, Tokens: 2}}, 2.5, 4}} {
		if mean, most := translationReward(c.english); math.Abs(mean-c.mean) > 1e-12 || math.Abs(most-c.most) > 1e-12 {
			t.Errorf("the translation likelihood of %v is %g and at most %g, want %g and %g", c.english, mean, most, c.mean,
				c.most)
		}
	}
	if w := gapWeight(-0.4); math.Abs(w-0.450166) > 1e-6 {
		t.Errorf("a gap of −0.4 has the weight %g, want 0.450166", w)
	}
	if got := Calibrated(0.82, 1000, 0, 0.75, 0.70); math.Abs(got-0.77) > 1e-12 {
		t.Errorf("a calibrated cosine of %g, want 0.77", got)
	}
	if got := Calibrated(0.82, 10, 30, 0.75, 0.70); math.Abs(got-0.8075) > 1e-12 {
		t.Errorf("a mean of 10 cosines with K 30 calibrates to %g, want 0.8075", got)
	}
	if got := Calibrated(-0.99, 10, 0, 0.75, 0.70); got != -1 {
		t.Errorf("a calibrated cosine of %g, want −1 at least", got)
	}
}

// Two German answers and an English one, with states in the plane: the one beside the English answer has r 1, the
// other r 0.6.
func TestLikeness(t *testing.T) {
	group := []datasets.Response{{Lang: "en"}, {Lang: "de", Sample: 0}, {Lang: "de", Sample: 1}, {Lang: "de", Sample: 2}}
	rows := likeness(group, [][]float64{{1, 0}, {2, 0}, {0.6, 0.8}, nil}, "en")
	centre := []float64{1.3, 0.4}
	for i, r := range []float64{1, 0.6} {
		state := [][]float64{{1, 0}, {0.6, 0.8}}[i]
		gap := (state[0]*centre[0]+state[1]*centre[1])/math.Hypot(1.3, 0.4) - r - r
		want := r / (1 + math.Exp(-gap/2))
		if row := rows[1+i]; math.Abs(row.Score-want) > 1e-12 || math.Abs(row.Part("gap")-gap) > 1e-12 {
			t.Errorf("sample %d has %+v, want a score of %g", i, row, want)
		}
	}
	if rows[0].Fault != isEnglish || rows[3].Fault != tooLong {
		t.Errorf("an English sample has %+v, one without states %+v", rows[0], rows[3])
	}
}

func TestSentencesAndRatings(t *testing.T) {
	got := sentences("Er zahlt 3.5 Euro. So he pays!\nEnde")
	if want := []string{"Er zahlt 3.5 Euro.", " So he pays!", "\n", "Ende"}; !slices.Equal(got, want) {
		t.Errorf("sentences %q, want %q", got, want)
	}
	if n := words("sie zahlt 五个苹果"); n != 4 {
		t.Errorf("%d words, want 4", n)
	}
	for verdict, want := range map[string]float64{"Good. [[7.5]]": 7.5, "[[0]]": 0, "[[7]] [[7]]": -1, "[[11]]": -1,
		"[[NaN]]": -1, "7": -1, "[[seven]]": -1, "[[-1]]": -1} {
		if got, ok := ratingOf(verdict); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q is rated %g, %t, want %g", verdict, got, ok, want)
		}
	}
}
