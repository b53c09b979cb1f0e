package plots

import (
	"errors"
	"fmt"
	"math"
)

// Series is a row of values with a name: one model over the languages, or one
// language over the rounds.
type Series struct {
	Name   string
	Values []float64 // NaN = not measured, left out
	Errors []float64 // half-lengths of the 95 % intervals, in the values' unit; nil = none
	// Published says that the values are not this run's: [GroupedBars] draws them hollow, in the colour of their model,
	// which is the Name that both have.
	Published bool
	// Intervals are the ends of the 95 % intervals, low and high, in place of Errors where a value is not in their middle,
	// as that of a share near 0 or 1; nil or NaN = none.
	Intervals [][2]float64
}

// ends returns the ends of the interval of value i, which are the value itself where it has none.
func (s Series) ends(i int) (low, high float64) {
	low, high = s.Values[i], s.Values[i]
	if s.Errors != nil && !math.IsNaN(s.Errors[i]) {
		low, high = low-s.Errors[i], high+s.Errors[i]
	}
	if s.Intervals != nil && !math.IsNaN(s.Intervals[i][0]+s.Intervals[i][1]) {
		low, high = s.Intervals[i][0], s.Intervals[i][1]
	}
	return low, high
}

// scaled checks that every series has a value for each label that can be drawn, and turns shares into per cent.
func scaled(in []Series, labels []string, percent bool) ([]Series, error) {
	n := len(labels)
	if n == 0 || len(in) == 0 {
		return nil, errors.New("nothing to draw: it needs at least one series and one label")
	}
	if err := fits(n, len(in)); err != nil {
		return nil, err
	}
	factor := 1.
	if percent {
		factor = 100
	}
	out := make([]Series, len(in))
	for i, s := range in {
		if len(s.Values) != n {
			return nil, fmt.Errorf("series %q has %d values for %d labels", s.Name, len(s.Values), n)
		}
		if s.Errors != nil && len(s.Errors) != n {
			return nil, fmt.Errorf("series %q has %d errors for %d values", s.Name, len(s.Errors), n)
		}
		if s.Intervals != nil && len(s.Intervals) != n {
			return nil, fmt.Errorf("series %q has %d intervals for %d values", s.Name, len(s.Intervals), n)
		}
		out[i].Name, out[i].Published = s.Name, s.Published
		for k, v := range s.Values {
			low, high := s.ends(k)
			if err := errors.Join(drawable(v*factor), drawable(low*factor), drawable(high*factor)); err != nil {
				return nil, fmt.Errorf("series %q at %q: %w", s.Name, labels[k], err)
			}
			if low > v || high < v {
				return nil, fmt.Errorf("series %q at %q: %g to %g is no interval around %g", s.Name, labels[k], low, high, v)
			}
			out[i].Values = append(out[i].Values, v*factor)
			out[i].Intervals = append(out[i].Intervals, [2]float64{low * factor, high * factor})
		}
	}
	return out, nil
}

// extent returns the range of lo…hi and of all values with their intervals.
func extent(series []Series, lo, hi float64) (float64, float64) {
	for _, s := range series {
		for i := range s.Values {
			low, high := s.ends(i)
			lo, hi = span(lo, hi, low, high)
		}
	}
	return lo, hi
}

// note returns what is said below the title: the figure's own note, and what the whiskers are where there are any.
func note(own string, series []Series) string {
	const whiskers = "whiskers: 95 % intervals"
	for _, s := range series {
		for i := range s.Values {
			if low, high := s.ends(i); high > low && own == "" {
				return whiskers
			} else if high > low {
				return own + "; " + whiskers
			}
		}
	}
	return own
}

// areShares reports whether values in per cent are shares of a whole, and not their changes.
func areShares(series []Series) bool {
	for _, s := range series {
		for _, v := range s.Values {
			if v < 0 || v > 100 {
				return false
			}
		}
	}
	return true
}
