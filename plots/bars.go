package plots

import (
	"errors"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// GroupedBars shows a score for several groups (languages), one bar a series (model). Bars of one model have one
// colour: published ones are hollow beside those of the run. The first model is the one that the others are compared
// with, and is grey.
type GroupedBars struct {
	Title  string
	Note   string // below the title: "as published by Yang et al. 2025"
	Unit   string // the title of the y axis: "correct answers, %"
	XLabel string // the title of the x axis: "language"
	Groups []string
	Series []Series // with one value a group

	Percent       bool    // values are shares in 0…1, drawn as per cent
	Reference     float64 // a dashed line across, such as even win rates at 0.5; 0 = none
	Width, Height float64 // millimetres; 0 = 160 × 80
}

// The shares of a group's room that its bars take, and of a bar's room that the bar takes; the rest are gaps. Of the
// range of values, a bar lower than lowBar is marked by a line.
const (
	barsShare = .8
	barShare  = .92
	lowBar    = .01
)

// Figure lays the bars out.
func (b GroupedBars) Figure(options ...Option) *Figure {
	l := looks(b.Width, b.Height, options)
	series, err := scaled(b.Series, b.Groups, b.Percent)
	if err != nil {
		return broken("bars %q: %w", b.Title, err)
	}
	reference, err := scaledReference(b.Reference, b.Percent)
	if err != nil {
		return broken("bars %q: %w", b.Title, err)
	}
	p := gridded(newPlot(b.Title, b.XLabel, b.Unit))
	var models []string
	for _, s := range series {
		if !slices.Contains(models, s.Name) {
			models = append(models, s.Name)
		}
	}
	var keys []key
	published := 0
	slot := barsShare / float64(len(series))
	lo, hi := extent(series, math.Min(0, reference), math.Max(0, reference))
	var low []plot.Plotter // marks of bars that the axis would hide
	for i, s := range series {
		model := slices.Index(models, s.Name)
		if s.Published {
			published++
		}
		fill := l.bar(model, len(models))
		if model == len(keys) {
			keys = append(keys, patch(s.Name, fill))
		}
		for g, v := range s.Values {
			if math.IsNaN(v) {
				continue
			}
			x := float64(g) - barsShare/2 + slot*(float64(i)+.5)
			bar, err := plotter.NewPolygon(box(x-slot*barShare/2, x+slot*barShare/2, 0, v))
			if err != nil {
				return broken("bars %q: %w", b.Title, err)
			}
			bar.Color, bar.LineStyle.Width = fill, 0
			if s.Published {
				bar.Color, bar.LineStyle = faded(fill, hollow), stroke(fill, 1)
			}
			p.Add(bar)
			if math.Abs(v) < lowBar*(hi-lo) {
				low = append(low, &plotter.Line{XYs: plotter.XYs{{X: bar.XYs[0][0].X, Y: v}, {X: bar.XYs[0][1].X, Y: v}},
					LineStyle: stroke(fill, 1.6)})
			}
		}
	}
	if published > 0 && published < len(series) {
		keys = append(keys, patch("own: filled", muted), key{"published: hollow", []plot.Thumbnailer{
			&plotter.Polygon{Color: faded(muted, hollow), LineStyle: stroke(muted, 1)}}, true})
	}
	for i, s := range series {
		whiskers(p, s, ink, func(g int) float64 { return float64(g) - barsShare/2 + slot*(float64(i)+.5) })
	}
	across(p, 0, stroke(rule, .8))
	p.Add(low...)
	if reference != 0 {
		across(p, reference, dashed(muted, .8))
	}
	named(&p.X, b.Groups)
	if err := l.values(&p.Y, lo, hi, 5, b.Percent && areShares(series)); err != nil {
		return broken("bars %q: %w", b.Title, err)
	}
	width, height := l.flat(160, 80)
	return Figure{title: b.Title, note: note(b.Note, series), keys: keys, panels: []panel{{
		Plot: p, spots: columnsTold(b.Groups, series, b.Percent)}}}.sized(l, width, height)
}

// hollow is the opacity of the inside of a published bar.
const hollow = .18

// box is a rectangle.
func box(x0, x1, y0, y1 float64) plotter.XYs {
	return plotter.XYs{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}

// whiskers draws the intervals of a series, value i at x(i).
func whiskers(p *plot.Plot, s Series, c color.Color, x func(i int) float64) {
	bars := &plotter.YErrorBars{LineStyle: stroke(c, .8), CapWidth: vg.Length(4)}
	for i, v := range s.Values {
		low, high := s.ends(i)
		if high > low {
			bars.XYs = append(bars.XYs, plotter.XY{X: x(i), Y: v})
			bars.YErrors = append(bars.YErrors, struct{ Low, High float64 }{v - low, high - v})
		}
	}
	if len(bars.XYs) > 0 {
		p.Add(bars)
	}
}

// scaledReference returns where a line across is drawn.
func scaledReference(at float64, percent bool) (float64, error) {
	if percent {
		at *= 100
	}
	if drawable(at) != nil || math.IsNaN(at) {
		return 0, errors.New("its reference is no number that can be drawn")
	}
	return at, nil
}

// patch is a key of a filled area.
func patch(name string, c color.Color) key {
	return key{name, []plot.Thumbnailer{&plotter.Polygon{Color: c, LineStyle: draw.LineStyle{}}}, true}
}
