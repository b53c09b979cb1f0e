package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lines shows a score over the rounds, one line a series (language). Lines differ in colour, in the shape of their
// points and in their dashes, and their names stand at their ends where there is room.
type Lines struct {
	Title  string
	Note   string   // below the title
	Unit   string   // the title of the y axis: "correct answers, %"
	XLabel string   // the title of the x axis: "round"
	X      []string // the rounds: "M0", "M1", "M2"
	Series []Series // with one value a round

	// Multiples gives every series a panel of its own, in which the others are grey.
	Multiples bool
	Columns   int // panels side by side; 0 = 4

	Percent       bool    // values are shares in 0…1, drawn as per cent on an axis that starts at 0
	Reference     float64 // a dashed line across, such as chance at 0.5; 0 = none
	Width, Height float64 // millimetres; 0 = 160 × 80, or of multiples × 34 a row of panels
}

// The shapes of the points of up to twelve series, and the dashes of their lines.
var (
	shapes = []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.BoxGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{}, draw.PyramidGlyph{},
		draw.SquareGlyph{}, draw.CrossGlyph{}, diamond{}, draw.PlusGlyph{}, diamond{open: true}, wedge{}, wedge{open: true},
	}
	dashes = [][]vg.Length{nil, {5, 2}, {1.5, 1.5}, {6, 2, 1.5, 2}}
)

// Figure lays the lines out.
func (l Lines) Figure(options ...Option) *Figure {
	look := looks(l.Width, l.Height, options)
	series, err := scaled(l.Series, l.X, l.Percent)
	if err != nil {
		return broken("lines %q: %w", l.Title, err)
	}
	reference, err := scaledReference(l.Reference, l.Percent)
	if err != nil {
		return broken("lines %q: %w", l.Title, err)
	}
	lo, hi := extent(series, math.Inf(1), math.Inf(-1))
	if reference != 0 {
		lo, hi = span(lo, hi, reference)
	}
	if l.Percent { // shares, or their changes
		lo, hi = span(lo, hi, 0)
	}
	for _, s := range series {
		if s.Published {
			return broken("lines %q: series %q is published, which GroupedBars alone draws apart", l.Title, s.Name)
		}
	}
	base := func(title string, about int) (*plot.Plot, error) {
		p := gridded(newPlot(title, l.XLabel, l.Unit))
		if reference != 0 {
			across(p, reference, dashed(muted, .8))
		}
		return p, look.values(&p.Y, lo, hi, about, l.Percent && areShares(series))
	}
	f := Figure{title: l.Title, note: note(l.Note, series)}
	if l.Multiples {
		for i, s := range series {
			p, err := base(s.Name, 3)
			if err != nil {
				return broken("lines %q: %w", l.Title, err)
			}
			y := p.Y
			for k, other := range series {
				if k != i {
					route(p, other, stroke(grid, 1), 0)
				}
			}
			mark(p, s, look, i, 0)
			p.Y = y
			named(&p.X, l.X)
			across(p, p.Y.Min, stroke(rule, .8))
			f.panels = append(f.panels, panel{Plot: p, spots: columnsTold(l.X, []Series{s}, l.Percent)})
		}
		return f.multiples(look, l.Columns, 4, 16, 34)
	}
	p, err := base(l.Title, 5)
	if err != nil {
		return broken("lines %q: %w", l.Title, err)
	}
	y := p.Y
	across(p, p.Y.Min, stroke(rule, .8))
	ends := &endLabels{style: textStyle(labelSize, ink)}
	apart := math.Min(.06, .6/float64(len(series))) // so that no interval hides another
	for i, s := range series {
		shift := (float64(i) - float64(len(series)-1)/2) * apart
		f.keys = append(f.keys, mark(p, s, look, i, shift))
		ends.add(s, look.color(i), shift)
	}
	p.Y = y
	named(&p.X, l.X)
	width, height := look.flat(160, 80)
	if look.height == 0 { // with room for the names
		height = max(height, float64(ends.height()/mostNamesHigh/mm))
	}
	if ends.fit(vg.Length(width)*mm, vg.Length(height)*mm) {
		f.keys = nil
		p.Add(ends)
	}
	f.panels = []panel{{Plot: p, spots: columnsTold(l.X, series, l.Percent)}}
	return f.sized(look, width, height)
}

// route draws a series' line, broken where a value is missing.
func route(p *plot.Plot, s Series, st draw.LineStyle, shift float64) {
	x := make([]float64, len(s.Values))
	for i := range x {
		x[i] = float64(i) + shift
	}
	p.Add(&course{x, s.Values, st})
}

// mark draws a series with its points and intervals, and returns its key.
func mark(p *plot.Plot, s Series, look look, i int, shift float64) key {
	c := look.color(i)
	st := stroke(c, 1.4)
	st.Dashes = dashes[i%len(dashes)]
	whiskers(p, s, c, func(k int) float64 { return float64(k) + shift })
	route(p, s, st, shift)
	points := &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: c, Radius: 2.6, Shape: shapes[i%len(shapes)]}}
	for k, v := range s.Values {
		if !math.IsNaN(v) {
			points.XYs = append(points.XYs, plotter.XY{X: float64(k) + shift, Y: v})
		}
	}
	if len(points.XYs) > 0 {
		p.Add(points)
	}
	return key{s.Name, []plot.Thumbnailer{&plotter.Line{LineStyle: st}, points}, false}
}
