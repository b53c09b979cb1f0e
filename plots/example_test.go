package plots_test

import (
	"fmt"
	"math"
	"path/filepath"

	"lidrlab/plots"
)

// The numbers in these examples are invented.

var langs = []string{"en", "es", "ru", "de", "fr", "it", "sw"}

func ExampleGroupedBars() {
	err := plots.GroupedBars{
		Title:  "Accuracy by language",
		Unit:   "correct answers, %",
		XLabel: "language",
		Groups: langs,
		Series: []plots.Series{
			{
				Name:   "M0",
				Values: []float64{.80, .58, .27, .55, .51, .41, .30},
				Errors: []float64{.05, .06, .055, .06, .06, .06, .057},
			},
			{
				Name:   "M1",
				Values: []float64{.81, .78, .52, .76, .70, .58, .44},
				Errors: []float64{.049, .05, .062, .053, .057, .061, .061},
			},
			{
				Name:   "M2",
				Values: []float64{.80, .80, .57, .77, .74, .60, .47},
				Errors: []float64{.05, .05, .061, .052, .054, .06, .062},
			},
		},
		Percent: true,
		Width:   110, Height: 65,
	}.Figure().Save(filepath.Join(dir, "bars.png"))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWinTieLose() {
	err := plots.WinTieLose{
		Title:  "M1 against M0",
		Unit:   "share of the prompts, %",
		YLabel: "language",
		Rows: []plots.Outcome{
			{Label: "en", Win: 31, Tie: 193, Lose: 26, Low: .449, High: .571},
			{Label: "es", Win: 80, Tie: 140, Lose: 30, Low: .538, High: .660},
			{Label: "ru", Win: 121, Tie: 107, Lose: 22, Low: .639, High: .752},
			{Label: "de", Win: 92, Tie: 131, Lose: 27, Low: .569, High: .689},
			{Label: "fr", Win: 88, Tie: 133, Lose: 29, Low: .556, High: .677},
		},
		Width: 90,
	}.Figure().Save(filepath.Join(dir, "wintielose.png"))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleLines() {
	err := plots.Lines{
		Title:  "Reward accuracy of the pairs",
		Note:   "chosen side better, where exactly one is; dashed: chance",
		Unit:   "reward accuracy, %",
		XLabel: "round of the pairs",
		X:      []string{"round 1", "round 2", "round 3"},
		Series: []plots.Series{
			{Name: "es", Values: []float64{.97, .84, .71}, Errors: []float64{.02, .04, .06}},
			{Name: "ru", Values: []float64{.93, .88, .77}, Errors: []float64{.03, .04, .05}},
			{Name: "de", Values: []float64{.95, .79, .64}, Errors: []float64{.02, .05, .07}},
			{Name: "fr", Values: []float64{.96, .81, math.NaN()}, Errors: []float64{.02, .05, math.NaN()}},
		},
		Percent:   true,
		Reference: .5,
		Width:     90, Height: 65,
	}.Figure().Save(filepath.Join(dir, "lines.png"))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleCurves() {
	var x, loss, chosen, rejected, acc []float64
	for i := 1; i <= 160; i++ {
		t := float64(i)
		noise := math.Sin(t*1.7) * math.Cos(t*.61)
		x = append(x, t)
		loss = append(loss, .9+1.1*math.Exp(-t/40)+.12*noise)
		chosen = append(chosen, 2*(1-math.Exp(-t/50))+.2*noise)
		rejected = append(rejected, -1.6*(1-math.Exp(-t/60))+.25*noise)
		acc = append(acc, math.Min(1, .5+.45*(1-math.Exp(-t/30))+.05*noise))
	}
	err := plots.Curves{
		Title:  "Training of M1",
		XLabel: "step",
		Panels: []plots.Panel{
			{Title: "Loss", Unit: "nats a token", Curves: []plots.Curve{{X: x, Y: loss}}},
			{Title: "Rewards", Unit: "β-scaled log ratio", Curves: []plots.Curve{
				{Name: "chosen", X: x, Y: chosen}, {Name: "rejected", X: x, Y: rejected}}},
			{Title: "Reward accuracy", Unit: "share of the batch", Curves: []plots.Curve{{X: x, Y: acc}}},
		},
		Smoothing: .9,
		Width:     110, Height: 95,
	}.Figure().Save(filepath.Join(dir, "curves.png"))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleHeatMap() {
	err := plots.HeatMap{
		Title:   "Change of accuracy",
		Unit:    "points against M0",
		XLabel:  "model",
		YLabel:  "language",
		Rows:    langs,
		Columns: []string{"M1", "M2", "M3"},
		Values: [][]float64{
			{.01, 0, -.04}, {.20, .22, .19}, {.25, .30, .31}, {.21, .22, .20},
			{.19, .23, .21}, {.17, .19, math.NaN()}, {.14, .17, -.12},
		},
		Percent: true,
		Width:   85,
	}.Figure().Save(filepath.Join(dir, "heatmap.png"))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleHistograms() {
	lengths := func(mean, spread float64) (v []float64) {
		for i := range 300 {
			u := (float64(i) + .5) / 300
			v = append(v, math.Round(mean+spread*math.Log(u/(1-u))))
		}
		return v
	}
	var panels []plots.HistogramPanel
	for i, l := range langs[:4] {
		panels = append(panels, plots.HistogramPanel{Title: l, Samples: []plots.Sample{
			{Name: "chosen", Values: lengths(44+3*float64(i), 4)},
			{Name: "rejected", Values: lengths(38+2*float64(i), 6)},
		}})
	}
	err := plots.Histograms{
		Title:  "Length of the answers",
		XLabel: "tokens",
		YLabel: "answers",
		Panels: panels,
		Width:  110,
	}.Figure().Save(filepath.Join(dir, "histograms.png"))
	fmt.Println(err)
	// Output: <nil>
}

// Eleven languages are told apart without colour: by points, dashes, and the names at the lines' ends.
func ExampleLines_languages() {
	l := plots.Lines{
		Title: "Accuracy on MGSM", Unit: "correct answers, %", XLabel: "model", X: []string{"M0", "M1", "M2"},
		Percent: true,
	}
	for i, lang := range []string{"bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"} {
		at := .25 + .05*float64(i*7%11)
		l.Series = append(l.Series, plots.Series{
			Name: lang, Values: []float64{at, at + .1, at + .16 - .01*float64(i)}, Errors: []float64{.05, .05, .05}})
	}
	err := l.Figure(plots.WithSize(140, 90)).Save(filepath.Join(dir, "languages.png"))
	fmt.Println(err)
	l.Multiples = true
	err = l.Figure(plots.WithSize(140, 0)).Save(filepath.Join(dir, "multiples.png"))
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
}

// Published and own numbers of a model have one colour, as wide as a column of a paper.
func ExampleForPaper() {
	err := plots.GroupedBars{
		Title: "MGSM", Unit: "correct answers, %", XLabel: "language", Groups: []string{"en", "es", "ru"}, Percent: true,
		Series: []plots.Series{
			{Name: "M0", Values: []float64{.74, .60, .55}, Published: true},
			{Name: "M0", Values: []float64{.72, .61, .50}, Errors: []float64{.055, .06, .062}},
			{Name: "M1", Values: []float64{.75, .66, .62}, Published: true},
			{Name: "M1", Values: []float64{.76, .68, .60}, Errors: []float64{.053, .058, .061}},
		},
	}.Figure(plots.ForPaper(plots.ACLColumn)).Save(filepath.Join(dir, "published.png"))
	fmt.Println(err)
	// Output: <nil>
}
