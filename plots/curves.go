package plots

import (
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
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
	Unit   string // the title of its y axis: "loss, nats a token"
	Curves []Curve
}

// Curve is one line of a panel.
type Curve struct {
	Name string // may be empty where a panel has one curve
	X, Y []float64
}

// Figure lays the panels out.
func (v Curves) Figure(options ...Option) *Figure {
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
	look := looks(v.Width, v.Height, options)
	f := Figure{title: v.Title}
	named := v.anyNamed()
	for _, p := range v.Panels {
		drawn, err := v.panel(p, look)
		if err != nil {
			return broken("curves %q, panel %q: %w", v.Title, p.Title, err)
		}
		if named && drawn.keys == nil { // keep the panels of a row level
			drawn.keys = []key{{}}
		}
		f.panels = append(f.panels, drawn)
	}
	return f.multiples(look, v.Columns, 2, 10, 52)
}

func (v Curves) panel(p Panel, look look) (panel, error) {
	drawn := panel{Plot: gridded(newPlot(p.Title, v.XLabel, p.Unit)), spots: p.told(v.XLabel)}
	x0, x1 := math.Inf(1), math.Inf(-1)
	y0, y1 := math.Inf(1), math.Inf(-1)
	for i, k := range p.Curves {
		st := stroke(look.color(i), 1.4)
		st.Dashes = dashes[i%len(dashes)]
		if k.Name != "" {
			drawn.keys = append(drawn.keys, key{k.Name, []plot.Thumbnailer{&plotter.Line{LineStyle: st}}, false})
		}
		x0, x1 = span(x0, x1, k.X...)
		y0, y1 = span(y0, y1, k.Y...)
		if v.Smoothing > 0 {
			drawn.Add(&course{k.X, k.Y, stroke(faded(look.color(i), .3), .7)})
			drawn.Add(&course{k.X, smooth(k.Y, v.Smoothing), st})
		} else {
			drawn.Add(&course{k.X, k.Y, st})
		}
	}
	if look.ranged { // which may cut: a spike of the loss hides all the rest
		y0, y1 = math.Max(y0, look.low), math.Min(y1, look.high)
	}
	x := numeric(x0, x1, 4, false)
	drawn.X.Min, drawn.X.Max, drawn.X.Tick.Marker = x.min, x.max, numbers{about: 4}
	if err := look.values(&drawn.Y, y0, y1, 4, false); err != nil {
		return panel{}, err
	}
	across(drawn.Plot, drawn.Y.Min, stroke(rule, .8))
	return drawn, nil
}

// mostTold is how many steps of a panel's curves are told at the pointer.
const mostTold = 40

// told are the values of the panel's curves at steps that are spread evenly over the first one's.
func (p Panel) told(xLabel string) []spot {
	if len(p.Curves) == 0 {
		return nil
	}
	x := p.Curves[0].X
	every := (len(x) + mostTold - 1) / mostTold
	half := .5 // of a strip
	if last := len(x) - 1; last > 0 {
		half = math.Abs(x[last]-x[0]) / float64(last) * float64(every) / 2
	}
	var spots []spot
	for i := 0; i < len(x); i += every {
		if math.IsNaN(x[i]) || math.IsNaN(half) {
			continue
		}
		lines := []string{xLabel + " " + told(x[i])}
		for _, k := range p.Curves {
			if i < len(k.X) && k.X[i] == x[i] {
				lines = append(lines, strings.TrimPrefix(k.Name+": ", ": ")+told(k.Y[i]))
			}
		}
		spots = append(spots, spot{x[i] - half, x[i] + half, lines})
	}
	return spots
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

// course is one measured or smoothed curve.
type course struct {
	x, y []float64
	draw.LineStyle
}

// Plot draws a line through the points, broken where one is missing or infinite, and cut at the plot's edge.
func (k *course) Plot(c draw.Canvas, p *plot.Plot) {
	px, py := p.Transforms(&c)
	var run []vg.Point
	for i := range k.x {
		if math.IsNaN(k.x[i]) || math.IsNaN(k.y[i]) || math.IsInf(k.y[i], 0) {
			strokeLong(c, k.LineStyle, run)
			run = nil
			continue
		}
		run = append(run, vg.Point{X: px(k.x[i]), Y: py(k.y[i])})
	}
	strokeLong(c, k.LineStyle, run)
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
