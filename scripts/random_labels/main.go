//go:build go1.21

// Random_labels swaps chosen and rejected of every pair with probability one half: a negative control.
//
//	bin/lidr run scripts/random_labels -n 1000 -dir runs/random_labels
//	go run ./scripts/random_labels -n 1000 -dir runs/random_labels
//
// What is left of the gain does not come from the preference.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"lidrlab/lidr"
)

func main() {
	n := flag.Int("n", 1000, "prompts a round, each in every language")
	dir := flag.String("dir", "runs/random_labels", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	changed := base
	changed.Train.Labels = "random"
	cells := []lidr.SweepCell{{Name: "LIDR", Settings: base}, {Name: "random labels", Settings: changed}}
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		log.Fatal(err)
	}
	frame, err := lidr.Sweep(context.Background(), *dir, m0, cells, lidr.WithProgress(lidr.ProgressLines(os.Stderr)))
	if err != nil {
		log.Fatal(err)
	}
	table, err := lidr.SweepTable(frame)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(table)
	fmt.Println("plot:", filepath.Join(*dir, "sweep.png"))
}
