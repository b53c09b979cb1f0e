package scorers_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/cell"
	"lidrlab/lidr/scorers"
)

// brief is a scorer of one's own: short answers are good ones.
type brief struct{}

func (brief) Name() string { return "brief" }
func (brief) Key() string  { return "brief/1" }

func (brief) Score(_ context.Context, _ *lidr.Run, _ *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	rows := make([]lidr.SampleScore, len(samples))
	for i, row := range samples {
		rows[i].Score = -float64(len(row.Response))
	}
	return rows, nil
}

// Four answers to each prompt, scored by a scorer of one's own times the language of the answer; the best and the worst
// of them are a pair.
func Example() {
	dir := cell.Must(os.MkdirTemp("", "scorers"))
	defer func() { cell.Check(os.RemoveAll(dir)) }()
	s := lidr.MiniatureSettings().Tiny()
	s.Trained, s.Unseen = []string{"de"}, nil
	s.Generate.Samples, s.Generate.Sampling.Temperature = 4, 1
	run := cell.Begin(filepath.Join(dir, "run"), s)
	defer func() { cell.Check(run.Open().Close()) }()

	scorer := scorers.Sum{{Weight: 1, Scorer: brief{}}, {Weight: 1000, Scorer: scorers.Language{}}}
	scores := cell.Must(lidr.ScoreSamples(cell.Context, run.Open(), run.M0(), run.Responses(), scorer))
	_, counts := cell.Must2(lidr.PairsByScore(cell.Context, run.Open(), run.M0(), run.Responses(), scores,
		lidr.Selection{Rule: "max-min"}))
	fmt.Println(scores.Nrow(), cell.Where(counts, "lang", "de", "count", "candidates").Col("n").Records())
	// Output: 24 [3]
}
