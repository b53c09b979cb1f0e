package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg/draw"
)

// GroupedBars shows a score for several groups (languages), one bar a series
// (model). The first series is the one that the others are compared with, and is grey.
type GroupedBars struct {
	Title  string
	Unit   string // what the bars show, under the title: "correct answers, %"
	Groups []string
	Series []Series // with one value a group

	Percent       bool    // values are shares in 0…1, drawn as per cent
	Width, Height float64 // millimetres; 0 = 160 × 80
}

// The shares of a group's room that its bars take, and of a bar's room that the bar takes; the rest are gaps.
const (
	barsShare = .8
	barShare  = .92
)

// Figure lays the bars out.
func (b GroupedBars) Figure() *Figure {
	series, err := scaled(b.Series, b.Groups, b.Percent)
	if err != nil {
		return broken("bars %q: %w", b.Title, err)
	}
	lo, hi := extent(series, b.Percent, 0, 0)
	width, height := size(b.Width, b.Height, 160, 80)
	return newFigure(b.Title, width, height, func(c draw.Canvas, title string) {
		var keys []key
		for i, s := range series {
			keys = append(keys, swatch(s.Name, barColor(i)))
		}
		c = header(margins(c), title, b.Unit, keys)
		a := frame(c, named(b.Groups), numeric(lo, hi, 5, true))
		slot := barsShare / float64(len(series))
		for i, s := range series {
			for g, v := range s.Values {
				if math.IsNaN(v) {
					continue
				}
				x := float64(g) - barsShare/2 + slot*(float64(i)+.5)
				left, right := a.px(x-slot*barShare/2), a.px(x+slot*barShare/2)
				fillRect(&a.Canvas, barColor(i), left, a.py(0), right, a.py(v))
				low, high := s.ends(g)
				a.interval(line(ink, .8), a.px(x), low, high)
			}
		}
		a.baseLine(0)
	})
}

func barColor(i int) color.Color {
	if i == 0 {
		return baseline
	}
	return colorOf(i - 1)
}
