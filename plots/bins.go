package plots

import (
	"math"
	"slices"
)

// bins are equal, half-open intervals [lo + i·width, lo + (i+1)·width).
type bins struct {
	lo, width float64
	n         int
}

// The least and the greatest number of bins that a histogram is cut into.
const (
	fewestBins = 8
	mostBins   = 30
)

// newBins cuts lo…hi into about √n bins, within the limits above, of a width that
// is 1, 2 or 5 times a power of ten and, since lengths are whole, at least 1.
func newBins(lo, hi float64, n int) bins {
	want := math.Min(mostBins, math.Max(fewestBins, math.Sqrt(float64(n))))
	a := numeric(lo, math.Max(hi, lo+1), int(want), true)
	width := math.Max(1, a.step)
	start := math.Floor(lo/width) * width
	return bins{start, width, int(math.Floor((hi-start)/width)) + 1}
}

func (b bins) count(values []float64) []float64 {
	out := make([]float64, b.n)
	for _, v := range values {
		if i := int((v - b.lo) / b.width); i >= 0 && i < b.n {
			out[i]++
		}
	}
	return out
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
