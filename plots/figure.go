package plots

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"path/filepath"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// dpi is the resolution of PNG files in dots per inch.
const dpi = 150

// Figure is a figure that is laid out and can be written. The Figure methods of this package's structs return one.
type Figure struct {
	title, note   string
	untitled      bool
	keys          []key
	width, height vg.Length
	dpi           float64
	panels        []panel
	columns       int   // of panels with titles of their own; 0 = one plot, which has the figure's
	err           error // why there is nothing to draw
}

// panel is one of a figure's plots, with a legend of its own if it needs one.
type panel struct {
	*plot.Plot
	keys  []key
	spots []spot // what SVG tells at a pointer
	rows  bool   // the spots stand on the y axis
}

// sized gives a figure its size in millimetres, and checks it.
func (f Figure) sized(l look, width, height float64) *Figure {
	for _, side := range []float64{width, height} {
		if !(side >= leastSize && side <= mostSize) {
			return broken("figure %q: %g × %g mm, expected %d to %d mm a side: set Width and Height, or draw less",
				f.title, width, height, leastSize, mostSize)
		}
	}
	if pixels := width * height * l.dpi * l.dpi / 25.4 / 25.4; !(l.dpi >= leastDPI && pixels <= mostPixels) {
		return broken("figure %q: %g × %g mm at %g dpi, expected at least %d dpi and at most %g million pixels",
			f.title, width, height, l.dpi, leastDPI, mostPixels/1e6)
	}
	f.width, f.height, f.dpi, f.untitled = vg.Length(width)*mm, vg.Length(height)*mm, l.dpi, l.untitled
	return &f
}

// broken makes a figure that returns a mistake in its data when it is written.
func broken(format string, args ...any) *Figure {
	return &Figure{err: fmt.Errorf("plots: "+format, args...), panels: []panel{{Plot: plot.New()}}}
}

// Plot returns the figure's gonum plot, the first where it has several, to change its axes, or to add plotters to it
// before the figure is written. Saved by gonum itself it lacks what the figure writes above it: title, note and legend.
// A figure that has a mistake in its data has an empty plot.
func (f *Figure) Plot() *plot.Plot { return f.panels[0].Plot }

// Plots returns the gonum plots of all panels, row by row.
func (f *Figure) Plots() []*plot.Plot {
	var plots []*plot.Plot
	for _, p := range f.panels {
		plots = append(plots, p.Plot)
	}
	return plots
}

// Save writes the figure to a file, as PNG, SVG or PDF by the path's extension. It makes missing folders, and writes
// the file whole or not at all.
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

// PNG returns the figure on white, at 150 dpi unless [WithDPI] says otherwise.
func (f *Figure) PNG() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	img := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(int(f.dpi)))
	f.draw(draw.New(img), !f.untitled)
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// created is the date that gonum's PDF writer puts into a file.
var created = regexp.MustCompile(`/(CreationDate|ModDate) \(D:\d{14}\)`)

// PDF returns the figure as a PDF of one page in the figure's size. Its letters are outlines, since gonum's writer has
// fonts for the characters of code page 1252 alone, and its dates are fixed, so that equal figures are equal files.
func (f *Figure) PDF() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	pdf := vgpdf.New(f.width, f.height)
	f.draw(draw.New(pdf), !f.untitled)
	var b bytes.Buffer
	if _, err := pdf.WriteTo(&b); err != nil {
		return nil, err
	}
	return created.ReplaceAll(b.Bytes(), []byte("/$1 (D:20000101000000)")), nil
}

// SVG returns the figure on white as a complete document. Its text stays text: it can be searched, copied and read
// aloud, and the viewer's fonts draw it; the fonts that it was measured with are named first. Where a browser shows it
// as a document or an element of a page, values are told at the pointer.
func (f *Figure) SVG() ([]byte, error) {
	return f.svg(!f.untitled, func(c *draw.Canvas) {
		fillRect(c, color.White, c.Min.X, c.Min.Y, c.Max.X, c.Max.Y)
	})
}

// InlineSVG returns the figure as an <svg> element for an HTML page. It has no background and no title, which the page
// writes in its own font. The colours of text, axes, grid and grey bars are the CSS properties --plot-ink,
// --plot-muted, --plot-rule, --plot-grid and --plot-baseline, so that a dark theme can set them.
func (f *Figure) InlineSVG() ([]byte, error) {
	b, err := f.svg(false, func(*draw.Canvas) {})
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

// svgText is a text as gonum writes it: weight and size, then the text.
var svgText = regexp.MustCompile(`style="font-family:Liberation Sans;font-variant:normal;font-weight:(\w+);` +
	`font-style:normal;([^"]*)">([^<]*)<`)

func (f *Figure) svg(titled bool, background func(c *draw.Canvas)) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	svg := vgsvg.New(f.width, f.height)
	c := draw.New(svg)
	background(&c)
	f.draw(c, titled)
	var b bytes.Buffer
	if _, err := svg.WriteTo(&b); err != nil {
		return nil, err
	}
	// Arial and Helvetica have the widths of Liberation Sans, for viewers without it.
	const own = "Liberation Sans,Arial,Helvetica"
	s := svgText.ReplaceAllStringFunc(f.told(b.String()), func(s string) string {
		part := svgText.FindStringSubmatch(s)
		weight, rest, text := part[1], part[2], part[3]
		shaped := letters.shape(html.UnescapeString(text), weight == "bold")
		if len(shaped.families) > 0 {
			rest = html.EscapeString("font-family:"+own+","+strings.Join(shaped.families, ",")+",sans-serif") + ";" + rest
		}
		if weight != "normal" {
			rest = "font-weight:" + weight + ";" + rest
		}
		if shaped.rtl { // the text's place is its left end, and its direction its own (isolate, pop)
			text = "\u2067" + text + "\u2069"
		}
		return `style="` + rest + `">` + text + "<"
	})
	label := html.EscapeString(printable(f.title))
	s = strings.Replace(s, "<svg ",
		`<svg role="img" aria-label="`+label+`" style="font-family:`+own+`,sans-serif" `, 1)
	return []byte(s), nil
}

// String returns a line for terminals, which cannot draw the figure.
func (f *Figure) String() string {
	return fmt.Sprintf("figure %q: its Save method writes it as .png, .svg or .pdf", f.title)
}
