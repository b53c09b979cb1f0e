//go:build go1.21

// Study asks whether what the demo shows holds over seeds: for each seed it pretrains an M0 of its own, runs the method
// and its controls on it, all rounds, at full size, and evaluates on problems that no setting was chosen on. The seeds
// run side by side.
//
//	bin/lidr run scripts/study -seeds 3 -n 1000 -rounds 2 -dir runs/study
//	go run ./scripts/study -seeds 3 -n 1000 -rounds 2 -dir runs/study
//
// It ends in one table (study.csv), means over seeds with their standard errors, and one plot (study.png, study.svg).
// The results hold for a miniature.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/pretrain"
	"lidrlab/plots"
)

var (
	seeds  = flag.Int("seeds", 3, "differently seeded M0s")
	n      = flag.Int("n", 1000, "prompts a round, each in every language")
	rounds = flag.Int("rounds", 2, "rounds")
	steps  = flag.Int("steps", 0, "pretraining steps; 0 for those of the shipped M0")
	dir    = flag.String("dir", "runs/study", "folder")
	small  = flag.Bool("small", false, "a tiny size on the shipped M0 that only shows that it runs")
)

// change is a row of the table: what a control changes from M0, in points, over seeds.
type change struct {
	Control string  `json:"control"`
	Model   string  `json:"model"`
	Metric  string  `json:"metric"`
	Lang    string  `json:"lang"`
	Mean    float64 `json:"mean"`
	SE      float64 `json:"se"` // over seeds
	Seeds   int     `json:"seeds"`
}

func main() {
	flag.Parse()
	if *small {
		*seeds, *rounds = 2, 1
	}
	results := make([][]lidr.ControlChange, *seeds)
	errs := make([]error, *seeds)
	var running sync.WaitGroup
	for i := range results {
		running.Add(1)
		go func(i int) {
			defer running.Done()
			results[i], errs[i] = runSeed(int64(101 + i))
		}(i)
	}
	running.Wait()
	check(errors.Join(errs...))

	var table []change
	for i, first := range results[0] { // every seed has the same rows
		var points []float64
		for _, result := range results {
			points = append(points, 100*result[i].Difference)
		}
		mean := eval.MeanSE(points)
		table = append(table, change{
			Control: first.Control, Model: first.Model, Metric: first.Metric, Lang: first.Lang,
			Mean: mean.Mean, SE: mean.SE, Seeds: mean.N,
		})
	}
	write(table)
	draw(table)
}

// runSeed returns the changes of one seed, those of the method and of its controls.
func runSeed(seed int64) ([]lidr.ControlChange, error) {
	ctx := context.Background()
	progress := func(e lidr.Event) {
		if e.Work() && e.Done == e.Total {
			fmt.Fprintf(os.Stderr, "seed %d, %s: %d %s\n", seed, e.Step, e.Total, e.Unit)
		}
	}
	settings := lidr.MiniatureSettings()
	settings.Seed, settings.Evaluate.Seed = seed, 70000+seed
	settings.Prompts.N, settings.Rounds = *n, *rounds
	path := "miniature"
	if *small {
		settings = settings.Tiny()
	} else {
		path = filepath.Join(*dir, fmt.Sprintf("m0-%d", seed))
		pretraining := pretrain.Defaults()
		pretraining.Seed = seed
		if *steps > 0 {
			pretraining.Steps = *steps
		}
		if err := pretrain.Make(ctx, path, pretraining, progress); err != nil {
			return nil, err
		}
	}
	m0, err := lidr.LoadModel(path)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(*dir, fmt.Sprintf("seed-%d", seed))
	run, err := lidr.Open(folder, settings, lidr.WithProgress(progress))
	if err != nil {
		return nil, err
	}
	if _, _, err := lidr.Iterate(ctx, run, m0); err != nil {
		return nil, err
	}
	frame, err := lidr.Controls(ctx, run, m0)
	if err != nil {
		return nil, err
	}
	if _, err := lidr.Report(ctx, run); err != nil {
		return nil, err
	}
	var changes []lidr.ControlChange
	err = datasets.Rows(frame, &changes)
	return changes, err
}

// write prints the table and writes it to study.csv.
func write(table []change) {
	file, err := os.Create(filepath.Join(*dir, "study.csv"))
	check(err)
	check(datasets.Frame(table).WriteCSV(file))
	check(file.Close())
	for _, metric := range []string{"accuracy", "off_target"} {
		var rows []change
		for _, c := range table {
			if c.Metric == metric {
				rows = append(rows, c)
			}
		}
		fmt.Printf("change of %s from M0, points\n", metric)
		check(lidr.Show(rows))
	}
}

// draw plots the change of accuracy of the last round's models.
func draw(table []change) {
	bars := plots.GroupedBars{
		Title: fmt.Sprintf("Change of accuracy from M0 after %d rounds, %d seeds", *rounds, *seeds),
		Unit:  "change of accuracy, points", XLabel: "control", Note: "mean over seeds, intervals by Student's t", Width: 180,
		Height: 90,
	}
	names := map[string]string{"en": "English", "trained": "trained languages", "unseen": "unseen languages"}
	for _, lang := range []string{"en", "trained", "unseen"} {
		series := plots.Series{Name: names[lang]}
		bars.Groups = nil
		for _, c := range table {
			if c.Lang == lang && c.Metric == "accuracy" && c.Model == fmt.Sprintf("M%d", *rounds) {
				bars.Groups = append(bars.Groups, c.Control)
				series.Values = append(series.Values, c.Mean)
				series.Errors = append(series.Errors, eval.T95(c.Seeds)*c.SE)
			}
		}
		bars.Series = append(bars.Series, series)
	}
	for _, extension := range []string{".png", ".svg"} {
		check(bars.Figure().Save(filepath.Join(*dir, "study"+extension)))
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
