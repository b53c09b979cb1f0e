package plots

import (
	"fmt"
	"math"
)

// What a figure can show: larger values have no axis among floating-point numbers, and more marks, names or millimetres
// would take minutes and gigabytes for a picture that nobody can read.
const (
	largest      = 1e300
	mostNamed    = 2000 // names on an axis
	mostSeries   = 200  // series, panels and their curves
	mostMarks    = 5000 // bars, points or cells
	mostSize     = 2000 // millimetres a side
	leastSize    = 5
	mostDecimals = 20
	leastDPI     = 20
	mostPixels   = 100e6
)

// drawable reports why a value cannot be drawn. A value that is missing (NaN) can be: it is left out.
func drawable(v float64) error {
	if math.IsInf(v, 0) || math.Abs(v) > largest {
		return fmt.Errorf("%g cannot be drawn: leave it out (NaN) or say what became of it in the text", v)
	}
	return nil
}

// fits reports why a figure with so many names, series and marks cannot be drawn.
func fits(names, series int) error {
	switch {
	case names > mostNamed:
		return fmt.Errorf("%d names do not fit on an axis: draw at most %d", names, mostNamed)
	case series > mostSeries:
		return fmt.Errorf("%d series do not fit into a figure: draw at most %d", series, mostSeries)
	case names*series > mostMarks:
		return fmt.Errorf("%d names for each of %d series do not fit into a figure: draw at most %d values",
			names, series, mostMarks)
	}
	return nil
}
