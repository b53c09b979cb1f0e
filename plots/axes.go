package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// key is one entry of a legend. Lines have a key of their own shape.
type key struct {
	name string
	draw func(c *draw.Canvas, x, y vg.Length) // x = left edge, y = middle
}

// The legend in points: the room for the sign of a key, the gap between it and
// the name, and the gap between two keys.
const (
	keyWidth = vg.Length(11)
	nameGap  = vg.Length(4)
	keyGap   = vg.Length(12)
)

func swatch(name string, col color.Color) key {
	return key{name, func(c *draw.Canvas, x, y vg.Length) {
		fillRect(c, col, x+1, y-4, x+9, y+4)
	}}
}

func stroke(name string, st draw.LineStyle, g draw.GlyphStyle) key {
	return key{name, func(c *draw.Canvas, x, y vg.Length) {
		c.StrokeLine2(st, x, y, x+keyWidth, y)
		if g.Shape != nil {
			c.DrawGlyph(g, vg.Point{X: x + keyWidth/2, Y: y})
		}
	}}
}

// header writes title, unit and legend at the top of c and returns what is left
// below them. Each takes as many lines as it needs at this width.
func header(c draw.Canvas, title, unit string, keys []key) draw.Canvas {
	return headerSized(c, titleSize, title, unit, keys)
}

func headerSized(c draw.Canvas, size float64, title, unit string, keys []key) draw.Canvas {
	write := func(st draw.TextStyle, s string) {
		lines := wrap(s, st, c.Size().X)
		drawLines(&c, st, vg.Point{X: c.Min.X, Y: c.Max.Y}, lines)
		c.Max.Y -= lineHeight(st) * vg.Length(len(lines))
	}
	write(bold(textStyle(size, ink)), title)
	write(textStyle(labelSize, muted), unit)

	if len(keys) > 0 {
		st := textStyle(labelSize, ink)
		row := lineHeight(st) + 1
		x, y := c.Min.X, c.Max.Y-row/2-1
		for _, k := range keys {
			name := shorten(k.name, st, c.Size().X-keyWidth-nameGap)
			w := keyWidth + nameGap + st.Width(name)
			if x > c.Min.X && x+w > c.Max.X {
				x = c.Min.X
				y -= row
			}
			k.draw(&c, x, y)
			drawMiddle(&c, st, x+keyWidth+nameGap, y, name)
			x += w + keyGap
		}
		c.Max.Y = y - row/2
	}
	c.Max.Y -= 5
	return c
}

// tick is a labelled place on an axis.
type tick struct {
	at    float64
	label string
}

// axis is a range with its ticks.
type axis struct {
	min, max float64
	step     float64 // from one tick to the next, of a numeric axis
	ticks    []tick
	named    bool // the ticks are names, not numbers, and may have several lines
}

// rounding is how far a value may be from a tick, in steps, to be taken for it.
const rounding = 1e-9

// The least range of an axis, by itself and as a share of the values in it: where values differ by less, as 0.1 + 0.2
// and 0.3 do, floating-point numbers have no room for ticks between them.
const (
	leastRange = 1e-300
	leastShare = 1e-12
)

// widened returns a range that has room for ticks: lo…hi, or a range around it where the two are too close.
func widened(lo, hi float64) (float64, float64) {
	if math.IsInf(lo, 0) || math.IsInf(hi, 0) { // no finite value at all
		return 0, 1
	}
	size := math.Max(math.Abs(lo), math.Abs(hi))
	if hi-lo > math.Max(leastRange, size*leastShare) {
		return lo, hi
	}
	half := math.Max(.5, size*leastShare*10)
	return lo - half, hi + half
}

// numeric returns an axis over lo…hi with about n ticks at 1, 2 or 5 times a
// power of ten. If grow is set, the range grows to the next tick at both ends.
func numeric(lo, hi float64, n int, grow bool) axis {
	lo, hi = widened(lo, hi)
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if step*m*float64(n) >= hi-lo {
			step *= m
			break
		}
	}
	if grow {
		lo = math.Floor(lo/step+rounding) * step
		hi = math.Ceil(hi/step-rounding) * step
	}
	digits := int(math.Max(0, -math.Floor(math.Log10(step)+rounding)))
	a := axis{min: lo, max: hi, step: step}
	for i := math.Ceil(lo/step - rounding); i*step <= hi+step*rounding; i++ {
		a.ticks = append(a.ticks, tick{i * step, number(i*step, digits)})
	}
	return a
}

// named returns an axis with a name at each of 0, 1, 2, …
func named(names []string) axis {
	a := axis{min: -.5, max: float64(len(names)) - .5, named: true}
	for i, n := range names {
		a.ticks = append(a.ticks, tick{float64(i), n})
	}
	return a
}

// area is the part of a figure that data are drawn in.
type area struct {
	draw.Canvas
	x, y axis
}

func (a *area) px(x float64) vg.Length { return a.X((x - a.x.min) / (a.x.max - a.x.min)) }
func (a *area) py(y float64) vg.Length { return a.Y((y - a.y.min) / (a.y.max - a.y.min)) }

// mostNames is the greatest share of a figure's width that the names beside the y axis take.
const mostNames = .5

// frame draws the axes inside c, with a grid at the ticks of y, and returns the
// area between them.
func frame(c draw.Canvas, x, y axis) area {
	st := textStyle(tickSize, muted)
	a := area{Canvas: c, x: x, y: y}
	widest := a.Size().X * mostNames
	a.Min.X += min(tickWidth(y, st, widest), widest) + nameGap
	a.Max.Y -= lineHeight(st) / 2
	if n := len(x.ticks); n > 0 && !x.named {
		a.Max.X -= st.Width(x.ticks[n-1].label) / 2
	}

	rows := 1
	labels := make([][]string, len(x.ticks))
	for i, t := range x.ticks {
		labels[i] = []string{t.label}
		if x.named {
			labels[i] = wrap(t.label, st, a.Size().X/vg.Length(x.max-x.min)-3)
		}
		rows = max(rows, len(labels[i]))
	}
	a.Min.Y += lineHeight(st)*vg.Length(rows) + 3
	for _, t := range y.ticks {
		if !y.named {
			a.StrokeLine2(line(grid, .6), a.Min.X, a.py(t.at), a.Max.X, a.py(t.at))
		}
		label := shorten(t.label, st, widest)
		drawMiddle(&a.Canvas, aligned(st, draw.XRight), a.Min.X-nameGap, a.py(t.at), label)
	}
	for i, t := range x.ticks {
		drawLines(&a.Canvas, aligned(st, draw.XCenter), vg.Point{X: a.px(t.at), Y: a.Min.Y - 3}, labels[i])
	}
	return a
}

// tickWidth is the width of an axis's widest label, each shortened to at most a given width.
func tickWidth(a axis, st draw.TextStyle, most vg.Length) vg.Length {
	w := vg.Length(0)
	for _, t := range a.ticks {
		w = max(w, st.Width(shorten(t.label, st, most)))
	}
	return w
}

// baseLine draws the line of the x axis at y, over the data.
func (a *area) baseLine(y float64) {
	a.StrokeLine2(line(rule, .8), a.Min.X, a.py(y), a.Max.X, a.py(y))
}

// interval draws an error bar from low to high at x. Where the area's edge cuts it, it has no line across its end.
func (a *area) interval(st draw.LineStyle, x vg.Length, low, high float64) {
	const halfCap = vg.Length(2) // half the width of the lines at its ends
	if !(high > low) {
		return
	}
	lo, hi := a.py(math.Max(low, a.y.min)), a.py(math.Min(high, a.y.max))
	a.StrokeLine2(st, x, lo, x, hi)
	if low >= a.y.min {
		a.StrokeLine2(st, x-halfCap, lo, x+halfCap, lo)
	}
	if high <= a.y.max {
		a.StrokeLine2(st, x-halfCap, hi, x+halfCap, hi)
	}
}
