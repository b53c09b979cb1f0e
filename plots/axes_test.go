package plots

import (
	"math"
	"testing"
)

// FuzzNumeric: an axis over any finite range has few ticks, all inside it and in order.
func FuzzNumeric(f *testing.F) {
	for _, c := range [][2]float64{{0, 1}, {.3, .30000000000000004}, {5e-324, 0}, {-1e300, 1e300}, {1 << 53, 1<<53 + 2}} {
		f.Add(c[0], c[1], uint8(5), true)
		f.Add(-c[1], c[0], uint8(30), false)
	}
	f.Fuzz(func(t *testing.T, lo, hi float64, n uint8, grow bool) {
		if drawable(lo) != nil || drawable(hi) != nil || math.IsNaN(lo) || math.IsNaN(hi) || n == 0 || n > mostBins {
			t.Skip()
		}
		lo, hi = math.Min(lo, hi), math.Max(lo, hi)
		a := numeric(lo, hi, int(n), grow)
		if !(a.min < a.max) || !(a.step > 0) || math.IsInf(a.max-a.min, 0) {
			t.Fatalf("%g…%g: from %g to %g by %g", lo, hi, a.min, a.max, a.step)
		}
		if len(a.ticks) > 3*int(n)+3 {
			t.Fatalf("%g…%g: %d ticks, expected about %d", lo, hi, len(a.ticks), n)
		}
		for i, tick := range a.ticks {
			slack := a.step * 1e-6
			inside := tick.Value >= a.min-slack && tick.Value <= a.max+slack
			if !inside || len(tick.Label) > 40 || i > 0 && tick.Value <= a.ticks[i-1].Value {
				t.Fatalf("%g…%g: tick %d of %v", lo, hi, i, a.ticks)
			}
		}
		b := newBins(lo, hi, int(n))
		if b.n < 1 || b.n > 10*mostBins || !(b.width >= 1) {
			t.Fatalf("%g…%g: %d bins of %g", lo, hi, b.n, b.width)
		}
	})
}
