//go:build go1.21

// Sft sets SFT on the chosen side, the paper's baseline "multilingual alignment", beside the method.
//
//	bin/lidr run scripts/sft -n 1000 -dir runs/sft
//	go run ./scripts/sft -n 1000 -dir runs/sft
//
// It shows what the preference adds to the translated answers.
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
	dir := flag.String("dir", "runs/sft", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	changed := base
	changed.Train.Objective = "sft"
	cells := []lidr.SweepCell{{Name: "LIDR", Settings: base}, {Name: "SFT", Settings: changed}}
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
