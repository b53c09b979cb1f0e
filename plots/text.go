package plots

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/go-text/typesetting/di"
	gotext "github.com/go-text/typesetting/font"
	ot "github.com/go-text/typesetting/font/opentype"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// letters shapes the text of all figures.
var letters = newTypesetter()

// typesetter is a text handler of gonum that shapes text as HarfBuzz does: conjuncts, marks, joined letters, and lines
// of both directions. On an SVG canvas a text stays text, on others its letters are
// outlines: pixels and PDF then need no font that knows their characters.
type typesetter struct {
	mu     sync.Mutex
	fonts  func() *fonts // read when the first text is drawn, and not by a command that draws none
	shaper shaping.HarfbuzzShaper
	split  shaping.Segmenter
	cache  map[cached]shaped
}

type cached struct {
	text string
	bold bool
}

// shaped is a line of text that is shaped, in units of its font size.
type shaped struct {
	width    float64
	runs     []shaping.Output // from left to right
	families []string         // of the fonts beside our own, in the order of their first use
	missing  []rune           // characters that no font has, each drawn as a box
	rtl      bool             // the line runs from right to left
}

func newTypesetter() *typesetter {
	return &typesetter{fonts: sync.OnceValue(newFonts), cache: map[cached]shaped{}}
}

// mostCached bounds the lines that are kept.
const mostCached = 10_000

// perEm is the font size that a line is shaped at: fine enough that 1/64 of a unit does not count.
const perEm = 1000

// shape lays a line of text out.
func (t *typesetter) shape(s string, bold bool) shaped {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := cached{s, bold}
	if l, ok := t.cache[key]; ok {
		return l
	}
	l := shaped{rtl: rightToLeft(s)}
	direction := di.DirectionLTR
	if l.rtl {
		direction = di.DirectionRTL
	}
	if s == "" { // of which the shaper makes a run without a font
		return shaped{}
	}
	runes := []rune(s)
	choice := &choice{fonts: t.fonts(), bold: bold, han: hanOf(s)}
	runs := t.split.Split(shaping.Input{
		Text: runes, RunEnd: len(runes), Direction: direction, Size: fixed.I(perEm), Language: language.NewLanguage("en"),
	}, choice)
	for _, run := range visual(runs, l.rtl) {
		l.add(t.shaper.Shape(run), runes, t.fonts().own(bold))
	}
	if len(t.cache) >= mostCached {
		clear(t.cache)
	}
	t.cache[key] = l
	return l
}

// unit is what the shaper's numbers count in, in font sizes.
const unit = 1. / 64 / perEm

// add appends a run of letters at the right end of a line.
func (l *shaped) add(run shaping.Output, runes []rune, own *gotext.Face) {
	l.runs = append(l.runs, run)
	if run.Face != own {
		family := run.Face.Describe().Family
		if !slices.Contains(l.families, family) {
			l.families = append(l.families, family)
		}
	}
	cluster := -1
	for _, glyph := range run.Glyphs {
		l.width += float64(glyph.Advance) * unit
		if glyph.GlyphID == 0 && glyph.TextIndex() != cluster {
			cluster = glyph.TextIndex()
			l.missing = append(l.missing, runes[glyph.TextIndex():glyph.TextIndex()+glyph.RunesCount()]...)
		}
	}
}

// path returns the letters' outlines at a font size, from the left end of the base line at a point.
func (t *typesetter) path(l shaped, size vg.Length, from vg.Point) vg.Path {
	t.mu.Lock()
	defer t.mu.Unlock()
	var path vg.Path
	pen := 0.
	for _, run := range l.runs {
		em := float64(run.Face.Upem())
		for _, glyph := range run.Glyphs {
			x, y := pen+float64(glyph.XOffset)*unit, float64(glyph.YOffset)*unit
			advance := float64(glyph.Advance) * unit
			pen += advance
			at := func(dx, dy float64) vg.Point {
				return vg.Point{X: from.X + vg.Length(x+dx)*size, Y: from.Y + vg.Length(y+dy)*size}
			}
			if glyph.GlyphID == 0 {
				emptyBox(&path, advance, at)
				continue
			}
			outline, _ := run.Face.GlyphDataOutline(glyph.GlyphID)
			point := func(p ot.SegmentPoint) vg.Point { return at(float64(p.X)/em, float64(p.Y)/em) }
			for i, s := range outline.Segments {
				switch s.Op {
				case ot.SegmentOpMoveTo:
					if i > 0 {
						path.Close()
					}
					path.Move(point(s.Args[0]))
				case ot.SegmentOpLineTo:
					path.Line(point(s.Args[0]))
				case ot.SegmentOpQuadTo:
					path.QuadTo(point(s.Args[0]), point(s.Args[1]))
				case ot.SegmentOpCubeTo:
					path.CubeTo(point(s.Args[0]), point(s.Args[1]), point(s.Args[2]))
				}
			}
			if len(outline.Segments) > 0 {
				path.Close()
			}
		}
	}
	return path
}

// emptyBox draws a rectangle in place of a character that no font has.
func emptyBox(path *vg.Path, width float64, at func(x, y float64) vg.Point) {
	const low, high, side, pen = -.12, .74, .06, .06
	ring := func(inset float64, around []int) {
		x0, x1, y0, y1 := side+inset, width-side-inset, low+inset, high-inset
		corners := []vg.Point{at(x0, y0), at(x1, y0), at(x1, y1), at(x0, y1)}
		path.Move(corners[around[0]])
		for _, k := range around[1:] {
			path.Line(corners[k])
		}
		path.Close()
	}
	ring(0, []int{0, 1, 2, 3})
	ring(pen, []int{0, 3, 2, 1}) // the other way round, and so not filled
}

// choice tells the shaper which font draws a character.
type choice struct {
	fonts *fonts
	bold  bool
	han   string
}

func (c *choice) ResolveFace(r rune) *gotext.Face {
	if face := c.fonts.face(want{r, c.bold, c.han}); face != nil {
		return face
	}
	return c.fonts.own(c.bold)
}

// hanOf says whose forms of Chinese characters a text takes, by the other characters in it.
func hanOf(s string) string {
	han := "SC"
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			return "JP"
		case unicode.Is(unicode.Hangul, r):
			han = "KR"
		}
	}
	return han
}

// own are the faces that SVG names, of the text that it draws itself.
var own = sync.OnceValue(func() *font.Cache { return font.NewCache(liberation.Collection()) })

// Cache returns gonum's cache of our own font.
func (t *typesetter) Cache() *font.Cache { return own() }

// The height of a line of Liberation Sans above and below its base line, in font sizes.
const ascent, descent = .905, .212

// Extents returns the height of a line. Its descent counts as a part of the ascent: gonum's axes would shift labels by
// it, and [typesetter.Draw] needs no shift.
func (t *typesetter) Extents(f font.Font) font.Extents {
	height := f.Size * (ascent + descent)
	return font.Extents{Ascent: height, Height: height}
}

// Lines splits a text at its line breaks.
func (t *typesetter) Lines(s string) []string { return strings.Split(strings.TrimRight(s, "\n"), "\n") }

// Box returns the size of a line.
func (t *typesetter) Box(s string, f font.Font) (width, height, depth vg.Length) {
	l := t.shape(printable(s), f.Weight >= xfont.WeightSemiBold)
	return vg.Length(l.width) * f.Size, ascent * f.Size, descent * f.Size
}

// innermost returns the canvas that others are parts of.
func innermost(c vg.Canvas) vg.Canvas {
	switch part := c.(type) {
	case *draw.Canvas:
		return innermost(part.Canvas)
	case draw.Canvas:
		return innermost(part.Canvas)
	}
	return c
}

// Draw writes a text with the point of its box that sty's alignment names at pt.
func (t *typesetter) Draw(c vg.Canvas, s string, sty text.Style, pt vg.Point) {
	_, asText := innermost(c).(*vgsvg.Canvas)
	c.Push()
	defer c.Pop()
	c.SetColor(sty.Color)
	if sty.Rotation != 0 {
		c.Translate(pt)
		c.Rotate(sty.Rotation)
		pt = vg.Point{}
	}
	lines := t.Lines(s)
	size := sty.Font.Size
	top := size * (ascent + descent) * vg.Length(len(lines)) * (1 + vg.Length(sty.YAlign))
	for i, text := range lines {
		text = printable(text)
		l := t.shape(text, sty.Font.Weight >= xfont.WeightSemiBold)
		at := vg.Point{
			X: pt.X + vg.Length(sty.XAlign)*vg.Length(l.width)*size,
			Y: pt.Y + top - size*(ascent+vg.Length(i)*(ascent+descent)),
		}
		if asText {
			c.FillString(own().Lookup(sty.Font, size), at, text)
		} else if path := t.path(l, size, at); len(path) > 0 {
			c.Fill(path)
		}
	}
}
