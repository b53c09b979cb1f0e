package plots

import (
	"image/color"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-text/typesetting/segmenter"
	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
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

// textStyle returns the sans font at a size in points.
func textStyle(size float64, c color.Color) draw.TextStyle {
	return draw.TextStyle{
		Color:   c,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)},
		XAlign:  draw.XLeft,
		YAlign:  draw.YTop,
		Handler: letters,
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

// wrap breaks a text into at most so many lines of at most a width, where a line may break in its script (UAX 14). What
// is wider than a line is shortened with an ellipsis, so that nothing is outside its box.
func wrap(s string, st draw.TextStyle, width vg.Length, most int) []string {
	if most < 1 {
		return nil
	}
	var parts segmenter.Segmenter
	parts.Init(beginning(printable(s), st, width*vg.Length(most)))
	var lines []string
	for each := parts.LineIterator(); each.Next(); {
		part := string(each.Line().Text)
		n := len(lines)
		if n > 0 && st.Width(strings.TrimRight(lines[n-1]+part, " ")) <= width {
			lines[n-1] += part
			continue
		}
		if n > 0 && n == most {
			lines[n-1] = shorten(lines[n-1]+part, st, width)
			break
		}
		if part = strings.TrimLeft(part, " "); part != "" {
			lines = append(lines, shorten(part, st, width))
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// mostLines bounds the lines of one text, so that it leaves room for the figure.
const mostLines = 8

// shorten returns the longest beginning of a text that fits a width, with an ellipsis where something is missing. It
// parts no letter from its marks.
func shorten(s string, st draw.TextStyle, width vg.Length) string {
	s = printable(s)
	runes := beginning(s, st, width)
	if len(runes) == len([]rune(s)) && st.Width(strings.TrimRight(s, " ")) <= width {
		return s
	}
	var parts segmenter.Segmenter
	parts.Init(runes)
	ends := []int{}
	for each := parts.GraphemeIterator(); each.Next(); {
		ends = append(ends, each.Grapheme().Offset+len(each.Grapheme().Text))
	}
	tooLong := sort.Search(len(ends), func(n int) bool { return st.Width(string(runes[:ends[n]])+"…") > width })
	if tooLong == 0 { // not even a letter
		return "…"
	}
	return string(runes[:ends[tooLong-1]]) + "…"
}

// beginning returns as many characters of a text as could fit a width at most: of endless texts no more is measured.
func beginning(s string, st draw.TextStyle, width vg.Length) []rune {
	const narrowest = 1. / 8 // font sizes a character, with its marks
	runes := []rune(s)
	most := 16 + max(0, int(width/st.Font.Size/narrowest))
	return runes[:min(len(runes), most)]
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

// drawMiddle writes a line of text whose digits and capitals have their middle
// at y, aligned to x as st says.
func drawMiddle(c *draw.Canvas, st draw.TextStyle, x, y vg.Length, s string) {
	st.YAlign = draw.YCenter
	c.FillText(st, vg.Point{X: x, Y: y}, s)
}

func stroke(c color.Color, points float64) draw.LineStyle {
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

// number writes v with digits decimals and a real minus sign.
func number(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', min(digits, mostDigits), 64)
	if digits > mostDigits || math.Abs(v) >= longNumber {
		s = strconv.FormatFloat(v, 'g', 3, 64)
	}
	if strings.Trim(s, "-0.") == "" { // no zero has a sign
		s = strings.TrimPrefix(s, "-")
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

// dashed is a line of dashes.
func dashed(c color.Color, points float64) draw.LineStyle {
	st := stroke(c, points)
	st.Dashes = []vg.Length{3, 3}
	return st
}

// short is a number without trailing zeros.
func short(s string) string {
	if strings.Contains(s, ".") && !strings.Contains(s, "e") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
