package plots_test

import (
	"testing"

	"lidrlab/plots"
)

// BenchmarkFigure lays a figure of two models in eleven languages out and writes it; the bytes are those of the file.
func BenchmarkFigure(b *testing.B) {
	bars := plots.GroupedBars{
		Title: "Accuracy by language", Unit: "correct answers, %", Percent: true,
		Groups: []string{"bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"},
	}
	for _, name := range []string{"M0", "M1"} {
		series := plots.Series{Name: name}
		for i := range bars.Groups {
			series.Values = append(series.Values, .3+.05*float64(i))
			series.Errors = append(series.Errors, .06)
		}
		bars.Series = append(bars.Series, series)
	}
	for _, form := range []struct {
		name  string
		write func(f *plots.Figure) ([]byte, error)
	}{{"png", (*plots.Figure).PNG}, {"svg", (*plots.Figure).SVG}} {
		b.Run(form.name, func(b *testing.B) {
			size := 0
			for b.Loop() {
				data, err := form.write(bars.Figure())
				if err != nil {
					b.Fatal(err)
				}
				size = len(data)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
