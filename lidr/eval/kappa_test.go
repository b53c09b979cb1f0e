package eval

import (
	"math"
	"testing"
)

// The example that is told with the measure: 14 raters put 10 items into 5 categories, κ 0.210. Two raters that agree
// on 3 of 4 items and use each category in half of their ratings have ¾ against a chance of ½: κ ½.
func TestFleissKappa(t *testing.T) {
	told := [][]int{{0, 0, 0, 0, 14}, {0, 2, 6, 4, 2}, {0, 0, 3, 5, 6}, {0, 3, 9, 2, 0}, {2, 2, 8, 1, 1}, {7, 7, 0, 0, 0},
		{3, 2, 6, 3, 0}, {2, 5, 3, 2, 2}, {6, 5, 2, 1, 0}, {0, 2, 2, 3, 7}}
	for _, test := range []struct {
		counts [][]int
		want   float64
	}{
		{told, 0.20993},
		{[][]int{{2, 0}, {0, 2}, {1, 1}, {2, 0}, {0, 2}, {1, 1}, {2, 0}, {0, 2}}, 0.5},
		{[][]int{{2, 0}, {0, 2}, {2, 0}}, 1},
		{[][]int{{2, 0}, {2, 0}}, math.NaN()},
		{nil, math.NaN()},
	} {
		got, err := FleissKappa(test.counts)
		if err != nil || !(math.Abs(got.Mean-test.want) < 1e-4) && !(math.IsNaN(got.Mean) && math.IsNaN(test.want)) {
			t.Errorf("κ of %v is %v, %v, want %v", test.counts, got, err, test.want)
		}
	}
	if got, _ := FleissKappa(told); !(got.SE > 0.02 && got.SE < 0.2) || got.N != 10 {
		t.Errorf("the standard error is %v", got)
	}
	if _, err := FleissKappa([][]int{{2, 0}, {1, 0}}); err == nil {
		t.Error("items of unequally many ratings are no error")
	}
}
