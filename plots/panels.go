package plots

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// panelGrid places small multiples, row by row.
type panelGrid struct{ n, rows, columns int }

func newGrid(n, columns int) panelGrid {
	if columns <= 0 {
		columns = 2
	}
	columns = min(columns, n)
	return panelGrid{n, (n + columns - 1) / columns, columns}
}

// cell returns the part of c for panel i.
func (g panelGrid) cell(c draw.Canvas, i int) draw.Canvas {
	t := draw.Tiles{Rows: g.rows, Cols: g.columns, PadX: 14, PadY: 9}
	return t.At(c, i%g.columns, i/g.columns)
}

// footer writes the label that all panels' x axes share, and returns what is
// left above it.
func footer(c draw.Canvas, label string) draw.Canvas {
	if label == "" {
		return c
	}
	st := aligned(textStyle(labelSize, muted), draw.XCenter)
	c.Min.Y += lineHeight(st)
	drawLines(&c, st, vg.Point{X: c.Center().X, Y: c.Min.Y}, []string{shorten(label, st, c.Size().X)})
	return c
}
