//go:build go1.21

// Pairs_mode sets the two readings of the English rejected side against each other: one language drawn for each prompt (the
// authors' answer to reviewers) or always the last one (what their released code leaves).
//
//	bin/lidr run scripts/pairs_mode -n 1000 -dir runs/pairs_mode
//	go run ./scripts/pairs_mode -n 1000 -dir runs/pairs_mode
//
// It shows whether the difference between paper and code matters.
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
	dir := flag.String("dir", "runs/pairs_mode", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	var cells []lidr.SweepCell
	for _, mode := range []string{"paper", "released"} {
		s := base
		s.Pairs.Mode = mode
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("mode=%s", mode), Settings: s})
	}
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
