package eval_test

import (
	"math"
	"testing"

	"lidrlab/lidr/eval"
)

// Five items change from wrong to right and none back: the exact test gives 2·(1/2)⁵.
func TestComparePaired(t *testing.T) {
	before, after := []float64{0, 0, 0, 0, 0, 1, 1, 0}, []float64{1, 1, 1, 1, 1, 1, 1, 0}
	difference, p, err := eval.ComparePaired(after, before, true, 1)
	if err != nil || difference.Mean != 5.0/8 || difference.N != 8 || math.Abs(p-1.0/16) > 1e-12 {
		t.Errorf("right or wrong: %v, p %v, %v; want 0.625 and p 0.0625", difference, p, err)
	}
	want, err := eval.PairedBootstrap(after, before, 10_000, 1)
	if err != nil {
		t.Fatal(err)
	}
	difference, p, err = eval.ComparePaired(after, before, false, 1)
	if err != nil || difference.Mean != 5.0/8 || p != want.P {
		t.Errorf("a mean: %v, p %v, %v; want 0.625 and p %v", difference, p, err, want.P)
	}
	for _, binary := range []bool{true, false} {
		if _, _, err := eval.ComparePaired(after, before[1:], binary, 1); err == nil {
			t.Errorf("8 and 7 items are compared, binary %t", binary)
		}
	}
}

func TestChangeNamesItsTest(t *testing.T) {
	for scope, want := range map[string]string{
		"language": "McNemar, exact",
		"mean":     "paired bootstrap",
	} {
		if got := (eval.Change{Scope: scope}).Test(); got != want {
			t.Errorf("%s: %q, want %q", scope, got, want)
		}
	}
}

// One rule at one level: a test decides where there is one, the interval of 95 % elsewhere. Differences of 2.1 and 1.97
// standard errors lie on two sides of the rule that they had before, two standard errors.
func TestSignificant(t *testing.T) {
	for _, c := range []struct {
		change eval.Change
		want   bool
	}{
		{eval.Change{Difference: 2.1, SE: 1, P: .065}, false},
		{eval.Change{Difference: 1.9, SE: 1, P: .049}, true},
		{eval.Change{Difference: -1.97, SE: 1, P: math.NaN()}, true},
		{eval.Change{Difference: 1.95, SE: 1, P: math.NaN()}, false},
		{eval.Change{Difference: 1, SE: 0, P: math.NaN()}, false},
	} {
		if got := c.change.Significant(); got != c.want {
			t.Errorf("%+v: significant %v", c.change, got)
		}
	}
}

// No share is certain: of 250 answers that are all right, Wilson's interval begins at n/(n+z²),
// 0.98487.
func TestScoreInterval(t *testing.T) {
	low, high := eval.Score{Scope: "language", Value: 1, N: 250}.Interval()
	if math.Abs(low-250/(250+eval.Z95*eval.Z95)) > 1e-12 || high != 1 {
		t.Errorf("%v to %v", low, high)
	}
	low, high = eval.Score{Scope: "mean", Value: .5, SE: .1, N: 250}.Interval()
	if math.Abs(low-(.5-eval.Z95*.1)) > 1e-12 || math.Abs(high-(.5+eval.Z95*.1)) > 1e-12 {
		t.Errorf("a mean over languages: %v to %v", low, high)
	}
}
