package plots

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// dpi is the resolution of PNG files in dots per inch.
const dpi = 150

// Figure is a figure that is laid out and can be written. The Figure methods of
// this package's structs return one.
type Figure struct {
	title         string
	width, height vg.Length
	draw          func(c draw.Canvas, title string)
	err           error // why there is nothing to draw
}

// newFigure makes a figure of a size in millimetres.
func newFigure(title string, width, height float64, draw func(c draw.Canvas, title string)) *Figure {
	for _, side := range []float64{width, height} {
		if !(side >= leastSize && side <= mostSize) {
			return broken("figure %q: %g × %g mm, expected %d to %d mm a side: set Width and Height, or draw less",
				title, width, height, leastSize, mostSize)
		}
	}
	return &Figure{title: title, width: vg.Length(width) * mm, height: vg.Length(height) * mm, draw: draw}
}

// broken makes a figure that returns a mistake in its data when it is written.
func broken(format string, args ...any) *Figure {
	return &Figure{err: fmt.Errorf("plots: "+format, args...)}
}

// Save writes the figure to a file, as PNG, SVG or PDF by the path's extension. It
// makes missing folders, and writes the file whole or not at all.
func (f *Figure) Save(path string) error {
	render := f.PNG
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png":
	case ".svg":
		render = f.SVG
	case ".pdf":
		render = f.PDF
	default:
		return fmt.Errorf("%s: a figure is saved as .png, .svg or .pdf", path)
	}
	data, err := render()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeFile(path, data)
}

// PNG returns the figure on white at 150 dpi.
func (f *Figure) PNG() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	img := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(dpi))
	f.draw(draw.New(img), f.title)
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// SVG returns the figure on white as a complete document. Its text stays text.
func (f *Figure) SVG() ([]byte, error) {
	return f.svg(f.title, func(c *draw.Canvas) {
		fillRect(c, color.White, c.Min.X, c.Min.Y, c.Max.X, c.Max.Y)
	})
}

// InlineSVG returns the figure as an <svg> element for an HTML page. It has no
// background and no title, which the page writes in its own font. The colours of
// text, axes, grid and grey bars are the CSS properties --plot-ink, --plot-muted,
// --plot-rule, --plot-grid and --plot-baseline, so that a dark theme can set them.
func (f *Figure) InlineSVG() ([]byte, error) {
	b, err := f.svg("", func(*draw.Canvas) {})
	if err != nil {
		return nil, err
	}
	b = b[bytes.Index(b, []byte("<svg")):]
	themed := []string{}
	for _, c := range []struct {
		name  string
		color color.NRGBA
	}{{"ink", ink}, {"muted", muted}, {"rule", rule}, {"grid", grid}, {"baseline", baseline}} {
		hex := fmt.Sprintf("#%02X%02X%02X", c.color.R, c.color.G, c.color.B)
		themed = append(themed, ":"+hex, ":var(--plot-"+c.name+","+hex+")")
	}
	return []byte(strings.NewReplacer(themed...).Replace(string(b))), nil
}

func (f *Figure) svg(title string, background func(c *draw.Canvas)) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	svg := vgsvg.New(f.width, f.height)
	c := draw.New(svg)
	background(&c)
	f.draw(c, title)
	var b bytes.Buffer
	if _, err := svg.WriteTo(&b); err != nil {
		return nil, err
	}
	// Arial and Helvetica have the widths of Liberation Sans, for viewers
	// without it.
	const fallbacks = ",Arial,Helvetica,sans-serif"
	const family = "font-family:Liberation Sans"
	s := strings.ReplaceAll(b.String(), family, family+fallbacks)
	s = strings.Replace(s, "<svg ", `<svg role="img" aria-label="`+html.EscapeString(printable(f.title))+`" `, 1)
	return []byte(s), nil
}

// String returns a line for terminals, which cannot draw the figure.
func (f *Figure) String() string {
	return fmt.Sprintf("figure %q: its Save method writes it as .png, .svg or .pdf", f.title)
}
