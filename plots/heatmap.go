package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg/draw"
)

// HeatMap shows a value for every row (language) and column (round), as a colour
// and as a number. If there are negative values, they have a colour of their own.
type HeatMap struct {
	Title   string
	Unit    string // what the cells show, under the title
	Rows    []string
	Columns []string
	Values  [][]float64 // one slice a row, with one value a column; NaN = not measured

	Percent       bool    // values are shares, drawn as per cent
	Digits        int     // decimals of the numbers
	Width, Height float64 // millimetres; 0 = 110 × what the rows need
}

// Figure lays the map out.
func (h HeatMap) Figure() *Figure {
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
	width, height := size(h.Width, h.Height, 110, 24+8*float64(len(h.Rows)))
	return newFigure(h.Title, width, height, func(c draw.Canvas, title string) {
		c = header(margins(c), title, h.Unit, nil)
		y := named(h.Rows)
		y.min, y.max = y.max, y.min // the first row on top
		a := frame(c, named(h.Columns), y)
		for i, row := range h.Values {
			for k, v := range row {
				fill, letter, label := cellColors(v, lo, hi)
				if label == "" {
					label = number(v*factor, h.Digits)
				}
				x, y := float64(k), float64(i)
				const gap = .75 // half the gap between two cells
				fillRect(&a.Canvas, fill, a.px(x-.5)+gap, a.py(y-.5)-gap, a.px(x+.5)-gap, a.py(y+.5)+gap)
				st := aligned(textStyle(labelSize, letter), draw.XCenter)
				drawMiddle(&a.Canvas, st, a.px(x), a.py(y), shorten(label, st, a.px(x+.5)-a.px(x-.5)))
			}
		}
	})
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
