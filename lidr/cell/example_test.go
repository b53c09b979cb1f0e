package cell_test

import (
	"os"
	"path/filepath"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/cell"
	"lidrlab/lidr/eval"
)

// The beginning of a notebook: the run is declared in one cell, and any later cell asks for a step or for what came
// out. In a notebook, Show draws the figure that is saved here.
func ExampleBegin() {
	dir := cell.Must(os.MkdirTemp("", "cell"))
	defer func() { cell.Check(os.RemoveAll(dir)) }()
	settings := lidr.MiniatureSettings().Tiny()
	settings.Trained, settings.Unseen = []string{"de"}, nil

	first := cell.Begin(filepath.Join(dir, "first"), settings)
	defer func() { cell.Check(first.Open().Close()) }()
	figure := cell.Bars("accuracy", first.Scores("M0"))
	cell.Check(figure.Save(filepath.Join(dir, "accuracy.svg")))
	cell.Show(first.Prompts().Nrow(), first.M0().Name())
	// Output:
	// 6
	// M0
}

func ExampleWhere() {
	scores := datasets.Frame([]eval.Score{
		{Model: "M0", Metric: "accuracy", Lang: "de", Scope: "language", Value: 0.5, N: 10},
		{Model: "M0", Metric: "accuracy", Lang: "trained", Scope: "mean", Value: 0.6, N: 10},
		{Model: "M0", Metric: "off_target", Lang: "de", Scope: "language", Value: 0.2, N: 10},
	})
	cell.Show(cell.Where(scores, "metric", "accuracy", "scope", "language").Select([]string{"lang", "value"}))
	// Output:
	// lang  value
	// de    0.5
	// 1 rows × 2 columns
}
