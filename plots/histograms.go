package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// Histograms shows the distributions of values, as small multiples with common
// bins: the lengths of the chosen and the rejected answers, one panel a language.
// A dashed line marks each sample's median.
type Histograms struct {
	Title  string
	Note   string // below the title: what the lines across are, if it says nothing else
	XLabel string // the title of the x axes: "tokens"
	YLabel string // the title of the y axes: "pairs"
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
func (h Histograms) Figure(options ...Option) *Figure {
	look := looks(h.Width, h.Height, options)
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
				keys = append(keys, histogramKey(s.Name, i, look))
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
	f := Figure{title: h.Title, note: h.Note, keys: keys}
	if f.note == "" {
		f.note = "dashed: medians"
	}
	for _, panelOf := range h.Panels {
		p := gridded(newPlot(panelOf.Title, h.XLabel, h.YLabel))
		if err := look.values(&p.Y, 0, top, 3, false); err != nil {
			return broken("histograms %q: %w", h.Title, err)
		}
		y := p.Y
		for k, s := range panelOf.Samples {
			if len(s.Values) > 0 {
				steps(p, b, s.Values, k, look)
			}
		}
		across(p, 0, stroke(rule, .8))
		p.Y = y
		p.X.Min, p.X.Max = b.lo, b.lo+b.width*float64(b.n)
		f.panels = append(f.panels, panel{Plot: p, spots: panelOf.told(b, h.XLabel)})
	}
	return f.multiples(look, h.Columns, 2, 14, 38)
}

// told are the counts of the panel's bins.
func (p HistogramPanel) told(b bins, unit string) []spot {
	spots := make([]spot, b.n)
	for i := range spots {
		from, to := b.lo+b.width*float64(i), b.lo+b.width*float64(i+1)
		spots[i] = spot{from, to, []string{fmt.Sprintf("%s to below %s %s", told(from), told(to), unit)}}
	}
	for _, s := range p.Samples {
		for i, n := range b.count(s.Values) {
			spots[i].lines = append(spots[i].lines, fmt.Sprintf("%s: %.0f", s.Name, n))
		}
	}
	return spots
}

// histogramLine is the outline of sample k: solid, and then dashes.
func histogramLine(k int, look look) draw.LineStyle {
	st := stroke(look.color(k), 1)
	st.Dashes = dashes[k%len(dashes)]
	return st
}

func histogramKey(name string, k int, look look) key {
	return key{name, []plot.Thumbnailer{&plotter.Polygon{Color: faded(look.color(k), .35),
		LineStyle: histogramLine(k, look)}}, true}
}

// steps draws one sample's histogram as a filled outline, and its median.
func steps(p *plot.Plot, b bins, values []float64, k int, look look) {
	outline := plotter.XYs{{X: b.lo}}
	top := 0.
	for i, n := range b.count(values) {
		x := b.lo + b.width*float64(i)
		outline = append(outline, plotter.XY{X: x, Y: n}, plotter.XY{X: x + b.width, Y: n})
		top = math.Max(top, n)
	}
	outline = append(outline, plotter.XY{X: outline[len(outline)-1].X})
	p.Add(&plotter.Polygon{XYs: []plotter.XYs{outline}, Color: faded(look.color(k), .35),
		LineStyle: histogramLine(k, look)})
	at := median(values)
	p.Add(&plotter.Line{XYs: plotter.XYs{{X: at, Y: p.Y.Min}, {X: at, Y: p.Y.Max}}, LineStyle: dashed(look.color(k), 1)})
}
