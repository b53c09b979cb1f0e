//go:build go1.21

// Controls sets the method beside its baselines on the embedded model: one round with each of SFT on the chosen side,
// DPO only, random labels, SFT on the model's own answers, and replay, all on the same answers and translations.
//
//	bin/lidr run scripts/controls -n 1000 -dir runs/controls
//	go run ./scripts/controls -n 1000 -dir runs/controls
//
// It shows that the gain comes from the model's own translated English answers: labels drawn by a coin give half of it,
// the model's own answers next to nothing, and SFT on the translations as much. What it says holds for a miniature.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"

	"lidrlab/lidr"
)

func main() {
	n := flag.Int("n", 300, "prompts a round, each in every language")
	dir := flag.String("dir", "runs/controls", "run folder")
	seed := flag.Int64("seed", 1, "seed of prompts, draws and training order")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	settings := lidr.Miniature()
	settings.Seed = *seed
	settings.Rounds = 1
	settings.Prompts.N = *n
	if *small {
		settings.Prompts.N, settings.Evaluate.N, settings.Evaluate.Translations = 6, 6, 2
	}
	ctx := context.Background()
	run, err := lidr.Open(*dir, settings, lidr.WithProgress(lidr.ProgressLines(os.Stderr)))
	if err != nil {
		log.Fatal(err)
	}
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := lidr.Iterate(ctx, run, m0); err != nil {
		log.Fatal(err)
	}
	table, err := lidr.Controls(ctx, run, m0)
	if err != nil {
		log.Fatal(err)
	}
	for i := 0; i < table.Nrow(); i++ { // a printed frame shows its first ten rows only
		cell := func(name string) string { return table.Col(name).Elem(i).String() }
		fmt.Printf("%-24s %s %-11s %-8s %+6.1f ± %.1f points\n", cell("control"), cell("model"), cell("metric"), cell("lang"),
			100*table.Col("difference").Elem(i).Float(), 100*table.Col("se").Elem(i).Float())
	}
	report, err := lidr.Report(ctx, run)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("report:", report)
}
