package plots

import (
	"fmt"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// key is one entry of a legend: a name, and the marks that are drawn over each other as its sign.
type key struct {
	name   string
	thumbs []plot.Thumbnailer
	square bool // the sign is a patch, and not a line
}

// The legend in points: the room for the sign of a key, the gap between it and
// the name, and the gap between two keys.
const (
	keyWidth = vg.Length(16)
	keyPatch = vg.Length(8)
	nameGap  = vg.Length(4)
	keyGap   = vg.Length(12)
)

func (k key) width() vg.Length {
	if k.square {
		return keyPatch
	}
	return keyWidth
}

func (k key) draw(c draw.Canvas, x, y vg.Length) {
	c.Rectangle = vg.Rectangle{Min: vg.Point{X: x, Y: y - keyPatch/2}, Max: vg.Point{X: x + k.width(), Y: y + keyPatch/2}}
	for _, thumb := range k.thumbs {
		thumb.Thumbnail(&c)
	}
}

// mostHeader is the greatest share of the height that title, note and legend take.
const mostHeader = .7

// header writes title, note and legend at the top of c and returns what is left
// below them. Each takes as many lines as it needs at this width, down to least.
func header(c draw.Canvas, least vg.Length, size float64, title, note string, keys []key) draw.Canvas {
	write := func(st draw.TextStyle, s string) {
		most := min(mostLines, int((c.Max.Y-least)/st.Height("x")))
		lines := wrap(s, st, c.Size().X, most)
		if len(lines) > 0 {
			c.FillText(st, vg.Point{X: c.Min.X, Y: c.Max.Y}, strings.Join(lines, "\n"))
			c.Max.Y -= st.Height(strings.Join(lines, "\n")) + 1.5
		}
	}
	write(bold(textStyle(size, ink)), title)
	write(textStyle(labelSize, muted), note)
	if len(keys) == 0 {
		return c
	}
	st := textStyle(labelSize, ink)
	row := lineHeight(st) + 1
	x, y := c.Min.X, c.Max.Y-row/2-1
	for i, k := range keys {
		name := shorten(k.name, st, c.Size().X-k.width()-nameGap)
		w := k.width() + nameGap + st.Width(name)
		if x > c.Min.X && x+w > c.Max.X {
			x = c.Min.X
			y -= row
		}
		if y-row/2 < least {
			drawMiddle(&c, st, x, y, fmt.Sprintf("… and %d more", len(keys)-i))
			break
		}
		k.draw(c, x, y)
		drawMiddle(&c, st, x+k.width()+nameGap, y, name)
		x += w + keyGap
	}
	c.Max.Y = y - row/2
	return c
}

// margins leaves a little room at the edges of a figure.
func margins(c draw.Canvas) draw.Canvas { return draw.Crop(c, 4, -6, 4, -4) }

// silent returns a canvas of the same size that draws nothing, to measure on.
func silent(c draw.Canvas) draw.Canvas {
	return draw.Canvas{Canvas: new(recorder.Canvas), Rectangle: c.Rectangle}
}

// gap is what is left between a figure's header and its data, and between a panel and its own, in points.
const gap = vg.Length(5)

// draw draws the figure. Panels stand in rows, their axes in line.
func (f *Figure) draw(c draw.Canvas, titled bool) {
	c = margins(c)
	title := ""
	if titled {
		title = f.title
		if f.columns == 0 {
			title = f.Plot().Title.Text
		}
	}
	c = header(c, c.Max.Y-c.Size().Y*mostHeader, titleSize, title, f.note, f.keys)
	c.Max.Y -= gap
	if f.columns == 0 {
		f.panels[0].draw(fitted(f.Plot(), c), c)
		return
	}
	columns := min(f.columns, len(f.panels))
	rows := (len(f.panels) + columns - 1) / columns
	tiles := draw.Tiles{Rows: rows, Cols: columns, PadX: 14, PadY: 7}
	top := vg.Length(0) // the highest header of a panel
	for i, p := range f.panels {
		tile := tiles.At(c, i%columns, i/columns)
		top = max(top, tile.Max.Y-p.header(silent(tile), tile.Max.Y-tile.Size().Y*mostHeader).Max.Y)
	}
	tiles.PadTop = top
	tiles.PadY += top
	plots := make([][]*plot.Plot, rows)
	for i, p := range f.panels {
		plots[i/columns] = append(plots[i/columns], fitted(p.Plot, tiles.At(c, i%columns, i/columns)))
	}
	for last := &plots[rows-1]; len(*last) < columns; {
		*last = append(*last, nil)
	}
	cells := plot.Align(plots, tiles, c)
	left, level := make([]vg.Length, columns), make([]vg.Length, rows) // of the headers, beyond what reaches farthest
	for i := range f.panels {
		cell := cells[i/columns][i%columns]
		if k := i % columns; i < columns || cell.Min.X < left[k] {
			left[k] = cell.Min.X
		}
		level[i/columns] = max(level[i/columns], cell.Max.Y)
	}
	for r, row := range cells {
		for k, cell := range row {
			if p := plots[r][k]; p != nil {
				f.panels[r*columns+k].draw(p, cell)
				above := cell
				above.Min = vg.Point{X: left[k], Y: level[r]}
				above.Max.Y = level[r] + top
				f.panels[r*columns+k].header(above, above.Min.Y-1)
			}
		}
	}
}

func (p panel) header(c draw.Canvas, least vg.Length) draw.Canvas {
	c = header(c, least, labelSize, p.Title.Text, "", p.keys)
	c.Max.Y -= gap / 2
	return c
}

// multiples lays the panels out side by side, so many in a row, or the usual number where columns is 0. Their default
// height is that of each row and of what is above, in millimetres.
func (f Figure) multiples(l look, columns, usual int, above, row float64) *Figure {
	if columns == 0 {
		columns = usual
	}
	f.columns = min(columns, len(f.panels))
	bottom(f.panels, f.columns)
	rows := (len(f.panels) + f.columns - 1) / f.columns
	width, height := l.size(160, above+row*float64(rows))
	return f.sized(l, width, height)
}

// bottom leaves the title of the x axis to the lowest panels, and that of y, where all have the same, to the left ones.
func bottom(panels []panel, columns int) {
	for i, p := range panels {
		if i+columns < len(panels) {
			p.X.Label.Text = ""
		}
		if first := panels[i-i%columns]; i%columns > 0 && p.Y.Label.Text == first.Y.Label.Text {
			p.Y.Label.Text = ""
		}
	}
}
