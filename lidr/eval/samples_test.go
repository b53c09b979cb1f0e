package eval

import (
	"math"
	"testing"
)

// Of 5 answers of which 2 are right, C(3,2)/C(5,2) = 3/10 of the pairs have none.
func TestPassAt(t *testing.T) {
	for _, c := range []struct {
		k, n, right int
		want        float64
	}{{1, 5, 2, 0.4}, {2, 5, 2, 0.7}, {4, 5, 2, 1}, {3, 5, 0, 0}, {5, 5, 1, 1}, {1, 1, 1, 1}} {
		if got := PassAt(c.k, c.n, c.right); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("pass@%d of %d right of %d is %g, want %g", c.k, c.right, c.n, got, c.want)
		}
	}
	if got := PassAt(6, 5, 2); !math.IsNaN(got) {
		t.Errorf("pass@6 of 5 answers is %g, want NaN", got)
	}
}

func TestMajorityAndBestOf(t *testing.T) {
	for _, c := range []struct {
		answers string // a byte a sample, - for none
		right   byte
		want    float64
	}{{"77855", '7', 0.5}, {"77785", '7', 1}, {"78855", '7', 0}, {"---7-", '7', 1}, {"-----", '7', 0}} {
		var answers []string
		var right []bool
		for _, b := range []byte(c.answers) {
			answers, right = append(answers, string(b)), append(right, b == c.right)
			if b == '-' {
				answers[len(answers)-1] = ""
			}
		}
		if got, err := Majority(answers, right); err != nil || got != c.want {
			t.Errorf("the majority of %s is right by %g, %v, want %g", c.answers, got, err, c.want)
		}
	}
	nan := math.NaN()
	for _, c := range []struct {
		scores []float64
		want   float64
	}{{[]float64{nan, 2, 1}, 1}, {[]float64{nan, 2, 2}, 0.5}, {[]float64{3, 2, 2}, 0}, {[]float64{nan, nan, nan}, 0}} {
		if got, err := BestOf(c.scores, []bool{false, true, false}); err != nil || got != c.want {
			t.Errorf("the best of %v is right by %g, %v, want %g", c.scores, got, err, c.want)
		}
	}
	if _, err := Majority([]string{"7"}, nil); err == nil {
		t.Error("an answer without a verdict is counted")
	}
}
