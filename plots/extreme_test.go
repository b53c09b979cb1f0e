package plots_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"lidrlab/plots"
)

// drawn draws one value in every kind of figure, with a label, an interval and a neighbour.
func drawn(v, neighbour, interval float64, label string) map[string]*plots.Figure {
	const width, height = 60, 40 // small pictures are drawn fast
	two := []plots.Series{{Name: label, Values: []float64{v, neighbour}, Errors: []float64{interval, 0}}}
	names := []string{label, "M1"}
	curve := plots.Curve{Name: label, X: []float64{v, neighbour}, Y: []float64{neighbour, v}}
	return map[string]*plots.Figure{
		"bars": plots.GroupedBars{Title: label, Unit: label, Groups: names, Series: two, Width: width,
			Height: height}.Figure(),
		"share": plots.GroupedBars{Title: label, Groups: names, Series: two, Percent: true, Width: width,
			Height: height}.Figure(),
		"lines": plots.Lines{Title: label, Unit: label, X: names, Series: two, Reference: neighbour, Width: width,
			Height: height}.Figure(),
		"curves": plots.Curves{Title: label, XLabel: label, Smoothing: .5, Width: width, Height: height,
			Panels: []plots.Panel{{Title: label, Curves: []plots.Curve{curve}}}}.Figure(),
		"heat map": plots.HeatMap{Title: label, Unit: label, Rows: names, Columns: names, Digits: 3, Width: width,
			Height: height, Values: [][]float64{{v, neighbour}, {neighbour, v}}}.Figure(),
		"win/tie/lose": plots.WinTieLose{Title: label, Unit: label, Width: width, Height: height, Rows: []plots.Outcome{
			{Label: label, Win: math.Abs(v), Tie: math.Abs(neighbour), Lose: 1},
		}}.Figure(),
		"histogram": plots.Histograms{Title: label, XLabel: label, Width: width, Height: height,
			Panels: []plots.HistogramPanel{
				{Title: label, Samples: []plots.Sample{{Name: label, Values: []float64{v, neighbour}}}},
			}}.Figure(),
	}
}

// pictureOrError fails unless the figure is an error or a whole picture in both forms.
func pictureOrError(t *testing.T, name string, figure *plots.Figure) error {
	t.Helper()
	svg, err := figure.SVG()
	image, pngErr := figure.PNG()
	if (err == nil) != (pngErr == nil) {
		t.Errorf("%s: SVG %v, PNG %v", name, err, pngErr)
	}
	if err != nil {
		return err
	}
	if _, err := png.Decode(bytes.NewReader(image)); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
		t.Errorf("%s: a coordinate is no number", name)
	}
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
			break
		}
	}
	return nil
}

// Values that have no ticks between them, or no range, and labels that no line has room for, are drawn like others.
func TestExtremesAreDrawn(t *testing.T) {
	x := .1
	for _, c := range [][2]float64{
		{x + .2, .3}, {1, math.Nextafter(1, 2)}, {-1, math.Nextafter(-1, -2)}, {1e299, math.Nextafter(1e299, 0)},
		{5e-324, 0}, {5e-324, 1e-323}, {2.2250738585072014e-308, 0}, {-5e-324, 5e-324}, {1e-300, 1}, {1e16, 1e16 + 2},
		{1 << 53, 1<<53 + 2}, {math.NaN(), 1}, {1e15, 1}, {1e100, -1e100}, {1e297, 1}, {-1e297, 1e297}, {0, 0}, {7, 7},
	} {
		for name, figure := range drawn(c[0], c[1], 0, "M0") {
			err := pictureOrError(t, fmt.Sprintf("%s of %g and %g", name, c[0], c[1]), figure)
			missing := math.IsNaN(c[0]) && (name == "win/tie/lose" || name == "histogram")
			tooLarge := math.Abs(c[0]) > 1e298 && name == "share"
			if (err != nil) != (missing || tooLarge) {
				t.Errorf("%s of %g and %g: %v", name, c[0], c[1], err)
			}
		}
	}
	for _, label := range []string{
		"", "\x00\x1b[31mred\x07", "a\nb\tc", "\xff\xfe", "\uFFFE\uFFFF", strings.Repeat("x", 10_000),
		strings.Repeat("word ", 2_000), strings.Repeat("字", 10_000), "<svg onload=alert(1)>&\"'",
	} {
		for name, figure := range drawn(.5, .25, .1, label) {
			if err := pictureOrError(t, name+" of "+label[:min(len(label), 20)], figure); err != nil {
				t.Errorf("%s labelled %.20q: %v", name, label, err)
			}
		}
	}
}

// A value that has no place on an axis is an error that names it, in whatever figure.
func TestInfinitiesAreErrors(t *testing.T) {
	for _, v := range []float64{math.Inf(1), math.Inf(-1), math.MaxFloat64, -1e308} {
		for name, figure := range drawn(v, 1, 0, "M0") {
			err := pictureOrError(t, name, figure)
			if err == nil || !strings.Contains(err.Error(), "M0") {
				t.Errorf("%s of %g: %v, expected an error that names M0", name, v, err)
			}
		}
	}
	for _, interval := range []float64{math.Inf(1), -.1, math.MaxFloat64} {
		for _, name := range []string{"bars", "share", "lines"} {
			err := pictureOrError(t, name, drawn(.5, 1, interval, "M0")[name])
			if err == nil || !strings.Contains(err.Error(), `series "M0" at "M0"`) {
				t.Errorf("%s with an interval of %g: %v", name, interval, err)
			}
		}
	}
	two := []plots.Series{{Name: "en", Values: []float64{1, 2}}}
	flat := plots.GroupedBars{Groups: []string{"a", "b"}, Series: two}
	smoothed := plots.Curves{Panels: []plots.Panel{{Curves: []plots.Curve{{X: []float64{1}, Y: []float64{1}}}}}}
	for name, figure := range map[string]*plots.Figure{
		"reference": plots.Lines{X: []string{"a", "b"}, Series: two, Reference: math.Inf(1)}.Figure(),
		"unknown":   plots.Lines{X: []string{"a", "b"}, Series: two, Reference: math.NaN()}.Figure(),
		"wide":      func() *plots.Figure { flat.Width = 1e9; return flat.Figure() }(),
		"no width":  func() *plots.Figure { flat.Width = math.NaN(); return flat.Figure() }(),
		"negative":  func() *plots.Figure { flat.Width = -100; return flat.Figure() }(),
		"smoothing": func() *plots.Figure { smoothed.Smoothing = 2; return smoothed.Figure() }(),
		"decimals": plots.HeatMap{Rows: []string{"a"}, Columns: []string{"b"}, Values: [][]float64{{1}},
			Digits: math.MaxInt32}.Figure(),
	} {
		if err := pictureOrError(t, name, figure); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
}

// More names than an axis has room for are an error; a long training is drawn.
func TestManyValues(t *testing.T) {
	const million = 1_000_000
	names, values := make([]string, million), make([]float64, million)
	rows, outcomes := make([][]float64, million), make([]plots.Outcome, million)
	for i := range names {
		names[i] = fmt.Sprint(i)
		values[i] = math.Sin(float64(i))
		rows[i] = values[i : i+1]
		outcomes[i] = plots.Outcome{Label: names[i], Win: 1}
	}
	series := []plots.Series{{Name: "en", Values: values}}
	for name, figure := range map[string]*plots.Figure{
		"bars":         plots.GroupedBars{Groups: names, Series: series}.Figure(),
		"lines":        plots.Lines{X: names, Series: series}.Figure(),
		"rows":         plots.HeatMap{Rows: names, Columns: names[:1], Values: rows}.Figure(),
		"columns":      plots.HeatMap{Rows: names[:1], Columns: names, Values: [][]float64{values}}.Figure(),
		"win/tie/lose": plots.WinTieLose{Rows: outcomes}.Figure(),
		"series":       plots.GroupedBars{Groups: names[:1], Series: make([]plots.Series, million)}.Figure(),
		"panels":       plots.Curves{Panels: make([]plots.Panel, million)}.Figure(),
	} {
		if err := pictureOrError(t, name, figure); err == nil || !strings.Contains(err.Error(), "1000000") {
			t.Errorf("%s: %v, expected an error that gives the number", name, err)
		}
	}
	curve := plots.Curve{Name: "loss", X: make([]float64, 100_000), Y: values[:100_000]}
	for i := range curve.X {
		curve.X[i] = float64(i)
	}
	for name, figure := range map[string]*plots.Figure{
		"curve":      plots.Curves{Panels: []plots.Panel{{Curves: []plots.Curve{curve}}}, Smoothing: .9}.Figure(),
		"unsorted":   plots.Curves{Panels: []plots.Panel{{Curves: []plots.Curve{{X: curve.Y, Y: curve.X}}}}}.Figure(),
		"histograms": plots.Histograms{Panels: []plots.HistogramPanel{{Samples: []plots.Sample{{Values: values}}}}}.Figure(),
		"most bars":  plots.GroupedBars{Groups: names[:2000], Series: []plots.Series{{Values: values[:2000]}}}.Figure(),
		"most lines": plots.Lines{X: names[:2000], Series: []plots.Series{{Values: values[:2000]}}}.Figure(),
		"empty":      plots.Curves{Panels: []plots.Panel{{}}}.Figure(),
	} {
		if err := pictureOrError(t, name, figure); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
