//go:build go1.21

// Controls compares the method with its baselines on the embedded model: one round with each of SFT on the chosen side,
// DPO only, random labels, SFT on the model's own answers, and replay, all on the same answers and translations.
//
//	bin/lidr run scripts/controls -n 1000 -dir runs/controls
//	go run ./scripts/controls -n 1000 -dir runs/controls
//
// It shows that the gain comes from the model's own translated English answers: labels drawn by a coin give half of it,
// the model's own answers next to nothing, and SFT on the translations as much. These results hold for a miniature.
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

	settings := lidr.MiniatureSettings()
	settings.Seed = *seed
	settings.Rounds = 1
	settings.Prompts.N = *n
	if *small {
		settings = settings.Tiny()
	}
	ctx := context.Background()
	run, err := lidr.Open(*dir, settings, lidr.WithProgress(lidr.ProgressLines(os.Stderr)))
	check(err)
	m0, err := lidr.LoadModel("miniature")
	check(err)
	_, _, err = lidr.Iterate(ctx, run, m0)
	check(err)
	changes, err := lidr.Controls(ctx, run, m0)
	check(err)
	check(lidr.Show(changes.Drop([]string{"note"}))) // what each control does is in the report
	report, err := lidr.Report(ctx, run)
	check(err)
	fmt.Println("report:", report)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
