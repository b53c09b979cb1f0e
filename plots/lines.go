package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Lines shows a score over the rounds, one line a series (language). Lines
// differ in colour and in the shape of their points.
type Lines struct {
	Title  string
	Unit   string   // what the lines show, under the title
	X      []string // the rounds: "M0", "M1", "M2"
	Series []Series // with one value a round

	Percent       bool    // values are shares in 0…1, drawn as per cent
	Reference     float64 // a dashed line across, such as chance at 0.5; 0 = none
	Width, Height float64 // millimetres; 0 = 160 × 80
}

var shapes = []draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.BoxGlyph{}, draw.TriangleGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{},
	draw.PyramidGlyph{}, draw.CrossGlyph{},
}

// Figure lays the lines out.
func (l Lines) Figure() *Figure {
	series, err := scaled(l.Series, l.X, l.Percent)
	if err != nil {
		return broken("lines %q: %w", l.Title, err)
	}
	reference := l.Reference
	if l.Percent {
		reference *= 100
	}
	if err := drawable(reference); err != nil || math.IsNaN(reference) {
		return broken("lines %q: the reference %g cannot be drawn", l.Title, l.Reference)
	}
	lo, hi := extent(series, l.Percent, math.Inf(1), math.Inf(-1))
	if reference != 0 {
		lo, hi = span(lo, hi, reference)
	}
	width, height := size(l.Width, l.Height, 160, 80)
	return newFigure(l.Title, width, height, func(c draw.Canvas, title string) {
		var keys []key
		for i, s := range series {
			keys = append(keys, stroke(s.Name, line(colorOf(i), 1.4), glyph(i)))
		}
		c = header(margins(c), title, l.Unit, keys)
		a := frame(c, named(l.X), numeric(lo, hi, 5, true))
		if reference != 0 {
			st := line(muted, .8)
			st.Dashes = []vg.Length{3, 3}
			a.StrokeLine2(st, a.Min.X, a.py(reference), a.Max.X, a.py(reference))
		}
		for i, s := range series {
			// The lines are shifted a little, so that no interval hides another.
			const apart = vg.Length(3)
			shift := vg.Length(float64(i)-float64(len(series)-1)/2) * apart
			var run []vg.Point
			for r, v := range s.Values {
				if math.IsNaN(v) {
					a.stroke(line(colorOf(i), 1.4), run)
					run = nil
					continue
				}
				p := vg.Point{X: a.px(float64(r)) + shift, Y: a.py(v)}
				run = append(run, p)
				low, high := s.ends(r)
				a.interval(line(colorOf(i), .8), p.X, low, high)
				a.DrawGlyph(glyph(i), p)
			}
			a.stroke(line(colorOf(i), 1.4), run)
		}
	})
}

func glyph(i int) draw.GlyphStyle {
	return draw.GlyphStyle{Color: colorOf(i), Radius: 2.6, Shape: shapes[i%len(shapes)]}
}
