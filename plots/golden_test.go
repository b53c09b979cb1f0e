package plots_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/plots"
)

var update = flag.Bool("update", false, "write the golden images in testdata")

// dir is where the examples save their figures.
var dir string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if dir, err = os.MkdirTemp("", "plots"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// TestGolden draws the figures of the examples and compares them with the
// images in testdata, which have been looked at. `go test ./plots -update`
// writes them anew.
func TestGolden(t *testing.T) {
	for name, example := range map[string]func(){
		"bars.png": ExampleGroupedBars, "wintielose.png": ExampleWinTieLose, "lines.png": ExampleLines,
		"curves.png": ExampleCurves, "heatmap.png": ExampleHeatMap, "histograms.png": ExampleHistograms,
		"languages.png": ExampleLines_languages, "multiples.png": ExampleLines_languages,
		"published.png": ExampleForPaper,
	} {
		t.Run(name, func(t *testing.T) {
			example()
			got, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if err := sameImage(got, want); err != nil {
				t.Errorf("%s: %v", golden, err)
			}
			if err := cleanEdge(got); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// sameImage allows what another processor's rounding does to the edges of
// letters: a colour off by up to a fifth at up to one pixel in a thousand.
func sameImage(got, want []byte) error {
	a, err := png.Decode(bytes.NewReader(got))
	if err != nil {
		return err
	}
	b, err := png.Decode(bytes.NewReader(want))
	if err != nil {
		return err
	}
	if a.Bounds() != b.Bounds() {
		return fmt.Errorf("the image is %v, the golden one %v", a.Bounds(), b.Bounds())
	}
	off := 0
	eachPixel(a, func(x, y int) {
		r0, g0, b0, _ := a.At(x, y).RGBA()
		r1, g1, b1, _ := b.At(x, y).RGBA()
		for _, d := range []float64{float64(r0) - float64(r1), float64(g0) - float64(g1), float64(b0) - float64(b1)} {
			if math.Abs(d) > 0xFFFF/5 {
				off++
				break
			}
		}
	})
	if all := a.Bounds().Dx() * a.Bounds().Dy(); off*1000 > all {
		return fmt.Errorf("%d of %d pixels differ from the golden image", off, all)
	}
	return nil
}

// cleanEdge fails where something reaches the image's edge, and so may be cut.
func cleanEdge(b []byte) error {
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return err
	}
	r := img.Bounds()
	eachPixel(img, func(x, y int) {
		edge := x == r.Min.X || y == r.Min.Y || x == r.Max.X-1 || y == r.Max.Y-1
		if edge && err == nil && color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 250 {
			err = fmt.Errorf("something is cut at the edge, at pixel %d,%d", x, y)
		}
	})
	return err
}

func eachPixel(img image.Image, f func(x, y int)) {
	r := img.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			f(x, y)
		}
	}
}

// hard is a figure with more and longer labels than fit: they must be wrapped or
// shortened, never cut.
func hard(width float64) *plots.Figure {
	groups := []string{
		"translated prompts only", "Donaudampfschifffahrtsgesellschaft", "en", "a b c d e f g", "", "<b>&", "ru",
	}
	s := plots.Series{Name: "a model with quite a long name, round 1"}
	for i := range groups {
		s.Values = append(s.Values, float64(i)*1e3-2e3)
	}
	return plots.GroupedBars{
		Title: "A title that is too long for one line of a narrow column and goes on", Unit: "thing per other thing",
		Groups: groups, Series: []plots.Series{s, s, s}, Width: width,
	}.Figure()
}

func TestNothingIsCut(t *testing.T) {
	for _, width := range []float64{85, 170} {
		b, err := hard(width).PNG()
		if err != nil {
			t.Fatal(err)
		}
		if err := cleanEdge(b); err != nil {
			t.Errorf("%g mm: %v", width, err)
		}
	}
}

// TestDegenerate draws what a run at its very start has: nothing measured, one
// point, equal values, values of an odd size.
func TestDegenerate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	curve := func(c plots.Curve) *plots.Figure {
		return plots.Curves{Panels: []plots.Panel{{Curves: []plots.Curve{c}}}, Smoothing: .9}.Figure()
	}
	for name, fig := range map[string]*plots.Figure{
		"bars, nothing measured": plots.GroupedBars{
			Groups: []string{"en"},
			Series: []plots.Series{{Name: "M0", Values: []float64{nan}, Errors: []float64{nan}}},
		}.Figure(),
		"bars, large": plots.GroupedBars{
			Groups: []string{"a", "b"},
			Series: []plots.Series{{Values: []float64{1e12, -1e12}}},
		}.Figure(),
		"lines, nothing measured": plots.Lines{
			X:      []string{"M0"},
			Series: []plots.Series{{Name: "en", Values: []float64{nan}}},
		}.Figure(),
		"lines, one point": plots.Lines{
			X:       []string{"M0"},
			Series:  []plots.Series{{Name: "en", Values: []float64{.5}}},
			Percent: true,
		}.Figure(),
		"curve, empty": curve(plots.Curve{}),
		"curve, infinite": curve(plots.Curve{
			X: []float64{1, 2, 3},
			Y: []float64{1e-7, inf, 3e-7},
		}),
		"heat map, not measured": plots.HeatMap{
			Rows:    []string{"en"},
			Columns: []string{"M0"},
			Values:  [][]float64{{nan}},
		}.Figure(),
		"heat map, equal": plots.HeatMap{
			Rows:    []string{"en"},
			Columns: []string{"M0", "M1"},
			Values:  [][]float64{{-2, -2}},
		}.Figure(),
		"histogram, equal": plots.Histograms{Panels: []plots.HistogramPanel{{
			Title:   "en",
			Samples: []plots.Sample{{Name: "chosen", Values: []float64{7, 7, 7}}},
		}}}.Figure(),
	} {
		b, err := fig.PNG()
		if err == nil {
			err = cleanEdge(b)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		svg, err := fig.SVG()
		if err != nil || bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s: %v, or a coordinate that is not a number", name, err)
		}
	}
}

func TestSVG(t *testing.T) {
	fig := hard(170)
	svg, err := fig.SVG()
	if err != nil {
		t.Fatal(err)
	}
	inline, err := fig.InlineSVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{svg, inline} {
		d := xml.NewDecoder(bytes.NewReader(b))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Contains(b, []byte("&lt;b&gt;&amp;")) {
			t.Error("a label is missing or not escaped")
		}
	}
	if !bytes.HasPrefix(inline, []byte("<svg")) || !bytes.Contains(inline, []byte("var(--plot-ink,#23272E)")) {
		t.Errorf("not an element that a page can theme: %.80s", inline)
	}
}

func TestMistakesAreReported(t *testing.T) {
	for want, fig := range map[string]*plots.Figure{
		`bars "x": series "M0" has 1 values for 2 labels`: plots.GroupedBars{
			Title:  "x",
			Groups: []string{"en", "es"},
			Series: []plots.Series{{Name: "M0", Values: []float64{1}}},
		}.Figure(),
		`lines "x": nothing to draw`:     plots.Lines{Title: "x"}.Figure(),
		`row "en": win 0, tie 0, lose 0`: plots.WinTieLose{Rows: []plots.Outcome{{Label: "en"}}}.Figure(),
		`curve "loss": 1 steps for 0 values`: plots.Curves{Panels: []plots.Panel{{
			Curves: []plots.Curve{{Name: "loss", X: []float64{1}}},
		}}}.Figure(),
		`row "en": 0 values for 1 columns`: plots.HeatMap{
			Rows:    []string{"en"},
			Columns: []string{"M0"},
			Values:  [][]float64{{}},
		}.Figure(),
		`no panel has a value`: plots.Histograms{}.Figure(),
	} {
		if _, err := fig.SVG(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "bars.gif")
	if err := hard(85).Save(path); err == nil || !strings.Contains(err.Error(), "saved as .png, .svg or .pdf") {
		t.Errorf("got %v", err)
	}
}

// A PDF has the figure's size and the letters of every script, and equal figures are equal files.
func TestPDF(t *testing.T) {
	fig := plots.GroupedBars{
		Title:  "Añadir, Точность",
		Groups: []string{"es", "ru"},
		Series: []plots.Series{{Name: "M0", Values: []float64{1, 2}}},
		Width:  72, Height: 36,
	}.Figure()
	path := filepath.Join(dir, "bars.pdf")
	if err := fig.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	whole := bytes.HasPrefix(got, []byte("%PDF")) && bytes.Contains(got, []byte("/MediaBox [0 0 204.09 102.05]"))
	if err != nil || !whole {
		t.Errorf("%.20q, %v: not a PDF of 72 × 36 mm", got, err)
	}
	again, err := fig.PDF()
	if err != nil || !bytes.Equal(got, again) || !bytes.Contains(got, []byte("(D:20000101000000)")) {
		t.Errorf("a second file differs, or has another date (%v)", err)
	}
}
