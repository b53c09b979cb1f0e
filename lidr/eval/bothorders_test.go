package eval

import (
	"math"
	"strings"
	"testing"
)

func TestTieRule(t *testing.T) {
	for _, c := range [][3]float64{
		{1, 1, 1}, {1, 0, 1}, {0, 1, 1}, {0, 0, 0}, {1, -1, 0}, {-1, 1, 0},
		{-1, 0, -1}, {0, -1, -1}, {-1, -1, -1}, {0.3, -0.1, 0}, {0.01, 0, 1},
	} {
		if got := TieRule(c[0], c[1]); got != c[2] {
			t.Errorf("%v and %v: %v, expected %v", c[0], c[1], got, c[2])
		}
	}
	if !math.IsNaN(TieRule(1, math.NaN())) || !math.IsNaN(TieRule(math.NaN(), 0)) {
		t.Error("a failed verdict made an outcome")
	}
}

func TestHeadToHeadBothOrders(t *testing.T) {
	nan := math.NaN()
	b, err := HeadToHeadBothOrders([]float64{1, 1, 1, 0, -1, nan}, []float64{1, 0, -1, 0, -1, 1})
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string][2]float64{
		"win": {b.Win.Mean, 0.4}, "tie": {b.Tie.Mean, 0.4}, "lose": {b.Lose.Mean, 0.2}, "net": {b.Net.Mean, 0.2},
		"flips": {b.Flip.Mean, 0.2}, "failed": {float64(b.Failed), 1},
	} {
		near(t, what, c[0], c[1], 1e-15)
	}
	low, high := Wilson(2, 5, Z95)
	if b.WinInterval != (Interval{low, high}) || b.TieInterval != b.WinInterval || b.LoseInterval.Low >= low {
		t.Errorf("intervals %v, %v, %v", b.WinInterval, b.TieInterval, b.LoseInterval)
	}
	if w := strings.Join(b.Warnings, " "); !strings.Contains(w, "failed on 1 of 6") {
		t.Errorf("warnings %q", w)
	}
	if _, err := HeadToHeadBothOrders([]float64{1}, nil); err == nil {
		t.Error("one order alone was compared")
	}
	b, err = HeadToHeadBothOrders([]float64{nan}, []float64{1})
	if err != nil || !math.IsNaN(b.Win.Mean) || b.WinInterval != (Interval{0, 1}) {
		t.Errorf("no verdict: %+v, %v; expected unknown shares", b, err)
	}
}

func TestAcrossSeeds(t *testing.T) {
	e, err := AcrossSeeds([]Estimate{{0.5, 0.03, 250}, {0.6, 0.03, 250}, {0.7, 0.03, 250}})
	if err != nil || e.N != 3 {
		t.Fatalf("%+v, %v", e, err)
	}
	near(t, "mean", e.Mean, 0.6, 1e-15)
	near(t, "SE", e.SE, 0.1/math.Sqrt(3), 1e-15) // sd 0.1 by hand
	if e, err := AcrossSeeds([]Estimate{{0.5, 0.03, 250}}); err != nil || e != (Estimate{0.5, 0.03, 250}) {
		t.Errorf("one seed: %+v, %v", e, err)
	}
	if _, err := AcrossSeeds([]Estimate{{0.5, 0.03, 250}, {Mean: math.NaN()}}); err == nil ||
		!strings.Contains(err.Error(), "seed 2 of 2") {
		t.Errorf("an unknown score: %v", err)
	}
	if _, err := AcrossSeeds(nil); err == nil {
		t.Error("a mean over no seeds")
	}
}
