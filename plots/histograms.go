package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Histograms shows the distributions of values, as small multiples with common
// bins: the lengths of the chosen and the rejected answers, one panel a language.
// A dashed line marks each sample's median.
type Histograms struct {
	Title  string
	XLabel string // "tokens"
	Panels []HistogramPanel

	Columns       int     // panels side by side; 0 = 2
	Width, Height float64 // millimetres; 0 = 160 × 38 a row of panels
}

// HistogramPanel is one of the small multiples.
type HistogramPanel struct {
	Title   string
	Samples []Sample
}

// Sample is a named set of values.
type Sample struct {
	Name   string
	Values []float64
}

// Figure lays the panels out.
func (h Histograms) Figure() *Figure {
	lo, hi := math.Inf(1), math.Inf(-1)
	most, samples := 0, len(h.Panels)
	var keys []key
	for _, p := range h.Panels {
		samples += len(p.Samples)
		for i, s := range p.Samples {
			for _, v := range s.Values {
				if math.IsNaN(v) || drawable(v) != nil {
					return broken("histograms %q, panel %q, sample %q: %g is not a length", h.Title, p.Title, s.Name, v)
				}
			}
			lo, hi = span(lo, hi, s.Values...)
			most = max(most, len(s.Values))
			if i == len(keys) {
				keys = append(keys, swatch(s.Name, faded(colorOf(i), .75)))
			}
		}
	}
	if most == 0 {
		return broken("histograms %q: nothing to draw: no panel has a value", h.Title)
	}
	if err := fits(0, samples); err != nil {
		return broken("histograms %q: %w", h.Title, err)
	}
	b := newBins(lo, hi, most)
	top := 0.
	for _, p := range h.Panels {
		for _, s := range p.Samples {
			for _, n := range b.count(s.Values) {
				top = math.Max(top, n)
			}
		}
	}
	g := newGrid(len(h.Panels), h.Columns)
	width, height := size(h.Width, h.Height, 160, 14+38*float64(g.rows))
	return newFigure(h.Title, width, height, func(c draw.Canvas, title string) {
		c = footer(header(margins(c), title, "", keys), h.XLabel)
		for i, p := range h.Panels {
			cell := headerSized(g.cell(c, i), labelSize, p.Title, "", nil)
			a := frame(cell, numeric(b.lo, b.lo+b.width*float64(b.n), 5, false), numeric(0, top, 3, true))
			for k, s := range p.Samples {
				a.steps(b, s.Values, k)
			}
			a.baseLine(0)
		}
	})
}

// steps draws one sample's histogram as a filled outline, and its median.
func (a *area) steps(b bins, values []float64, k int) {
	if len(values) == 0 {
		return
	}
	outline := []vg.Point{{X: a.px(b.lo), Y: a.py(0)}}
	for i, n := range b.count(values) {
		x0, x1 := a.px(b.lo+b.width*float64(i)), a.px(b.lo+b.width*float64(i+1))
		outline = append(outline, vg.Point{X: x0, Y: a.py(n)}, vg.Point{X: x1, Y: a.py(n)})
	}
	outline = append(outline, vg.Point{X: outline[len(outline)-1].X, Y: a.py(0)})
	a.FillPolygon(faded(colorOf(k), .35), outline)
	a.StrokeLines(line(colorOf(k), 1), outline)
	st := line(colorOf(k), 1)
	st.Dashes = []vg.Length{2, 2}
	x := a.px(median(values))
	a.StrokeLine2(st, x, a.Min.Y, x, a.Max.Y)
}
