//go:build go1.21

// Study asks whether what the demo shows holds over seeds: for each seed it pretrains an M0 of its own, runs the method
// and its controls on it, all rounds, at full size, and evaluates on problems that no setting was chosen on. The seeds run side
// by side.
//
//	bin/lidr run scripts/study -seeds 3 -n 1000 -rounds 2 -dir runs/study
//	go run ./scripts/study -seeds 3 -n 1000 -rounds 2 -dir runs/study
//
// It ends in one table (study.csv), means over seeds with their standard errors, and one plot (study.png, study.svg).
// What it says holds for a miniature.
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
	"lidrlab/plots"
)

// change is one line of the table: what a control changes from M0, in points, over seeds.
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
	seeds := flag.Int("seeds", 3, "differently seeded M0s")
	n := flag.Int("n", 1000, "prompts a round, each in every language")
	rounds := flag.Int("rounds", 2, "rounds")
	steps := flag.Int("steps", 0, "pretraining steps; 0 for those of the shipped M0")
	dir := flag.String("dir", "runs/study", "folder")
	small := flag.Bool("small", false, "a tiny size on the shipped M0 that only shows that it runs")
	flag.Parse()
	if *small {
		*seeds, *n, *rounds = 2, 6, 1
	}

	results, errs := make([][]change, *seeds), make([]error, *seeds)
	var running sync.WaitGroup
	for i := range results {
		running.Add(1)
		go func(i int) {
			defer running.Done()
			results[i], errs[i] = runSeed(*dir, int64(101+i), *n, *rounds, *steps, *small)
		}(i)
	}
	running.Wait()
	if err := errors.Join(errs...); err != nil {
		log.Fatal(err)
	}
	var order []change
	values := map[change][]float64{}
	for _, changes := range results {
		for _, c := range changes {
			points := c.Mean
			c.Mean = 0
			if values[c] == nil {
				order = append(order, c)
			}
			values[c] = append(values[c], points)
		}
	}
	table := make([]change, len(order))
	for i, c := range order {
		estimate := eval.MeanSE(values[c])
		c.Mean, c.SE, c.Seeds = estimate.Mean, estimate.SE, estimate.N
		table[i] = c
	}
	save(*dir, table, *rounds)
}

// runSeed returns the changes of one seed, the method's and its controls'.
func runSeed(dir string, seed int64, n, rounds, steps int, small bool) ([]change, error) {
	ctx := context.Background()
	pretraining := lidr.DefaultPretraining()
	pretraining.Seed = seed
	if steps > 0 {
		pretraining.Steps = steps
	}
	folder := filepath.Join(dir, fmt.Sprintf("m0-%d", seed))
	if small {
		folder = "miniature"
	} else if err := lidr.Pretrain(ctx, folder, pretraining, show(seed)); err != nil {
		return nil, err
	}
	m0, err := lidr.LoadModel(folder)
	if err != nil {
		return nil, err
	}
	settings := lidr.Miniature()
	settings.Seed, settings.Evaluate.Seed = seed, 70000+seed
	settings.Prompts.N, settings.Rounds = n, rounds
	if small {
		settings.Evaluate.N, settings.Evaluate.Translations = 6, 2
	}
	run, err := lidr.Open(filepath.Join(dir, fmt.Sprintf("seed-%d", seed)), settings, lidr.WithProgress(show(seed)))
	if err != nil {
		return nil, err
	}
	if _, err := lidr.Iterate(ctx, run, m0); err != nil {
		return nil, err
	}
	frame, err := lidr.Controls(ctx, run, m0)
	if err != nil {
		return nil, err
	}
	if _, err := lidr.Report(ctx, run); err != nil {
		return nil, err
	}
	changes := make([]change, frame.Nrow())
	for i := range changes {
		changes[i] = change{
			Control: frame.Col("control").Elem(i).String(), Model: frame.Col("model").Elem(i).String(),
			Metric: frame.Col("metric").Elem(i).String(), Lang: frame.Col("lang").Elem(i).String(),
			Mean: 100 * frame.Col("difference").Elem(i).Float(),
		}
	}
	return changes, nil
}

// save prints the table, and writes it and the plot.
func save(dir string, table []change, rounds int) {
	frame := datasets.Frame(table)
	file, err := os.Create(filepath.Join(dir, "study.csv"))
	if err != nil {
		log.Fatal(err)
	}
	if err := frame.WriteCSV(file); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	for _, c := range table {
		fmt.Printf("%-24s %s %-11s %-8s %+6.1f ± %.1f points (%d seeds)\n", c.Control, c.Model, c.Metric, c.Lang, c.Mean, c.SE, c.Seeds)
	}
	bars := plots.GroupedBars{
		Title: fmt.Sprintf("Change of accuracy from M0 after %d rounds, %d seeds", rounds, table[0].Seeds),
		Unit:  "points, mean over seeds ± one standard error", Width: 180, Height: 90,
	}
	for _, lang := range []string{"en", "trained", "unseen"} {
		series := plots.Series{Name: lang}
		bars.Groups = nil
		for _, c := range table {
			if c.Lang == lang && c.Metric == "accuracy" && c.Model == fmt.Sprintf("M%d", rounds) {
				bars.Groups = append(bars.Groups, c.Control)
				series.Values, series.Errors = append(series.Values, c.Mean), append(series.Errors, c.SE)
			}
		}
		bars.Series = append(bars.Series, series)
	}
	for _, extension := range []string{".png", ".svg"} {
		if err := bars.Figure().Save(filepath.Join(dir, "study"+extension)); err != nil {
			log.Fatal(err)
		}
	}
}

// show returns a progress that writes one line a step.
func show(seed int64) lidr.Progress {
	return func(e lidr.Event) {
		if e.Done == e.Total {
			fmt.Fprintf(os.Stderr, "seed %d, %s: %d %s\n", seed, e.Step, e.Total, e.Unit)
		}
	}
}
