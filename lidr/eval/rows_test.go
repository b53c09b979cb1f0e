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
