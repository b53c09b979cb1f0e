//go:build go1.21

// Saturation runs five rounds, each from the last one's model, and the same without new prompts.
//
//	bin/lidr run scripts/saturation -n 1000 -dir runs/saturation
//	go run ./scripts/saturation -n 1000 -dir runs/saturation
//
// It shows after how many rounds nothing more is gained, and whether new prompts are what later rounds live on.
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
	dir := flag.String("dir", "runs/saturation", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 5, *n
	if *small {
		base.Rounds, base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 2, 6, 6, 2
	}
	same := base
	same.Prompts.Reuse = true
	cells := []lidr.SweepCell{{Name: "new prompts", Settings: base}, {Name: "the same prompts", Settings: same}}
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
