// Package plots draws the figures of a run, one kind a file, all in one style:
//
//   - [GroupedBars]: a score by language, one bar a model, with intervals; published numbers beside own ones
//   - [WinTieLose]: head-to-head outcomes as stacked horizontal bars, with win rates and the line of 50 %
//   - [Lines]: a score over the rounds, with intervals; with Multiples one panel a language
//   - [Curves]: training curves, smoothed, as small multiples
//   - [HeatMap]: a score by language and round
//   - [Histograms]: lengths of the chosen and rejected answers, as small multiples
//
// Each is a plain struct whose Figure method lays it out. The [Figure] is then saved as PNG, SVG or PDF, or returned as
// bytes:
//
//	fig := plots.GroupedBars{Title: "Accuracy", Unit: "correct answers, %", XLabel: "language", Groups: langs,
//		Series: models, Percent: true}.Figure(plots.ForPaper(plots.ACLColumn))
//	err := fig.Save("accuracy.pdf")
//
// A mistake in the data (say, three labels for four values) is returned as an error by Save, PNG, SVG and PDF, so that
// one check is enough. So is what no picture can show: an infinity, a negative interval, more names than an axis has
// room for, a range that would cut a value. A missing value (NaN) is left out, as is an infinity in a training curve.
//
// An SVG in a browser tells values, with their intervals, where the pointer rests ([Figure.SVG]).
//
// Intervals are of 95 %, and every figure that has some says so. An axis of shares starts at 0. Colours are Okabe and
// Ito's, which colour-blind readers can tell apart; lines differ in the shapes of their points, in dashes and in the
// names at their ends too, and so on a grey print. Sizes are in millimetres: text has the same size at every width, so
// that a figure for a column of 77 mm is as readable as one of 160 mm. Options change size, resolution, range and
// colours ([WithSize], [WithDPI], [WithRange], [WithColors]) and fit a figure into a paper ([ForPaper]).
//
// # Scripts
//
// Text is shaped by go-text/typesetting, a port of HarfBuzz: conjuncts of Bengali, Telugu and Hindi, marks of Thai,
// joined letters of Arabic, and text from right to left. Latin, Greek, Cyrillic and Hebrew are drawn in Liberation
// Sans, which is part of the program; other scripts in the system's fonts, Noto's first, that are looked for where
// Linux, macOS and Windows keep them. They are not part of the program, since the names that lidr prints itself are in
// Latin letters, and Noto's font of Chinese characters alone is 20 MB. What no font has is drawn as an empty box, never
// left out: on Debian, install fonts-noto-core and fonts-noto-cjk.
//
// In PNG and PDF letters are outlines. In SVG text stays text: it can be searched, copied and read aloud, is smaller,
// and takes the viewer's fonts, of which those that it was measured with are named first. TestScripts compares both
// with chromium's rendering. The bytes of a figure follow from its data and, with scripts beyond our own font's, from
// the fonts that the system has.
//
// The text of a PDF cannot be selected. gonum's writer takes a font whole, 217 KB for a figure of 7 KB, and knows the
// characters of code page 1252 alone, so that a Russian label would be copied as other letters; and its document, to
// which fonts of our own could be added, is nobody's but its. Who needs the words takes the SVG, of which rsvg-convert
// or Inkscape makes a PDF with text.
//
// # gonum
//
// A figure is made of gonum plots, one a panel, with gonum's axes, grids and aligned panels, and its plotters where
// they serve (Polygon, Line, Scatter, YErrorBars, XErrorBars, Function, Grid); [Figure.Plot] returns them, to be
// changed or added to. Our own are: title, note and legend above the axes, since gonum draws a legend as one column
// over the data and wraps no text; bars, as polygons in data coordinates, since BarChart's are placed in points,
// where no error bar finds them; cells with numbers, which HeatMap has not; curves thinned to what a pixel shows,
// since the time that gonum's picture takes for a line grows faster than its points; names at the ends of lines; and
// the text handler.
package plots
