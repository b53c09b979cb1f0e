package plots

import (
	"image/color"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// mm is a millimetre in points.
const mm = vg.Length(72 / 25.4)

// The neutral colours. InlineSVG turns exactly these into CSS properties, so
// nothing that must keep its colour on a dark page may use them.
var (
	ink   = rgb(0x23272E) // titles, labels
	muted = rgb(0x5F6672) // tick labels, units
	rule  = rgb(0xB4BAC3) // axes
	grid  = rgb(0xE4E7EB)
)

// Okabe and Ito's palette (https://jfly.uni-koeln.de/color/) in an order that
// keeps neighbours apart in brightness too; black is left to the text.
var palette = []color.Color{
	rgb(0x0072B2), // blue
	rgb(0xE69F00), // orange
	rgb(0x009E73), // bluish green
	rgb(0xCC79A7), // reddish purple
	rgb(0x56B4E9), // sky blue
	rgb(0xD55E00), // vermilion
	rgb(0xD9C81E), // yellow, darkened from F0E442 to be seen on white
}

// baseline is the colour of what the others are compared with.
var baseline = rgb(0x9AA1AB)

func colorOf(i int) color.Color { return palette[i%len(palette)] }

func rgb(x uint32) color.NRGBA {
	return color.NRGBA{R: uint8(x >> 16), G: uint8(x >> 8), B: uint8(x), A: 255}
}

// faded returns c at opacity a.
func faded(c color.Color, a float64) color.NRGBA {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	n.A = uint8(255 * a)
	return n
}

// Text sizes in points, and the distance from one line to the next.
const (
	titleSize = 10
	labelSize = 8.5
	tickSize  = 8
	leading   = 1.3
)

var textHandler = text.Plain{Fonts: font.NewCache(liberation.Collection())}

// textStyle returns the sans font at a size in points.
func textStyle(size float64, c color.Color) draw.TextStyle {
	return draw.TextStyle{
		Color:   c,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)},
		XAlign:  draw.XLeft,
		YAlign:  draw.YTop,
		Handler: textHandler,
	}
}

func bold(s draw.TextStyle) draw.TextStyle {
	s.Font.Weight = xfont.WeightBold
	return s
}

func aligned(s draw.TextStyle, x text.XAlignment) draw.TextStyle {
	s.XAlign = x
	return s
}

// lineHeight is the distance between the lines of a text.
func lineHeight(s draw.TextStyle) vg.Length { return s.Font.Size * leading }

// wrap breaks a text at spaces into lines of at most width. A word that is wider
// than a line is shortened with an ellipsis, so that nothing is outside its box.
func wrap(s string, st draw.TextStyle, width vg.Length) []string {
	var lines []string
	for _, word := range strings.Fields(s) {
		n := len(lines)
		if n > 0 && st.Width(lines[n-1]+" "+word) <= width {
			lines[n-1] += " " + word
			continue
		}
		if n == mostLines {
			lines[n-1] = shorten(lines[n-1]+" "+word, st, width)
			break
		}
		lines = append(lines, shorten(word, st, width))
	}
	return lines
}

// mostLines bounds the lines of one text, so that it leaves room for the figure.
const mostLines = 8

// shorten returns the longest beginning of a text that fits a width, with an ellipsis where something is missing.
func shorten(s string, st draw.TextStyle, width vg.Length) string {
	s = printable(s)
	if st.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	tooLong := sort.Search(len(runes), func(n int) bool { return st.Width(string(runes[:n])+"…") > width })
	return string(runes[:min(len(runes), max(1, tooLong-1))]) + "…"
}

// printable replaces what is no character of a line of text, and what XML does not allow, so that an SVG is well formed
// whatever the labels are.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || r == utf8.RuneError || r&0xFFFE == 0xFFFE:
			return '\uFFFD'
		}
		return r
	}, s)
}

// drawLines writes lines below each other, the first one's top at pt.
func drawLines(c *draw.Canvas, st draw.TextStyle, pt vg.Point, lines []string) {
	for _, l := range lines {
		c.FillText(st, pt, l)
		pt.Y -= lineHeight(st)
	}
}

// drawMiddle writes a line of text whose digits and capitals have their middle
// at y, aligned to x as st says.
func drawMiddle(c *draw.Canvas, st draw.TextStyle, x, y vg.Length, s string) {
	const half = .36 // half a capital's height in Liberation Sans, in font sizes
	face := textHandler.Fonts.Lookup(st.Font, st.Font.Size)
	c.SetColor(st.Color)
	s = printable(s)
	c.FillString(face, vg.Point{X: x + vg.Length(st.XAlign)*face.Width(s), Y: y - half*st.Font.Size}, s)
}

func line(c color.Color, points float64) draw.LineStyle {
	return draw.LineStyle{Color: c, Width: vg.Points(points)}
}

func fillRect(c *draw.Canvas, col color.Color, x0, y0, x1, y1 vg.Length) {
	c.FillPolygon(col, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

// The sizes of numbers that are written with a power of ten.
const (
	mostDigits = 12
	longNumber = 1e15
)

// number writes v with at most digits decimals, a real minus sign and no trailing zeros.
func number(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', min(digits, mostDigits), 64)
	if digits > mostDigits || math.Abs(v) >= longNumber {
		s = strconv.FormatFloat(v, 'g', 3, 64)
	} else if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		s = "0"
	}
	return strings.Replace(s, "-", "−", 1)
}

// span returns the range lo…hi extended to all finite values.
func span(lo, hi float64, values ...float64) (float64, float64) {
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			lo = math.Min(lo, v)
			hi = math.Max(hi, v)
		}
	}
	return lo, hi
}
