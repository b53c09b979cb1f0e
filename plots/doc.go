// Package plots draws the figures of a run, one kind a file, all in one style:
//
//   - [GroupedBars]: a score by language, one bar a model, with intervals
//   - [WinTieLose]: head-to-head outcomes as stacked horizontal bars
//   - [Lines]: a score over the rounds, with intervals
//   - [Curves]: training curves, smoothed, as small multiples
//   - [HeatMap]: a score by language and round
//   - [Histograms]: lengths of the chosen and rejected answers, as small multiples
//
// Each is a plain struct whose Figure method lays it out. The [Figure] is then
// saved as PNG (150 dpi), SVG or, where rsvg-convert is installed, PDF, or
// returned as bytes:
//
//	fig := plots.GroupedBars{Title: "Accuracy", Groups: langs, Series: models, Percent: true}.Figure()
//	err := fig.Save("accuracy.svg")
//
// A mistake in the data (say, three labels for four values) is returned as an
// error by Save, PNG, SVG and PDF, so that the call above needs one check only.
// So is what no picture can show: an infinity, a negative interval, more names than
// an axis has room for. A missing value (NaN) is left out, as is an infinity in a training curve.
//
// Colours are Okabe and Ito's, which colour-blind readers can tell apart. Sizes
// are in millimetres: text has the same size at every width, so a figure for a
// column of 85 mm is as readable as one of 170 mm. The font of PNG files has
// Latin, Greek and Cyrillic letters only: use language codes as labels there.
// SVG keeps text as text, and the viewer's fonts draw every script.
//
// The package draws on gonum's canvases (vg) and has its own axes, legends and
// bars instead of those of gonum/plot: there text is wrapped or shortened where
// it does not fit, bars have error bars, and SVG has text that can be selected
// and colours that a page can change.
package plots
