// Package ablation is what the ablation scripts share: their flags, and a sweep of the embedded model with a table at
// the end. A script says what its cells change, and nothing else.
package ablation

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
)

// Flags reads the flags of an ablation, -n, -dir and -small, beside those that the script has defined. It returns the
// folder of the sweep, runs/NAME by default, and the settings that the cells change: one round of the miniature.
func Flags(name string) (dir string, base lidr.Settings) {
	n := flag.Int("n", 1000, "prompts a round, each in every language")
	flag.StringVar(&dir, "dir", filepath.Join("runs", name), "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()
	base = lidr.MiniatureSettings()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base = base.Tiny()
	}
	return dir, base
}

// Sweep runs [lidr.Sweep] on the embedded model, prints a table of the scores and the path of the plot, and returns the
// scores, a frame of [lidr.SweepScore] rows.
func Sweep(dir string, cells []lidr.SweepCell) (dataframe.DataFrame, error) {
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	progress := lidr.WithProgress(lidr.ProgressLines(os.Stderr))
	frame, err := lidr.Sweep(context.Background(), dir, m0, cells, progress)
	if err != nil {
		return frame, err
	}
	var scores []lidr.SweepScore
	if err := datasets.Rows(frame, &scores); err != nil {
		return frame, err
	}
	fmt.Println("in percent ± one standard error; off_target, and change of accuracy from M0, over the trained languages:")
	if err := lidr.Show(table(scores)); err != nil {
		return frame, err
	}
	fmt.Println("plot:", filepath.Join(dir, "sweep.png"))
	return frame, nil
}

// line is a line of the table: a model's accuracy in the dominant language and over the trained and the unseen ones,
// and, over the trained ones, its off-target rate and the change of its accuracy from M0.
type line struct {
	Cell      string `json:"cell"`
	Model     string `json:"model"`
	Dominant  string `json:"dominant"`
	Trained   string `json:"trained"`
	Unseen    string `json:"unseen"`
	OffTarget string `json:"off_target"`
	Change    string `json:"change"`
}

// table lays scores out with a line for each model of each cell.
func table(scores []lidr.SweepScore) []line {
	var lines []line
	for _, s := range scores {
		last := len(lines) - 1
		if last < 0 || lines[last].Cell != s.Cell || lines[last].Model != s.Model {
			lines = append(lines, line{Cell: s.Cell, Model: s.Model, Trained: "–", Unseen: "–", OffTarget: "–", Change: "–"})
			last++
		}
		text := fmt.Sprintf("%.1f ± %.1f", 100*s.Value, 100*s.SE)
		switch s.Metric + " " + s.Lang {
		case "accuracy trained":
			lines[last].Trained = text
			lines[last].Change = fmt.Sprintf("%+.1f ± %.1f", 100*s.Difference, 100*s.DifferenceSE)
		case "accuracy unseen":
			lines[last].Unseen = text
		case "off_target trained":
			lines[last].OffTarget = text
		default:
			if s.Metric == "accuracy" {
				lines[last].Dominant = text
			}
		}
	}
	return lines
}
