package plots

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot/vg/draw"
)

// WinTieLose shows head-to-head outcomes: one bar a row (language), split into
// the shares won, tied and lost.
type WinTieLose struct {
	Title string
	Unit  string // under the title: "share of the prompts, %"
	Rows  []Outcome

	Width, Height float64 // millimetres; 0 = 160 × what the rows need
}

// Outcome is one row of WinTieLose: counts or shares, drawn as per cent of their sum.
type Outcome struct {
	Label          string
	Win, Tie, Lose float64
}

var outcomeKeys = []struct {
	name   string
	fill   color.Color
	letter color.Color
}{
	{"win", rgb(0x0072B2), rgb(0xFFFFFF)},
	{"tie", rgb(0xD3D7DD), rgb(0x111111)},
	{"lose", rgb(0xE69F00), rgb(0x111111)},
}

// Figure lays the bars out.
func (w WinTieLose) Figure() *Figure {
	if len(w.Rows) == 0 {
		return broken("win/tie/lose %q: nothing to draw: it needs at least one row", w.Title)
	}
	if err := fits(len(w.Rows), 1); err != nil {
		return broken("win/tie/lose %q: %w", w.Title, err)
	}
	var keys []key
	for _, k := range outcomeKeys {
		keys = append(keys, swatch(k.name, k.fill))
	}
	var names []string
	for i := range w.Rows { // the first row on top
		r := w.Rows[len(w.Rows)-1-i]
		sum := r.Win + r.Tie + r.Lose
		if !(sum > 0) || sum > largest || min(r.Win, r.Tie, r.Lose) < 0 {
			return broken("win/tie/lose %q, row %q: win %g, tie %g, lose %g are not shares of a whole",
				w.Title, r.Label, r.Win, r.Tie, r.Lose)
		}
		names = append(names, r.Label)
	}
	width, height := size(w.Width, w.Height, 160, 26+6.5*float64(len(w.Rows)))
	return newFigure(w.Title, width, height, func(c draw.Canvas, title string) {
		c = header(margins(c), title, w.Unit, keys)
		share := axis{max: 100, ticks: []tick{{0, "0"}, {25, "25"}, {50, "50"}, {75, "75"}, {100, "100"}}}
		a := frame(c, share, named(names))
		for i := range names {
			r := w.Rows[len(w.Rows)-1-i]
			at, sum := 0., r.Win+r.Tie+r.Lose
			for k, part := range []float64{r.Win, r.Tie, r.Lose} {
				share := 100 * part / sum
				x0, x1 := a.px(at), a.px(at+share)
				at += share
				const half = .38 // of a bar's height, in rows
				y0, y1 := a.py(float64(i)-half), a.py(float64(i)+half)
				fillRect(&a.Canvas, outcomeKeys[k].fill, x0, y0, x1, y1)
				st := aligned(textStyle(tickSize, outcomeKeys[k].letter), draw.XCenter)
				if label := fmt.Sprintf("%.0f", share); st.Width(label)+4 < x1-x0 {
					drawMiddle(&a.Canvas, st, (x0+x1)/2, a.py(float64(i)), label)
				}
			}
		}
	})
}
