package plots

import "image/color"

// Option changes how a figure looks. The Figure methods take any number of them, the last word counts.
type Option func(*look)

// look is what options set.
type look struct {
	width, height float64 // millimetres; 0 = the figure's own
	dpi           float64
	low, high     float64 // of the value axis, in its unit
	ranged        bool
	colors        []color.Color // in place of the palette
	untitled      bool
	scaled        bool // a height that is not given follows the width
}

func looks(width, height float64, options []Option) look {
	l := look{width: width, height: height, dpi: dpi}
	for _, option := range options {
		option(&l)
	}
	return l
}

// WithSize sets the figure's size in millimetres; 0 leaves a side as it is.
func WithSize(width, height float64) Option {
	return func(l *look) {
		if width != 0 {
			l.width = width
		}
		if height != 0 {
			l.height = height
		}
	}
}

// WithDPI sets the resolution of PNG files in dots per inch, 150 without it.
func WithDPI(dots float64) Option { return func(l *look) { l.dpi = dots } }

// WithRange sets the ends of the value axis, in the unit that it is labelled in (per cent where shares are drawn as
// such). A range that would cut a value or its interval is an error; training curves alone are cut.
func WithRange(low, high float64) Option {
	return func(l *look) { l.low, l.high, l.ranged = low, high, true }
}

// WithColors sets the colours of the series in their order, from the beginning again where there are more of them.
func WithColors(colors ...color.Color) Option { return func(l *look) { l.colors = colors } }

// WithoutTitle leaves the title away, where a caption says it.
func WithoutTitle() Option { return func(l *look) { l.untitled = true } }

// Column is the width of a paper's column or page.
type Column float64 // millimetres

// Widths of text, from the style files of the conferences.
const (
	ACLColumn Column = 77    // one of two columns: 7.7 cm
	ACLPage   Column = 160   // both columns: 16 cm
	ICLRHalf  Column = 67.3  // two figures side by side: 5.5 in less a gap of 5 mm
	ICLRPage  Column = 139.7 // 5.5 in
)

// ForPaper makes a figure as wide as a paper's column, without its title, which the caption says, and at 300 dpi. A
// height that is not set follows from the width. Text keeps its size of 8 to 8.5 points: include the file unscaled.
func ForPaper(column Column) Option {
	return func(l *look) {
		l.width, l.dpi, l.untitled, l.scaled = float64(column), 300, true, true
	}
}

// size returns a figure's size in millimetres, with a default for each side that is 0.
func (l look) size(defaultWidth, defaultHeight float64) (width, height float64) {
	width, height = l.width, l.height
	if width == 0 {
		width = defaultWidth
	}
	if height == 0 {
		height = defaultHeight
	}
	return width, height
}

// flat is [look.size] of a figure whose height no number of rows sets.
func (l look) flat(defaultWidth, defaultHeight float64) (width, height float64) {
	const least = 52 // millimetres, below which the axes leave little to the data
	if l.scaled {
		defaultHeight = max(least, defaultHeight*l.width/defaultWidth)
	}
	return l.size(defaultWidth, defaultHeight)
}

// color returns the colour of series i.
func (l look) color(i int) color.Color {
	if len(l.colors) > 0 {
		return l.colors[i%len(l.colors)]
	}
	return colorOf(i)
}

// bar returns the colour of model i of a comparison of n, of which the first is grey.
func (l look) bar(i, n int) color.Color {
	switch {
	case len(l.colors) > 0 || n == 1:
		return l.color(i)
	case i == 0:
		return baseline
	}
	return l.color(i - 1)
}
