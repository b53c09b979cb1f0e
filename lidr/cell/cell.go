package cell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/printable"
	"lidrlab/plots"
)

// Check ends the cell with the error's text, if there is one.
func Check(err error) {
	if errors.Is(err, context.Canceled) && Context.Err() != nil {
		interrupted()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, printable.Text(err.Error()))
		os.Exit(1)
	}
}

// Must returns value, and ends the cell at an error.
func Must[T any](value T, err error) T {
	Check(err)
	return value
}

// Must2 is [Must] for functions with two results.
func Must2[T, U any](first T, second U, err error) (T, U) {
	Check(err)
	return first, second
}

// Show draws values below the cell, one after the other, as [lidr.Show] does.
func Show(values ...any) {
	for _, value := range values {
		Check(lidr.Show(value))
	}
}

// Saved is a figure that a step has saved as .svg and .png, by its path without them: Show(Saved("runs/dials/sweep")).
type Saved string

// SVG reads the figure's SVG.
func (s Saved) SVG() ([]byte, error) { return os.ReadFile(string(s) + ".svg") }

// PNG reads the figure's PNG.
func (s Saved) PNG() ([]byte, error) { return os.ReadFile(string(s) + ".png") }

// String names the figure where none is drawn.
func (s Saved) String() string { return "figure " + string(s) + ".svg" }

// Where returns the rows of a frame that hold the given text in each named column: Where(pairs, "lang", "ru"),
// Where(scores, "metric", "accuracy", "scope", "language").
func Where(frame dataframe.DataFrame, columnsAndTexts ...string) dataframe.DataFrame {
	if len(columnsAndTexts)%2 != 0 {
		Check(fmt.Errorf("where: %q, expected a text for each column", columnsAndTexts))
	}
	Check(frame.Err)
	for i := 0; i < len(columnsAndTexts); i += 2 {
		column, text := columnsAndTexts[i], columnsAndTexts[i+1]
		if !slices.Contains(frame.Names(), column) {
			Check(fmt.Errorf("where: the frame has no column %q, it has %s", column, strings.Join(frame.Names(), ", ")))
		}
		frame = frame.Filter(dataframe.F{Colname: column, Comparator: series.Eq, Comparando: text})
	}
	Check(frame.Err)
	return frame
}

// Head returns the first n rows of a frame, or all it has.
func Head(frame dataframe.DataFrame, n int) dataframe.DataFrame {
	var rows []int
	for i := range min(n, frame.Nrow()) {
		rows = append(rows, i)
	}
	return frame.Subset(rows)
}

// Write writes lines to a file, whose folder it makes.
func Write(path string, lines ...string) {
	Check(os.MkdirAll(filepath.Dir(path), 0o755))
	Check(os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644))
}

// Bars draws a metric in each language, a group of bars a language and a bar a frame of [eval.Score] rows, with
// intervals of 95 %.
func Bars(metric string, scores ...dataframe.DataFrame) *plots.Figure {
	bars := plots.GroupedBars{
		Title: strings.ReplaceAll(metric, "_", " "), Unit: strings.ReplaceAll(metric, "_", " ") + ", %", XLabel: "language",
		Percent: true,
	}
	for _, frame := range scores {
		var rows []eval.Score
		Check(datasets.Rows(Where(frame, "metric", metric, "scope", "language"), &rows))
		if len(rows) == 0 {
			Check(fmt.Errorf("bars: no score has the metric %q", metric))
		}
		one := plots.Series{Name: rows[0].Model}
		bars.Groups = nil
		for _, row := range rows {
			bars.Groups = append(bars.Groups, row.Lang)
			one.Values = append(one.Values, row.Value)
			low, high := row.Interval()
			one.Intervals = append(one.Intervals, [2]float64{low, high})
		}
		bars.Series = append(bars.Series, one)
	}
	return bars.Figure()
}
