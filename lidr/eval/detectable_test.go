package eval

import (
	"math"
	"testing"
)

// 34 pairs are the fewest that show half a standard deviation, and 199 a fifth of one, as the programs for sample sizes
// say (G*Power 3.1, paired t test, two-sided 5 %, power 80 %).
func TestDetectable(t *testing.T) {
	for _, c := range []struct {
		difference float64
		n          int
	}{{0.5, 34}, {0.2, 199}} {
		if enough, short := Detectable(1, c.n), Detectable(1, c.n-1); enough > c.difference || short <= c.difference {
			t.Errorf("%d items show %.4f and one fewer %.4f, expected %g between them", c.n, enough, short, c.difference)
		}
	}
	// Student's table: 2 and 9 degrees of freedom.
	for n, want := range map[int]float64{3: 4.303, 10: 2.262} {
		if got := T95(n); math.Abs(got-want) > 5e-4 {
			t.Errorf("of %d items the quantile is %.4f, expected %g", n, got, want)
		}
	}
	if d := Detectable(1, 1); !math.IsNaN(d) {
		t.Errorf("one item shows %g", d)
	}
}
