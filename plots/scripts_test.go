package plots

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// samples are texts in the scripts of MGSM and X-AlpacaEval and some more, with the family that draws each: conjuncts
// with signs before and below them, stacked marks, joined letters and their ligature, both directions in one line.
var samples = []struct{ name, family, text string }{
	{"Latin", "Liberation Sans", "Accuracy größer ñ fi AV"},
	{"Cyrillic", "Liberation Sans", "Точность ответов"},
	{"Bengali", "Noto Sans Bengali", "বাংলা ক্ষুদ্র স্ত্রী র্ক্ত"},
	{"Telugu", "Noto Sans Telugu", "తెలుగు స్త్రీ క్ష్మ త్ర్య"},
	{"Thai", "Noto Sans Thai", "ภาษาไทย น้ำ ที่ ปู่ ญี่"},
	{"Arabic", "Noto Sans Arabic", "العربية لا إله 123 abc"},
	{"Arabic in Latin", "Noto Sans Arabic", "M0 العربية 5 %"},
	{"Hebrew", "Liberation Sans", "עברית שָׁלוֹם (abc)"},
	{"Hindi", "Noto Sans Devanagari", "हिन्दी क्षत्रिय स्त्री र्क"},
	{"Japanese", "Noto Sans CJK JP", "日本語直かな"},
	{"Chinese", "Noto Sans CJK SC", "中文直骨"},
	{"Korean", "Noto Sans CJK KR", "한국어 각"},
}

// sheet writes a text a line.
type sheet struct {
	texts  []string
	letter *typesetter
}

const sheetRow, sheetSize = 42, 26 // points

func (s sheet) Plot(c draw.Canvas, _ *plot.Plot) {
	st := textStyle(sheetSize, ink)
	st.Handler = s.letter
	for i, text := range s.texts {
		st.YAlign = draw.YCenter
		c.FillText(st, vg.Point{X: 10, Y: c.Max.Y - sheetRow*(vg.Length(i)+.5)}, text)
	}
}

// sheetFigure is a figure of nothing but lines of text, a point of which is a pixel of 96 dpi by 4/3.
func sheetFigure(letter *typesetter, texts ...string) *Figure {
	p := newPlot("", "", "")
	p.HideAxes()
	p.Add(sheet{texts, letter})
	l := looks(0, 0, []Option{WithDPI(96)})
	return Figure{panels: []panel{{Plot: p}}}.sized(l, 140, sheetRow*float64(len(texts))/float64(mm)+5)
}

func decoded(t *testing.T, data []byte, err error) image.Image {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// strip is the ink of one line of a sheet: its dark pixels.
func strip(img image.Image, row int) map[image.Point]bool {
	const pixels = 96. / 72
	dark := map[image.Point]bool{}
	top := float64(5+sheetRow*row) * pixels // the figure's margins
	for y := int(top); y < int(top+sheetRow*pixels); y++ {
		for x := range img.Bounds().Dx() {
			if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 128 {
				dark[image.Point{X: x, Y: y}] = true
			}
		}
	}
	return dark
}

// unlike is the share of the ink of either of two lines that has none of the other's within two pixels, as rounding of
// positions and hinting move it.
func unlike(a, b map[image.Point]bool) float64 {
	far := func(from, to map[image.Point]bool) (n int) {
		for p := range from {
			near := false
			for dy := -2; dy <= 2; dy++ {
				for dx := -2; dx <= 2; dx++ {
					near = near || to[image.Point{X: p.X + dx, Y: p.Y + dy}]
				}
			}
			if !near {
				n++
			}
		}
		return n
	}
	if len(a) == 0 || len(b) == 0 {
		return 1
	}
	return float64(far(a, b)+far(b, a)) / float64(len(a)+len(b))
}

// mostUnlike bounds unlike: five times the most that was seen, .0019 of Thai, and a fifth of what a lost mark
// makes.
const mostUnlike = .01

// withFonts skips a test where a font lacks that the picture was drawn with, and returns the texts of the samples.
func withFonts(t *testing.T) (texts []string) {
	t.Helper()
	for _, s := range samples {
		families := append([]string{"Liberation Sans"}, letters.shape(s.text, false).families...)
		if !slices.Contains(families, s.family) {
			t.Skipf("%s is drawn with %v: install the Noto fonts (Debian: fonts-noto-core, fonts-noto-cjk)", s.name, families)
		}
		texts = append(texts, s.text)
	}
	return texts
}

const chromiumPicture = "testdata/scripts-chromium.png"

// Texts of all scripts are drawn as chromium draws them, in its picture that is kept in testdata.
func TestScripts(t *testing.T) {
	texts := withFonts(t)
	kept, err := os.ReadFile(chromiumPicture)
	theirs := decoded(t, kept, err)
	data, err := sheetFigure(letters, texts...).PNG()
	ours := decoded(t, data, err)
	for i, s := range samples {
		if got := unlike(strip(ours, i), strip(theirs, i)); got > mostUnlike {
			t.Errorf("%s: %.3f of the ink is elsewhere than chromium's, expected at most %g", s.name, got, mostUnlike)
		}
	}
	// What the bound is worth: the same words with their conjuncts, their joins or their order undone are beyond it.
	for row, undone := range map[int]string{
		2: strings.ReplaceAll(texts[2], "্", "্\u200c"), 3: strings.ReplaceAll(texts[3], "్", "్\u200c"),
		4: strings.ReplaceAll(texts[4], "้", ""), 5: strings.ReplaceAll(texts[5], "ر", "ر\u200c") + "د",
		6: "M0 \u202d5 العربية\u202c %",
	} {
		data, err := sheetFigure(letters, undone).PNG()
		broken := shifted(strip(decoded(t, data, err), 0), row)
		t.Logf("%s undone: %.3f", samples[row].name, unlike(broken, strip(theirs, row)))
		if got := unlike(broken, strip(theirs, row)); got <= 2*mostUnlike {
			t.Errorf("%s with its shapes undone: %.3f of the ink is elsewhere, too little to be seen", samples[row].name, got)
		}
	}
}

// shifted is the ink of the first line at the place of another.
func shifted(dark map[image.Point]bool, row int) map[image.Point]bool {
	out := map[image.Point]bool{}
	for p := range dark {
		out[image.Point{X: p.X, Y: p.Y + row*sheetRow*96/72}] = true
	}
	return out
}

// The kept picture is what chromium draws of our SVG; -update writes it anew.
func TestChromiumDrawsTheSVG(t *testing.T) {
	texts := withFonts(t)
	chromium := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && chromium == "" {
			chromium = path
		}
	}
	if chromium == "" {
		t.Skip("there is no chromium to compare with (Debian: apt-get install chromium)")
	}
	figure := sheetFigure(letters, texts...)
	path, shot := filepath.Join(t.TempDir(), "scripts.svg"), filepath.Join(t.TempDir(), "scripts.png")
	svg, err := figure.SVG()
	if err != nil {
		t.Fatal(err)
	}
	// Our own font, which a system need not have.
	face := `<style>@font-face{font-family:"Liberation Sans";src:url(data:font/ttf;base64,` +
		base64.StdEncoding.EncodeToString(liberationsansregular.TTF) + `)}</style><g `
	if err := os.WriteFile(path, bytes.Replace(svg, []byte("<g "), []byte(face), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	data, err := figure.PNG()
	ours := decoded(t, data, err)
	command := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu",
		"--hide-scrollbars", "--user-data-dir="+t.TempDir(), "--screenshot="+shot,
		fmt.Sprintf("--window-size=%d,%d", ours.Bounds().Dx(), ours.Bounds().Dy()), "file://"+path)
	command.WaitDelay = 5 * time.Second
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("chromium: %v: %s", err, out)
	}
	drawn, err := os.ReadFile(shot)
	theirs := decoded(t, drawn, err)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(chromiumPicture, drawn, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i, s := range samples {
		got := unlike(strip(ours, i), strip(theirs, i))
		t.Logf("%-16s %.4f of the ink is elsewhere", s.name, got)
		if got > mostUnlike {
			t.Errorf("%s: %.3f of the ink is elsewhere than chromium's, expected at most %g", s.name, got, mostUnlike)
		}
	}
}

// A character that no font has is a box that can be seen, and takes its place.
func TestMissingGlyphs(t *testing.T) {
	without := newTypesetter()
	without.fonts().files = []string{} // of a system that has none
	const text = "ক্ষ th"
	l := without.shape(text, false)
	if len(l.missing) != 3 || l.width < 2 {
		t.Errorf("%q: %q are missing, in %.2f font sizes, expected three boxes", text, string(l.missing), l.width)
	}
	data, err := sheetFigure(without, text).PNG()
	boxes := strip(decoded(t, data, err), 0)
	data, err = sheetFigure(without, " th").PNG()
	if latin := strip(decoded(t, data, err), 0); len(boxes) < len(latin)+300 {
		t.Errorf("the boxes have %d dark pixels, the letters %d of them", len(boxes), len(latin))
	}
	if l := letters.shape("\u0378", false); string(l.missing) != "\u0378" { // which is not assigned
		t.Errorf("%q are missing, expected the one", string(l.missing))
	}
}

// SVG keeps text, names the fonts that it was measured with, and says where it runs from right to left.
func TestSVGText(t *testing.T) {
	withFonts(t)
	svg, err := sheetFigure(letters, "ক্ষ", "לא 1", "en").SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`style="font-family:Liberation Sans,Arial,Helvetica,Noto Sans Bengali,sans-serif;font-size:26px;fill:#23272E">ক্ষ<`,
		"\u2067לא 1\u2069<", `style="font-size:26px;fill:#23272E">en<`,
	} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("expected %s in\n%s", want, svg)
		}
	}
}

// FuzzShape: any text has a width and as many letters as fit, and is drawn.
func FuzzShape(f *testing.F) {
	for _, s := range samples {
		f.Add(s.text)
	}
	f.Add("\u202e\u2066abc\u200d\U000E0041\xff")
	without := newTypesetter()
	without.fonts().files = []string{}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 200 {
			t.Skip()
		}
		st := textStyle(8, ink)
		st.Handler = without
		if width := st.Width(s); !(width >= 0 && width < 8*2*vg.Length(len(s)+1)) {
			t.Errorf("%q is %g points wide", s, width)
		}
		for _, line := range wrap(s, st, 40, 3) {
			if len(line) > 4 && st.Width(line) > 40+8*1.5 {
				t.Errorf("%q of %q is %g points wide, expected at most 40", line, s, st.Width(line))
			}
		}
		without.path(without.shape(printable(s), true), 8, vg.Point{})
	})
}
