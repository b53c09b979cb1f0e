package plots

import (
	"cmp"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// diamond and wedge are points that gonum lacks: a square on its corner, and a triangle on its own. An open one is an
// outline.
type (
	diamond struct{ open bool }
	wedge   struct{ open bool }
)

// DrawGlyph draws the point.
func (d diamond) DrawGlyph(c *draw.Canvas, st draw.GlyphStyle, at vg.Point) {
	r := st.Radius * 1.25
	corners(c, st, d.open, []vg.Point{{X: at.X - r, Y: at.Y}, {X: at.X, Y: at.Y - r}, {X: at.X + r, Y: at.Y},
		{X: at.X, Y: at.Y + r}})
}

// DrawGlyph draws the point.
func (w wedge) DrawGlyph(c *draw.Canvas, st draw.GlyphStyle, at vg.Point) {
	r := st.Radius * 1.15
	corners(c, st, w.open, []vg.Point{{X: at.X - r, Y: at.Y + r*.7}, {X: at.X + r, Y: at.Y + r*.7},
		{X: at.X, Y: at.Y - r*1.1}})
}

func corners(c *draw.Canvas, st draw.GlyphStyle, open bool, at []vg.Point) {
	if !open {
		c.FillPolygon(st.Color, at)
		return
	}
	c.StrokeLines(stroke(st.Color, .8), append(at, at[0], at[1]))
}

// endLabels writes the names of lines beside their last points, one below the other.
type endLabels struct {
	style  text.Style
	labels []endLabel
}

// endLabel is one of them, with the point that it belongs to.
type endLabel struct {
	name  string
	color color.Color
	x, y  float64
}

// add takes the name of a series, if it has one and a value.
func (e *endLabels) add(s Series, c color.Color, shift float64) {
	for i, v := range slices.Backward(s.Values) {
		if !math.IsNaN(v) {
			e.labels = append(e.labels, endLabel{s.Name, c, float64(i) + shift, v})
			return
		}
	}
}

// The line from a point to its name, in points, and the distance of two names in their size.
const (
	leaderWidth = vg.Length(9)
	labelLead   = 1.12
)

// mostNamesHigh is the greatest share of a figure's height that the names take.
const mostNamesHigh = .6

// height is that of all names, one below the other.
func (e *endLabels) height() vg.Length {
	return vg.Length(len(e.labels)) * e.style.Font.Size * labelLead
}

// fit reports whether there is something to tell apart, and room for it in a figure of a size.
func (e *endLabels) fit(width, height vg.Length) bool {
	const mostWidth = .3 // of the figure's
	widest := vg.Length(0)
	for _, l := range e.labels {
		widest = max(widest, e.style.Width(l.name))
	}
	return len(e.labels) > 1 && widest <= width*mostWidth && e.height() <= height*mostNamesHigh+1
}

// Plot writes the names, as near to the height of their points as those beside them allow.
func (e *endLabels) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	labels := slices.Clone(e.labels)
	slices.SortStableFunc(labels, func(a, b endLabel) int {
		return cmp.Compare(a.y, b.y)
	})
	at := apart(labels, y, e.style.Font.Size*labelLead, c.Max.Y)
	for i, l := range labels {
		end := c.Max.X + leaderWidth
		c.StrokeLines(stroke(l.color, .5), []vg.Point{
			{X: x(l.x) + 3, Y: y(l.y)}, {X: end - 5, Y: at[i]}, {X: end - 1, Y: at[i]},
		})
		drawMiddle(&c, e.style, end+1, at[i], l.name)
	}
}

// apart returns the heights of labels that are in the order of their points, at least so far from each other and as
// near to their points as that allows, by least squares (pool adjacent violators), and none above the top.
func apart(labels []endLabel, y func(float64) vg.Length, lead, top vg.Length) []vg.Length {
	type pool struct {
		mean vg.Length // of the heights less those of the labels below
		n    int
	}
	var pools []pool
	for i, l := range labels {
		pools = append(pools, pool{y(l.y) - vg.Length(i)*lead, 1})
		for k := len(pools) - 1; k > 0 && pools[k-1].mean > pools[k].mean; k-- {
			a, b := pools[k-1], pools[k]
			n := a.n + b.n
			pools = append(pools[:k-1], pool{(a.mean*vg.Length(a.n) + b.mean*vg.Length(b.n)) / vg.Length(n), n})
		}
	}
	var at []vg.Length
	for _, p := range pools {
		for range p.n {
			at = append(at, p.mean+vg.Length(len(at))*lead)
		}
	}
	for i := range slices.Backward(at) {
		at[i] = min(at[i], top)
		top = at[i] - lead
	}
	return at
}

// GlyphBoxes asks for room to the right of the data.
func (e *endLabels) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	var boxes []plot.GlyphBox
	for _, l := range e.labels {
		width := leaderWidth + 1 + e.style.Width(l.name)
		boxes = append(boxes, plot.GlyphBox{X: 1, Y: .5, Rectangle: vg.Rectangle{Max: vg.Point{X: width, Y: 1}}})
	}
	return boxes
}
