package plots

import (
	"bytes"
	"cmp"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/fontscan"
)

// fonts finds a font for a character: Liberation Sans, which is part of the program, and for the scripts that it lacks
// the fonts of the system, read when a text first asks for them. It has a lock outside, since faces keep caches.
type fonts struct {
	regular, bold *font.Face
	files         []string                // of the system, nil before they are listed
	covers        map[string]coverage     // the characters of each file that was read
	opened        map[string][]*font.Face // the files that have had a character to draw
	found         map[want]*font.Face     // by what was asked for; nil for none
}

// want is what a font is asked for. Of the characters that Chinese, Japanese and Korean share each has its own forms.
type want struct {
	char rune
	bold bool
	han  string // the end of the family's name of Noto's fonts: "SC", "JP", "KR"
}

func newFonts() *fonts {
	own := func(ttf []byte) *font.Face {
		face, err := font.ParseTTF(bytes.NewReader(ttf))
		if err != nil {
			panic(err) // the program's own bytes
		}
		return face
	}
	return &fonts{
		regular: own(liberationsansregular.TTF), bold: own(liberationsansbold.TTF),
		covers: map[string]coverage{}, opened: map[string][]*font.Face{}, found: map[want]*font.Face{},
	}
}

// own is the program's font in a weight.
func (f *fonts) own(bold bool) *font.Face {
	if bold {
		return f.bold
	}
	return f.regular
}

// face returns a font that draws a character, or nil if there is none.
func (f *fonts) face(w want) *font.Face {
	if draws(f.own(w.bold), w.char) {
		return f.own(w.bold)
	}
	if face, asked := f.found[w]; asked {
		return face
	}
	f.found[w] = f.search(w)
	return f.found[w]
}

// noto are the scripts of the evaluation sets by a part of the names of Noto's fonts for them. Fonts for others are
// found too, with more files read.
var noto = []struct {
	script *unicode.RangeTable
	name   string
}{
	{unicode.Bengali, "bengali"}, {unicode.Telugu, "telugu"}, {unicode.Thai, "thai"}, {unicode.Arabic, "arabic"},
	{unicode.Hebrew, "hebrew"}, {unicode.Devanagari, "devanagari"}, {unicode.Han, "cjk"}, {unicode.Hiragana, "cjk"},
	{unicode.Katakana, "cjk"}, {unicode.Hangul, "cjk"},
}

// search reads the system's fonts in an order in which the best come first, until one draws the character.
func (f *fonts) search(w want) *font.Face {
	if f.files == nil {
		f.files = systemFonts()
	}
	part := ""
	for _, n := range noto {
		if unicode.Is(n.script, w.char) {
			part = n.name
		}
	}
	rank := func(path string) int { // the lower the better
		name := strings.ToLower(filepath.Base(path))
		rank := 0
		for _, prefers := range []bool{
			part != "" && strings.Contains(name, part),
			strings.HasPrefix(name, "notosans"),
			!strings.Contains(name, "italic") && !strings.Contains(name, "oblique"),
			!strings.Contains(name, "serif") && !strings.Contains(name, "mono") && !strings.Contains(name, "ui-"),
			strings.Contains(name, "bold") == w.bold && !strings.Contains(name, "light"),
			strings.Contains(name, "regular") || w.bold,
		} {
			rank <<= 1
			if !prefers {
				rank++
			}
		}
		return rank
	}
	files := slices.Clone(f.files)
	slices.SortStableFunc(files, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for _, path := range files {
		var first *font.Face
		for _, face := range f.open(path, w.char) {
			if !draws(face, w.char) {
				continue
			}
			if first == nil {
				first = face
			}
			if w.han != "" && strings.HasSuffix(face.Describe().Family, " CJK "+w.han) {
				return face
			}
		}
		if first != nil {
			return first
		}
	}
	return nil
}

// open returns the faces of a file that has a character, none if it has not or cannot be read as a font.
func (f *fonts) open(path string, char rune) []*font.Face {
	covers, read := f.covers[path]
	if read && !covers.has(char) {
		return nil
	}
	if faces, kept := f.opened[path]; kept {
		return faces
	}
	var faces []*font.Face
	if data, err := os.ReadFile(path); err == nil {
		faces, _ = font.ParseTTC(bytes.NewReader(data)) // what is no font has no faces
	}
	covers = coverage{}
	for _, face := range faces {
		for each := face.Cmap.Iter(); each.Next(); {
			char, _ := each.Char()
			covers.add(char)
		}
	}
	f.covers[path] = covers
	if !covers.has(char) {
		return nil // the next question may be for another font: all of a system’s would take hundreds of megabytes
	}
	f.opened[path] = faces
	return faces
}

// coverage is a set of characters, 256 to a page.
type coverage map[rune]*[4]uint64

func (c coverage) add(r rune) {
	page := c[r>>8]
	if page == nil {
		page = new([4]uint64)
		c[r>>8] = page
	}
	page[r>>6&3] |= 1 << (r & 63)
}

func (c coverage) has(r rune) bool { return c[r>>8] != nil && c[r>>8][r>>6&3]>>(r&63)&1 == 1 }

// draws reports whether a face has a character, and not as a bitmap.
func draws(face *font.Face, char rune) bool {
	glyph, ok := face.NominalGlyph(char)
	if !ok {
		return false
	}
	_, outline := face.GlyphDataOutline(glyph)
	return outline
}

// systemFonts lists the font files of the system, in the folders of Linux (fontconfig's too), macOS and Windows. The
// index that fontscan makes of them is not used: it must be written to a file, and a script may write only to its own
// folders.
func systemFonts() []string {
	folders, err := fontscan.DefaultFontDirectories(log.New(quiet{}, "", 0))
	if err != nil { // a system that it does not know
		return []string{}
	}
	files := []string{}
	for _, folder := range folders {
		_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() { // a folder that may not be read has no fonts for us
				return nil
			}
			switch strings.ToLower(filepath.Ext(path)) {
			case ".ttf", ".otf", ".ttc", ".otc":
				files = append(files, path)
			}
			return nil
		})
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// quiet takes what fontscan notes of folders that are not there.
type quiet struct{}

func (quiet) Write(p []byte) (int, error) { return len(p), nil }
