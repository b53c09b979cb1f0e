package plots

import (
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// HeatMap shows a value for every row (language) and column (round), as a colour
// and as a number. If there are negative values, they have a colour of their own.
type HeatMap struct {
	Title   string
	Note    string // below the title, after the unit
	Unit    string // what the cells show, below the title
	XLabel  string // the title of the x axis: "round"
	YLabel  string // the title of the y axis: "language"
	Rows    []string
	Columns []string
	Values  [][]float64 // one slice a row, with one value a column; NaN = not measured

	Percent       bool    // values are shares, drawn as per cent
	Digits        int     // decimals of the numbers
	Width, Height float64 // millimetres; 0 = 110 × what the rows need
}

// Figure lays the map out.
func (h HeatMap) Figure(options ...Option) *Figure {
	if len(h.Rows) == 0 || len(h.Columns) == 0 || len(h.Values) != len(h.Rows) {
		return broken("heat map %q: %d rows of values for %d row names and %d column names",
			h.Title, len(h.Values), len(h.Rows), len(h.Columns))
	}
	if err := fits(len(h.Columns), len(h.Rows)); err != nil {
		return broken("heat map %q: %w", h.Title, err)
	}
	if h.Digits > mostDecimals {
		return broken("heat map %q: %d decimals, expected at most %d", h.Title, h.Digits, mostDecimals)
	}
	factor := 1.
	if h.Percent {
		factor = 100
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, row := range h.Values {
		if len(row) != len(h.Columns) {
			return broken("heat map %q, row %q: %d values for %d columns", h.Title, h.Rows[i], len(row), len(h.Columns))
		}
		for k, v := range row {
			if err := drawable(v * factor); err != nil {
				return broken("heat map %q, row %q, column %q: %w", h.Title, h.Rows[i], h.Columns[k], err)
			}
		}
		lo, hi = span(lo, hi, row...)
	}
	look := looks(h.Width, h.Height, options)
	if look.ranged { // of the colours
		if err := look.values(&plot.New().Y, lo*factor, hi*factor, 5, h.Percent); err != nil {
			return broken("heat map %q: %w", h.Title, err)
		}
		lo, hi = look.low/factor, look.high/factor
	}
	p := newPlot(h.Title, h.XLabel, h.YLabel)
	above := slices.Clone(h.Rows)
	slices.Reverse(above) // the first row on top
	named(&p.X, h.Columns)
	named(&p.Y, above)
	p.Add(&cells{h.Values, lo, hi, factor, h.Digits})
	note := h.Note
	if h.Unit != "" && note != "" {
		note = "; " + note
	}
	width, height := look.size(110, 28+8*float64(len(h.Rows)))
	return Figure{title: h.Title, note: h.Unit + note, panels: []panel{{Plot: p}}}.sized(look, width, height)
}

// cells draws values as cells with a gap between them and a number in each, which gonum's heat map has not.
type cells struct {
	values         [][]float64
	lo, hi, factor float64
	digits         int
}

// Plot draws the cells.
func (m *cells) Plot(c draw.Canvas, p *plot.Plot) {
	px, py := p.Transforms(&c)
	for i, row := range m.values {
		for k, v := range row {
			fill, letter, label := cellColors(v, m.lo, m.hi)
			if label == "" {
				label = number(v*m.factor, m.digits)
			}
			x, y := float64(k), float64(len(m.values)-1-i)
			const gap = .75 // half the gap between two cells
			fillRect(&c, fill, px(x-.5)+gap, py(y-.5)+gap, px(x+.5)-gap, py(y+.5)-gap)
			st := aligned(textStyle(labelSize, letter), draw.XCenter)
			drawMiddle(&c, st, px(x), py(y), shorten(label, st, px(x+.5)-px(x-.5)))
		}
	}
}

// cellColors are the colours of a cell and of the number on it. Values run from
// near white to blue, or from orange over near white to blue where lo < 0.
func cellColors(v, lo, hi float64) (fill, letter color.Color, label string) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return rgb(0xDDE0E5), rgb(0x555555), "–"
	}
	end, t := rgb(0x00568A), 1.
	switch {
	case lo < 0:
		t = v / math.Max(-lo, hi)
		if v < 0 {
			end = rgb(0xC96A00)
		}
	case hi > lo:
		t = (v - lo) / (hi - lo)
	}
	const faintest = .04 // so that 0 differs from the page
	t = faintest + (1-faintest)*math.Abs(t)
	mix := func(a, b uint8) uint8 { return uint8(float64(a)*(1-t) + float64(b)*t + .5) }
	f := color.NRGBA{R: mix(0xF7, end.R), G: mix(0xF9, end.G), B: mix(0xFB, end.B), A: 255}
	// Rec. 709 luma: below 117, relative luminance .18, white letters have more
	// contrast than black ones.
	if .2126*float64(f.R)+.7152*float64(f.G)+.0722*float64(f.B) < 117 {
		return f, rgb(0xFFFFFF), ""
	}
	return f, rgb(0x111111), ""
}
