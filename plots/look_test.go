package plots_test

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"lidrlab/plots"
)

// shares are bars of shares whose intervals end within and beyond what a share can be.
func shares(options ...plots.Option) *plots.Figure {
	return plots.GroupedBars{
		Title: "Accuracy", Unit: "correct answers, %", XLabel: "language", Groups: []string{"en", "es"}, Percent: true,
		Series: []plots.Series{
			{Name: "M0", Values: []float64{.6, .97}, Errors: []float64{.05, .07}},
			{Name: "M1", Values: []float64{.7, .5}},
		},
	}.Figure(options...)
}

// The axis of shares starts at 0 and has no tick above 100 %, and no interval is cut, whatever it is said to be.
func TestAxisOfShares(t *testing.T) {
	lines := plots.Lines{X: []string{"M0", "M1"}, Percent: true, Series: []plots.Series{
		{Name: "en", Values: []float64{.9, .95}, Intervals: [][2]float64{{.85, .93}, {.9, 1}}},
	}}.Figure()
	for name, f := range map[string]*plots.Figure{"bars": shares(), "lines": lines} {
		y := f.Plot().Y
		if y.Min != 0 || y.Max < 100 {
			t.Errorf("%s: the axis runs from %g to %g", name, y.Min, y.Max)
		}
		ticks := y.Tick.Marker.Ticks(y.Min, y.Max)
		if last := ticks[len(ticks)-1]; last.Label != "100" {
			t.Errorf("%s: the last tick is %q", name, last.Label)
		}
	}
	if y := shares().Plot().Y; y.Max != 104 {
		t.Errorf("an interval to 104 %% is cut at %g %%", y.Max)
	}
	for want, f := range map[string]*plots.Figure{
		`the range from 0 to 90 cuts what reaches from 0 to 104`: shares(plots.WithRange(0, 90)),
		`the range from 50 to 110 cuts`:                          shares(plots.WithRange(50, 110)), // bars begin at 0
		`a range from 5 to 5`:                                    shares(plots.WithRange(5, 5)),
	} {
		if _, err := f.SVG(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
}

// A figure with intervals says in its picture that they are of 95 %, and one without says nothing.
func TestIntervalsAreNamed(t *testing.T) {
	const said = "whiskers: 95 % intervals"
	series := []plots.Series{{Name: "en", Values: []float64{.5, .6}}}
	outcome := plots.Outcome{Label: "en", Win: 2, Tie: 1, Lose: 1}
	for _, with := range []bool{true, false} {
		if with {
			series[0].Errors = []float64{math.NaN(), .1}
			outcome.Low, outcome.High = .4, .8
		} else {
			series[0].Errors, outcome.Low, outcome.High = nil, 0, 0
		}
		x := []string{"M0", "M1"}
		for name, f := range map[string]*plots.Figure{
			"bars":      plots.GroupedBars{Note: "of a note", Groups: x, Series: series}.Figure(),
			"lines":     plots.Lines{X: x, Series: series}.Figure(),
			"multiples": plots.Lines{X: x, Series: series, Multiples: true}.Figure(),
			"outcomes":  plots.WinTieLose{Rows: []plots.Outcome{outcome}}.Figure(),
		} {
			svg, err := f.SVG()
			if err != nil || bytes.Contains(svg, []byte(said)) != with {
				t.Errorf("%s, intervals %v: %q is said %v (%v)", name, with, said, !with, err)
			}
		}
	}
	wrong := plots.WinTieLose{Rows: []plots.Outcome{{Label: "en", Win: 1, Lose: 1, Low: .6, High: .7}}}.Figure()
	const want = "0.6 to 0.7 is no interval around the win rate 0.5"
	if _, err := wrong.SVG(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}

// An SVG tells its values where a pointer rests: of each label what all series say, with their intervals; a change of 0
// has a mark that is seen. Labels stay texts.
func TestValuesAreTold(t *testing.T) {
	svg, err := plots.GroupedBars{Groups: []string{"<ru>", "es"}, Percent: true, Series: []plots.Series{
		{Name: "M0", Values: []float64{.5, 0}, Intervals: [][2]float64{{.4, .61}, {0, 0}}},
		{Name: "M0", Values: []float64{math.NaN(), .25}, Published: true},
	}}.Figure().SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<title>&lt;ru&gt;\nM0: 50.0 % (95 % interval 40.0 to 61.0 %)\nM0, published: not measured</title>",
		"<title>es\nM0: 0.0 %\nM0, published: 25.0 %</title>",
	} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("the bars do not tell %q", want)
		}
	}
	if marks := bytes.Count(svg, []byte("stroke:#0072B2;stroke-width:1.6")); marks != 1 {
		t.Errorf("%d bars are marked by a line, expected that of 0 alone", marks)
	}
	steps := plots.Curve{Name: "loss"}
	for i := range 1000 {
		steps.X, steps.Y = append(steps.X, float64(i+1)), append(steps.Y, 1/float64(i+1))
	}
	for told, f := range map[string]*plots.Figure{
		"M1\nen: 0.6": plots.Lines{X: []string{"M0", "M1"}, Series: []plots.Series{
			{Name: "en", Values: []float64{.5, .6}}}}.Figure(),
		"step 26\nloss: 0.03846": plots.Curves{XLabel: "step", Panels: []plots.Panel{{
			Curves: []plots.Curve{steps}}}}.Figure(),
		"en\nwin 50.0 %, tie 25.0 %, lose 25.0 %\nwin rate 62.5 %": plots.WinTieLose{Rows: []plots.Outcome{
			{Label: "en", Win: 2, Tie: 1, Lose: 1}}}.Figure(),
		"7 to below 8 tokens\nchosen: 3": plots.Histograms{XLabel: "tokens", Panels: []plots.HistogramPanel{{
			Samples: []plots.Sample{{Name: "chosen", Values: []float64{7, 7, 7}}}}}}.Figure(),
	} {
		svg, err := f.InlineSVG()
		if err != nil || !bytes.Contains(svg, []byte("<title>"+told+"</title>")) {
			t.Errorf("%q is not told (%v)", told, err)
		}
		if n := bytes.Count(svg, []byte("<title>")); n > 40 {
			t.Errorf("%d values are told, expected at most 40 a panel", n)
		}
	}
}

// Published bars have the colour of their model, and are hollow: no third colour is drawn.
func TestPublishedBesideOwn(t *testing.T) {
	svg, err := plots.GroupedBars{Groups: []string{"en"}, Series: []plots.Series{
		{Name: "M0", Values: []float64{3}}, {Name: "M1", Values: []float64{4}, Published: true},
		{Name: "M1", Values: []float64{5}},
	}}.Figure().SVG()
	if err != nil {
		t.Fatal(err)
	}
	for want, times := range map[string]int{
		`style="fill:#9AA1AB"`:                      2, // M0: bar and key
		`style="fill:#0072B2"`:                      2, // M1, own
		`style="fill:#0071B1;fill-opacity:0.17647"`: 1, // M1, published, as gonum rounds it
		">M1<": 1, ">published: hollow<": 1,
	} {
		if got := bytes.Count(svg, []byte(want)); got != times {
			t.Errorf("%s is drawn %d times, expected %d", want, got, times)
		}
	}
	lines := plots.Lines{X: []string{"a"}, Series: []plots.Series{{Name: "M0", Values: []float64{1}, Published: true}}}
	if _, err := lines.Figure().SVG(); err == nil || !strings.Contains(err.Error(), "GroupedBars") {
		t.Errorf("got %v, expected that lines have no published series", err)
	}
}

// Size, resolution, colours and title are the caller's, and so is gonum's plot.
func TestOptions(t *testing.T) {
	data, err := shares(plots.WithSize(50.8, 25.4), plots.WithDPI(100)).PNG()
	if err != nil {
		t.Fatal(err)
	}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width != 200 || config.Height != 100 {
		t.Errorf("%d × %d pixels (%v), expected 200 × 100", config.Width, config.Height, err)
	}
	changed := shares(plots.ForPaper(plots.ACLColumn), plots.WithColors(color.NRGBA{R: 1, G: 2, B: 3, A: 255}))
	changed.Plot().Y.Label.Text = "of my own"
	changed.Plot().Add(&plotter.Line{XYs: plotter.XYs{{X: 0, Y: 42}, {X: 1, Y: 42}},
		LineStyle: plotter.DefaultLineStyle})
	svg, err := changed.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for want, there := range map[string]bool{
		`width="218.27pt"`: true, "#010203": true, ">of my own<": true, ">correct answers, %<": false, ">Accuracy<": false,
		"stroke:#000000": true,
	} {
		if bytes.Contains(svg, []byte(want)) != there {
			t.Errorf("%s is in the figure: %v, expected %v", want, !there, there)
		}
	}
	if got := len(plots.Lines{X: []string{"M0"}, Multiples: true, Series: []plots.Series{
		{Name: "en", Values: []float64{1}}, {Name: "es", Values: []float64{2}}}}.Figure().Plots()); got != 2 {
		t.Errorf("%d plots for two panels", got)
	}
	if p := (plots.Lines{}).Figure().Plot(); p == nil {
		t.Error("a figure that is an error has no plot to change")
	}
	for _, dots := range []float64{0, -1, math.NaN(), math.Inf(1), 1e6} {
		if _, err := shares(plots.WithDPI(dots)).PNG(); err == nil {
			t.Errorf("%g dpi: expected an error", dots)
		}
	}
	var _ *plot.Plot = changed.Plot()
}

// The names of lines stand beside their ends in the order of their last values, and beside a legend nothing is lost:
// names that are too long for the margin are in the legend.
func TestEndLabels(t *testing.T) {
	for _, long := range []bool{false, true} {
		l := plots.Lines{X: []string{"M0", "M1"}, Width: 120}
		for i := range 12 {
			name := fmt.Sprintf("L%d", i)
			if long {
				name += strings.Repeat(" and so on", 6)
			}
			l.Series = append(l.Series, plots.Series{Name: name, Values: []float64{0, 1}})
		}
		svg, err := l.Figure().SVG()
		if err != nil {
			t.Fatal(err)
		}
		places := map[string]bool{}
		for _, part := range strings.Split(string(svg), "<text ")[1:] {
			if strings.Contains(part, ">L") {
				places[strings.Fields(part)[1]] = true // y="…"
			}
		}
		if !long && len(places) != 12 {
			t.Errorf("twelve names at one value stand at %d heights", len(places))
		}
		for _, s := range l.Series {
			if !bytes.Contains(svg, []byte(">"+s.Name+"<")) {
				t.Errorf("%q is lost", s.Name)
			}
		}
	}
}
