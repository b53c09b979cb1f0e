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

// Figure is a laid-out figure, ready to be written. The figures of this package
// make one with their Figure method.
type Figure struct {
	title         string
	width, height vg.Length
	draw          func(c draw.Canvas, title string)
	err           error // why there is nothing to draw
}

// newFigure makes a figure of a size in millimetres.
func newFigure(title string, width, height float64, draw func(c draw.Canvas, title string)) *Figure {
	return &Figure{title: title, width: vg.Length(width) * mm, height: vg.Length(height) * mm, draw: draw}
}

// broken makes a figure that reports a mistake in its data when it is written.
func broken(format string, args ...any) *Figure {
	return &Figure{err: fmt.Errorf("plots: "+format, args...)}
}

// Save writes the figure to a file, as PNG, SVG or PDF by the path's extension. The
// folder is made where it is missing, and the file appears whole or not at all.
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
	b, err := render()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeFile(path, b)
}

// PNG draws the figure on white at 150 dpi.
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

// SVG draws the figure on white as a document of its own. Its text stays text.
func (f *Figure) SVG() ([]byte, error) {
	return f.svg(f.title, func(c *draw.Canvas) {
		fillRect(c, color.White, c.Min.X, c.Min.Y, c.Max.X, c.Max.Y)
	})
}

// InlineSVG draws the figure as an <svg> element for an HTML page: without a
// background, without its title, which the page has in its own type, and with
// the colours of text, axes, grid and grey bars as the CSS properties --plot-ink,
// --plot-muted, --plot-rule, --plot-grid and --plot-baseline, so that a dark
// theme reaches it.
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
	// Arial and Helvetica have the widths of Liberation Sans, and are there
	// where it is not.
	s := strings.ReplaceAll(b.String(), "font-family:Liberation Sans", "font-family:Liberation Sans,Arial,Helvetica,sans-serif")
	s = strings.Replace(s, "<svg ", `<svg role="img" aria-label="`+html.EscapeString(f.title)+`" `, 1)
	return []byte(s), nil
}

// String names the figure where it cannot be drawn, on a terminal.
func (f *Figure) String() string {
	return fmt.Sprintf("figure %q: its Save method writes it as .png, .svg or .pdf", f.title)
}
