package plots

import (
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Curves shows the course of a training as small multiples, one panel a
// quantity. The measured values are drawn faint, their moving average on top.
type Curves struct {
	Title  string
	XLabel string // "step"
	Panels []Panel

	// Smoothing in 0…1 is the weight that the exponential moving average gives
	// to what came before; 0 draws the values alone.
	Smoothing     float64
	Columns       int     // panels side by side; 0 = 2
	Width, Height float64 // millimetres; 0 = 160 × 52 a row of panels
}

// Panel is one of the small multiples.
type Panel struct {
	Title  string
	Curves []Curve
}

// Curve is one line of a panel.
type Curve struct {
	Name string // may be empty where a panel has one curve
	X, Y []float64
}

// Figure lays the panels out.
func (v Curves) Figure() *Figure {
	if len(v.Panels) == 0 {
		return broken("curves %q: nothing to draw: it needs at least one panel", v.Title)
	}
	if !(v.Smoothing >= 0 && v.Smoothing < 1) {
		return broken("curves %q: a smoothing of %g is not between 0 and 1", v.Title, v.Smoothing)
	}
	curves := len(v.Panels)
	for _, p := range v.Panels {
		curves += len(p.Curves)
		for _, k := range p.Curves {
			if len(k.X) != len(k.Y) {
				return broken("curves %q, panel %q, curve %q: %d steps for %d values", v.Title, p.Title, k.Name, len(k.X), len(k.Y))
			}
			for i, x := range k.X {
				err := drawable(x)
				if y := k.Y[i]; err == nil && !math.IsInf(y, 0) {
					err = drawable(y)
				}
				if err != nil {
					return broken("curves %q, panel %q, curve %q, point %d: %w", v.Title, p.Title, k.Name, i, err)
				}
			}
		}
	}
	if err := fits(0, curves); err != nil {
		return broken("curves %q: %w", v.Title, err)
	}
	g := newGrid(len(v.Panels), v.Columns)
	width, height := size(v.Width, v.Height, 160, 10+52*float64(g.rows))
	return newFigure(v.Title, width, height, func(c draw.Canvas, title string) {
		c = header(margins(c), title, "", nil)
		c = footer(c, v.XLabel)
		for i, p := range v.Panels {
			v.panel(g.cell(c, i), p)
		}
	})
}

func (v Curves) panel(c draw.Canvas, p Panel) {
	var keys []key
	x0, x1 := math.Inf(1), math.Inf(-1)
	y0, y1 := math.Inf(1), math.Inf(-1)
	for i, k := range p.Curves {
		if k.Name != "" {
			keys = append(keys, stroke(k.Name, line(colorOf(i), 1.4), draw.GlyphStyle{}))
		}
		x0, x1 = span(x0, x1, k.X...)
		y0, y1 = span(y0, y1, k.Y...)
	}
	if keys == nil && v.anyNamed() { // keep the panels of a row level
		keys = []key{{draw: func(*draw.Canvas, vg.Length, vg.Length) {}}}
	}
	c = headerSized(c, labelSize, p.Title, "", keys)
	a := frame(c, numeric(x0, x1, 4, false), numeric(y0, y1, 4, true))
	for i, k := range p.Curves {
		if v.Smoothing > 0 {
			a.polyline(line(faded(colorOf(i), .3), .7), k.X, k.Y)
			a.polyline(line(colorOf(i), 1.4), k.X, smooth(k.Y, v.Smoothing))
		} else {
			a.polyline(line(colorOf(i), 1.2), k.X, k.Y)
		}
	}
	a.baseLine(a.y.min)
}

func (v Curves) anyNamed() bool {
	for _, p := range v.Panels {
		for _, k := range p.Curves {
			if k.Name != "" {
				return true
			}
		}
	}
	return false
}

// polyline draws a line through the points, broken where one is missing or infinite.
func (a *area) polyline(st draw.LineStyle, x, y []float64) {
	var run []vg.Point
	for i := range x {
		if math.IsNaN(x[i]) || math.IsNaN(y[i]) || math.IsInf(y[i], 0) {
			a.stroke(st, run)
			run = nil
			continue
		}
		run = append(run, vg.Point{X: a.px(x[i]), Y: a.py(y[i])})
	}
	a.stroke(st, run)
}

// smooth is the exponential moving average with weight w on the past, divided
// by the sum of its weights so that it starts at the first value rather than at
// 0 (the bias correction of Adam). Missing values are skipped.
func smooth(y []float64, w float64) []float64 {
	out := make([]float64, len(y))
	sum, weight := 0., 0.
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out[i] = math.NaN()
			continue
		}
		sum = w*sum + (1-w)*v
		weight = w*weight + (1 - w)
		out[i] = sum / weight
	}
	return out
}
