package plots

import (
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// newPlot returns a gonum plot in this package's style.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // the figure has one, and a page its own
	p.TextHandler = letters
	p.Title.Text = title
	p.Title.TextStyle = aligned(bold(textStyle(labelSize, ink)), draw.XCenter)
	p.Legend.TextStyle = textStyle(labelSize, ink)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.LineStyle.Width = 0
		a.Tick.Length = 0
		a.Tick.Marker = numbers{about: 5}
		a.Label.Padding = 2
		a.Label.TextStyle = aligned(textStyle(labelSize, muted), draw.XCenter)
		a.Label.TextStyle.YAlign = draw.YBottom
		a.Tick.Label = textStyle(tickSize, muted)
	}
	p.X.Label.Text, p.Y.Label.Text = x, y
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XCenter, draw.YTop
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	p.X.Padding = 2
	return p
}

// gridded adds a grid at the ticks of y.
func gridded(p *plot.Plot) *plot.Plot {
	g := plotter.NewGrid()
	g.Vertical.Color = nil
	g.Horizontal = stroke(grid, .6)
	p.Add(g)
	return p
}

// across draws a horizontal line through a plot.
func across(p *plot.Plot, at float64, st draw.LineStyle) {
	f := plotter.NewFunction(func(float64) float64 { return at })
	f.Samples = 2
	f.LineStyle = st
	p.Add(f)
}

// numbers are the ticks of a numeric axis.
type numbers struct {
	about int     // how many, more or less
	step  float64 // from one to the next, as long as that makes a few; 0 = what suits the range
	share bool    // no tick is below 0 or above 100
}

// Ticks returns ticks at 1, 2 or 5 times a power of ten.
func (n numbers) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	all := numeric(low, high, n.about, false)
	if few := (high - low) / n.step; few >= 1 && few <= 12 {
		all = stepped(low, high, n.step)
	}
	for _, t := range all.ticks {
		if !n.share || t.Value >= 0 && t.Value <= 100 {
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// names are the ticks of an axis with a name at each of 0, 1, 2, …
type names []string

// Ticks returns a tick a name.
func (n names) Ticks(float64, float64) []plot.Tick {
	ticks := make([]plot.Tick, len(n))
	for i, name := range n {
		ticks[i] = plot.Tick{Value: float64(i), Label: name}
	}
	return ticks
}

// named gives an axis a name at each of 0, 1, 2, …
func named(a *plot.Axis, list []string) {
	a.Min, a.Max = -.5, float64(len(list))-.5
	a.Tick.Marker = names(list)
}

// mostNames is the greatest share of a figure's width that the names beside its y axis take.
const mostNames = .5

// fitted returns a copy of a plot whose labels are wrapped or shortened to fit a canvas. gonum neither wraps nor
// shortens.
func fitted(p *plot.Plot, c draw.Canvas) *plot.Plot {
	q := *p
	q.Title.Text = ""
	xTitle, yTitle := q.X.Label.Text, q.Y.Label.Text
	q.X.Label.Text, q.Y.Label.Text = placeholder(xTitle), placeholder(yTitle)
	if n, ok := q.Y.Tick.Marker.(names); ok {
		short := make(names, len(n))
		for i, name := range n {
			short[i] = shorten(name, q.Y.Tick.Label, c.Size().X*mostNames)
		}
		q.Y.Tick.Marker = short
	}
	n, ok := q.X.Tick.Marker.(names)
	if ok {
		q.X.Tick.Marker = make(names, len(n)) // their width counts below, and they count on it
	}
	// The titles' lines count here, and their words only when the canvas is known for good.
	data := q.DataCanvas(c).Size()
	q.X.Label.Text = placeholder(lines(xTitle, q.X.Label.TextStyle, data.X, mostTitle))
	q.Y.Label.Text = placeholder(lines(yTitle, q.Y.Label.TextStyle, data.Y*.9, mostTitle))
	if ok {
		wrapped(&q.X, n, q.DataCanvas(c), c.Min.X)
	}
	const least = vg.Length(12) // that is left to the data
	small := func() bool { s := q.DataCanvas(c).Size(); return !(s.X >= least && s.Y >= least) }
	if small() {
		q.X.Label.Text, q.Y.Label.Text = "", ""
	}
	if small() {
		q.X.Tick.Marker, q.Y.Tick.Marker = plot.ConstantTicks{}, plot.ConstantTicks{}
	}
	return &q
}

// mostTitle bounds the lines of an axis's title.
const mostTitle = 2

// placeholder stands for a text where the number of its lines alone counts.
func placeholder(s string) string {
	if s == "" {
		return ""
	}
	return "x" + strings.Repeat("\nx", strings.Count(s, "\n"))
}

// draw draws a fitted copy of a plot with the titles of its axes, in as many lines as were kept for them.
func (p panel) draw(q *plot.Plot, c draw.Canvas) {
	data := q.DataCanvas(c).Size()
	if n, ok := p.X.Tick.Marker.(names); ok && len(q.X.Tick.Marker.Ticks(0, 0)) > 0 {
		q.X.Tick.Label = p.X.Tick.Label // panels in line may be wider now
		wrapped(&q.X, n, q.DataCanvas(c), c.Min.X)
	}
	x, y := 1+strings.Count(q.X.Label.Text, "\n"), 1+strings.Count(q.Y.Label.Text, "\n")
	if q.X.Label.Text != "" {
		q.X.Label.Text = lines(p.X.Label.Text, q.X.Label.TextStyle, data.X, x)
	}
	if q.Y.Label.Text != "" {
		q.Y.Label.Text = lines(p.Y.Label.Text, q.Y.Label.TextStyle, data.Y, y)
	}
	q.Draw(c)
	p.tell(q, c)
}

// lines joins the lines that a text is wrapped into.
func lines(s string, st text.Style, width vg.Length, most int) string {
	return strings.Join(wrap(s, st, width, most), "\n")
}

// wrapped writes names along an axis of data, right of an edge: in lines where they fit, else on a slant. Where not
// even a letter fits, not all are written.
func wrapped(a *plot.Axis, n names, data draw.Canvas, edge vg.Length) {
	const least, gap = vg.Length(10), vg.Length(3)
	slot := data.Size().X / vg.Length(a.Max-a.Min)
	every := max(1, int(math.Ceil(float64(least/slot))))
	ticks := plot.ConstantTicks(n.Ticks(0, 0))
	slanted := false
	for i := range ticks {
		if i%every > 0 {
			ticks[i].Label = ""
			continue
		}
		ticks[i].Label = lines(n[i], a.Tick.Label, slot*vg.Length(every)-gap, mostLines)
		slanted = slanted || strings.Count(ticks[i].Label, "…") > strings.Count(n[i], "…")
	}
	a.Tick.Marker = ticks
	longest := min(data.Size().Y*mostSlanted, (data.Min.X+slot/2-edge)*math.Sqrt2-a.Tick.Label.Font.Size)
	if slanted && longest > slot {
		a.Tick.Label.Rotation, a.Tick.Label.XAlign, a.Tick.Label.YAlign = math.Pi/4, draw.XRight, draw.YCenter
		for i := range ticks {
			if i%every == 0 {
				ticks[i].Label = shorten(n[i], a.Tick.Label, longest)
			}
		}
	}
}

// mostSlanted is the greatest length of a slanted name, in heights of the data.
const mostSlanted = .5
