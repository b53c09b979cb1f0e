package plots

import (
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// longLine is the number of points from which a line is thinned and drawn in parts: the time that gonum's image takes
// for one line grows faster than its points.
const longLine = 1000

// strokeLong draws a line through points, as far as it is on the canvas.
func strokeLong(c draw.Canvas, st draw.LineStyle, run []vg.Point) {
	if len(run) <= longLine {
		c.StrokeLines(st, c.ClipLinesXY(run)...)
		return
	}
	const part = 100
	run = thinned(run)
	for from := 0; from+1 < len(run); from += part {
		c.StrokeLines(st, c.ClipLinesXY(run[from:min(from+part+1, len(run))])...)
	}
}

// thinned returns a line of fewer points that looks the same: of neighbours in one column, narrower than a pixel, the
// first, the lowest, the highest and the last.
func thinned(run []vg.Point) []vg.Point {
	const columns = 2 // a point
	var out []vg.Point
	for from := 0; from < len(run); {
		column := math.Floor(float64(run[from].X) * columns)
		low, high, to := from, from, from
		for ; to < len(run) && math.Floor(float64(run[to].X)*columns) == column; to++ {
			if run[to].Y < run[low].Y {
				low = to
			}
			if run[to].Y > run[high].Y {
				high = to
			}
		}
		for _, k := range slices.Compact([]int{from, min(low, high), max(low, high), to - 1}) {
			out = append(out, run[k])
		}
		from = to
	}
	return out
}
