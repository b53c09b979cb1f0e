package plots

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// WinTieLose shows head-to-head outcomes: one bar a row (language), split into the shares won, tied and lost. A point
// above each bar is the win rate, in which a tie counts half, with its interval; a dashed line is the even one.
type WinTieLose struct {
	Title  string
	Note   string // below the title
	Unit   string // the title of the x axis: "share of the prompts, %"
	YLabel string // the title of the y axis: "language"
	Rows   []Outcome

	Width, Height float64 // millimetres; 0 = 160 × what the rows need
}

// Outcome is one row of WinTieLose: counts or shares, drawn as per cent of their sum.
type Outcome struct {
	Label          string
	Win, Tie, Lose float64
	Low, High      float64 // ends of the 95 % interval of the win rate, a share in 0…1; both 0 = not known
}

// rate is the win rate, a share in 0…1.
func (o Outcome) rate() float64 { return (o.Win + o.Tie/2) / (o.Win + o.Tie + o.Lose) }

var outcomeKeys = []struct {
	name   string
	fill   color.Color
	letter color.Color
}{
	{"win", rgb(0x0072B2), rgb(0xFFFFFF)},
	{"tie", rgb(0xD3D7DD), rgb(0x111111)},
	{"lose", rgb(0xE69F00), rgb(0x111111)},
}

// Of a row's height 1, from its middle: the ends of the bar and the place of the win rate.
const (
	barLow, barHigh = -.42, .12
	rateAt          = .29
)

// Figure lays the bars out.
func (w WinTieLose) Figure(options ...Option) *Figure {
	look := looks(w.Width, w.Height, options)
	if len(w.Rows) == 0 {
		return broken("win/tie/lose %q: nothing to draw: it needs at least one row", w.Title)
	}
	if err := fits(len(w.Rows), 1); err != nil {
		return broken("win/tie/lose %q: %w", w.Title, err)
	}
	p := newPlot(w.Title, w.Unit, w.YLabel)
	bars := &outcomes{rows: w.Rows, fills: []color.Color{look.outcome(0), look.outcome(1), look.outcome(2)}}
	var keys []key
	for k, o := range outcomeKeys {
		keys = append(keys, patch(o.name, bars.fills[k]))
	}
	points := &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: ink, Radius: 2.2, Shape: draw.CircleGlyph{}}}
	intervals := &plotter.XErrorBars{LineStyle: stroke(ink, .9), CapWidth: vg.Length(4)}
	var labels []string
	var spots []spot
	for i := range w.Rows { // the first row on top
		r := w.Rows[len(w.Rows)-1-i]
		sum := r.Win + r.Tie + r.Lose
		if !(sum > 0) || sum > largest || min(r.Win, r.Tie, r.Lose) < 0 {
			return broken("win/tie/lose %q, row %q: win %g, tie %g, lose %g are not shares of a whole",
				w.Title, r.Label, r.Win, r.Tie, r.Lose)
		}
		labels = append(labels, r.Label)
		spots = append(spots, spot{float64(i) - .5, float64(i) + .5, r.told()})
		at := plotter.XY{X: 100 * r.rate(), Y: float64(i) + rateAt}
		points.XYs = append(points.XYs, at)
		if r.Low == 0 && r.High == 0 {
			continue
		}
		if !(r.Low >= 0 && r.Low <= r.rate() && r.rate() <= r.High && r.High <= 1) {
			return broken("win/tie/lose %q, row %q: %g to %g is no interval around the win rate %g",
				w.Title, r.Label, r.Low, r.High, r.rate())
		}
		intervals.XYs = append(intervals.XYs, at)
		intervals.XErrors = append(intervals.XErrors, struct{ Low, High float64 }{at.X - 100*r.Low, 100*r.High - at.X})
	}
	said := "dashed: 50 %"
	thumbs := []plot.Thumbnailer{points}
	even := plotter.XYs{{X: 50, Y: -.5}, {X: 50, Y: float64(len(labels)) - .5}}
	// Behind the bars, whose numbers it would strike out.
	p.Add(&plotter.Line{XYs: even, LineStyle: dashed(muted, .8)}, bars)
	if len(intervals.XYs) > 0 {
		p.Add(intervals)
		said = "whiskers: 95 % intervals; " + said
		thumbs = append(thumbs, &plotter.Line{LineStyle: stroke(ink, .9)})
	}
	if w.Note != "" {
		said = w.Note + "; " + said
	}
	p.Add(points)
	named(&p.Y, labels)
	p.X.Min, p.X.Max, p.X.Tick.Marker = 0, 100, plot.ConstantTicks{
		{Value: 0, Label: "0"}, {Value: 25, Label: "25"}, {Value: 50, Label: "50"}, {Value: 75, Label: "75"},
		{Value: 100, Label: "100"}}
	if look.ranged && (look.low != 0 || look.high != 100) {
		return broken("win/tie/lose %q: its bars are shares of a whole, from 0 to 100 %%, and not from %g to %g",
			w.Title, look.low, look.high)
	}
	width, height := look.size(160, 30+8.5*float64(len(w.Rows)))
	return Figure{title: w.Title, note: said,
		keys:   append(keys, key{name: "win rate, a tie counts half", thumbs: thumbs}),
		panels: []panel{{Plot: p, spots: spots, rows: true}}}.sized(look, width, height)
}

// told are the shares of a row, and its win rate.
func (o Outcome) told() []string {
	percent := func(v float64) string { return number(100*v, 1) }
	sum := o.Win + o.Tie + o.Lose
	rate := "win rate " + percent(o.rate()) + " %"
	if o.High > o.Low {
		rate += fmt.Sprintf(" (95 %% interval %s to %s %%)", percent(o.Low), percent(o.High))
	}
	return []string{o.Label, fmt.Sprintf("win %s %%, tie %s %%, lose %s %%", percent(o.Win/sum), percent(o.Tie/sum),
		percent(o.Lose/sum)), rate}
}

// outcome returns the colour of wins, ties or losses.
func (l look) outcome(i int) color.Color {
	if len(l.colors) > 0 {
		return l.color(i)
	}
	return outcomeKeys[i].fill
}

// outcomes draws the bars, with the shares that there is room for.
type outcomes struct {
	rows  []Outcome
	fills []color.Color
}

// Plot draws the bars.
func (o *outcomes) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i := range o.rows {
		r := o.rows[len(o.rows)-1-i]
		at, sum := 0., r.Win+r.Tie+r.Lose
		for k, part := range []float64{r.Win, r.Tie, r.Lose} {
			share := 100 * part / sum
			x0, x1 := x(at), x(math.Min(100, at+share))
			at += share
			fillRect(&c, o.fills[k], x0, y(float64(i)+barLow), x1, y(float64(i)+barHigh))
			st := aligned(textStyle(tickSize, outcomeKeys[k].letter), draw.XCenter)
			if label := fmt.Sprintf("%.0f", share); st.Width(label)+4 < x1-x0 {
				drawMiddle(&c, st, (x0+x1)/2, y(float64(i)+(barLow+barHigh)/2), label)
			}
		}
	}
}
