package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
)

// axis is a range with its ticks.
type axis struct {
	min, max float64
	step     float64 // from one tick to the next
	ticks    []plot.Tick
}

// rounding is how far a value may be from a tick, in steps, to be taken for it.
const rounding = 1e-9

// The least range of an axis, by itself and as a share of the values in it: where values differ by less, as 0.1 + 0.2
// and 0.3 do, floating-point numbers have no room for ticks between them.
const (
	leastRange = 1e-300
	leastShare = 1e-12
)

// widened returns a range that has room for ticks: lo…hi, or a range around it where the two are too close.
func widened(lo, hi float64) (float64, float64) {
	if math.IsInf(lo, 0) || math.IsInf(hi, 0) { // no finite value at all
		return 0, 1
	}
	size := math.Max(math.Abs(lo), math.Abs(hi))
	if hi-lo > math.Max(leastRange, size*leastShare) {
		return lo, hi
	}
	half := math.Max(.5, size*leastShare*10)
	return lo - half, hi + half
}

// numeric returns an axis over lo…hi with about n ticks at 1, 2 or 5 times a
// power of ten. If grow is set, the range grows to the next tick at both ends.
func numeric(lo, hi float64, n int, grow bool) axis {
	lo, hi = widened(lo, hi)
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m*float64(n) >= hi-lo {
			step *= m
			break
		}
	}
	if grow {
		lo = math.Floor(lo/step+rounding) * step
		hi = math.Ceil(hi/step-rounding) * step
	}
	return stepped(lo, hi, step)
}

// stepped returns an axis over lo…hi with ticks at the multiples of a step.
func stepped(lo, hi, step float64) axis {
	digits := int(math.Max(0, -math.Floor(math.Log10(step)+rounding)))
	a := axis{min: lo, max: hi, step: step}
	for i := math.Ceil(lo/step - rounding); i*step <= hi+step*rounding; i++ {
		a.ticks = append(a.ticks, plot.Tick{Value: i * step, Label: short(number(i*step, digits))})
	}
	return a
}

// values sets the range of an axis of values to that of the data, grown to the next ticks that are near, or to what the
// option says.
// The axis of shares in per cent has ticks from 0 to 100, and beyond them room for the intervals that end there.
func (l look) values(a *plot.Axis, lo, hi float64, about int, share bool) error {
	marks := numbers{about: about, share: share}
	if l.ranged {
		if drawable(l.low) != nil || drawable(l.high) != nil || !(l.low < l.high) {
			return fmt.Errorf("a range from %g to %g cannot be drawn", l.low, l.high)
		}
		if lo < l.low || hi > l.high {
			return fmt.Errorf("the range from %g to %g cuts what reaches from %g to %g, intervals included",
				l.low, l.high, lo, hi)
		}
		a.Min, a.Max, a.Tick.Marker = l.low, l.high, marks
		return nil
	}
	bottom, top := lo, hi
	if share {
		bottom, top = math.Max(lo, 0), math.Min(hi, 100)
	}
	grown := numeric(bottom, top, about, true)
	marks.step = grown.step
	a.Tick.Marker = marks
	const most, margin = .6, .05 // steps that may be left empty, and that are in their place
	if !share && lo-grown.min > most*grown.step {
		grown.min = lo - margin*grown.step
	}
	if !share && grown.max-hi > most*grown.step {
		grown.max = hi + margin*grown.step
	}
	a.Min, a.Max = math.Min(grown.min, lo), math.Max(grown.max, hi)
	return nil
}
