//go:build go1.21

// Languages trains on one language at a time, and on all; the others are evaluated as unseen.
//
//	bin/lidr run scripts/languages -n 1000 -dir runs/languages
//	go run ./scripts/languages -n 1000 -dir runs/languages
//
// It shows how much a language gains from the others' pairs. A cell's "trained" and "unseen" are its own languages.
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
	dir := flag.String("dir", "runs/languages", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	cells := []lidr.SweepCell{{Name: "all", Settings: base}}
	for i, lang := range base.Trained {
		s := base
		s.Trained = []string{lang}
		s.Unseen = nil
		for j, other := range base.Trained {
			if j != i {
				s.Unseen = append(s.Unseen, other)
			}
		}
		s.Unseen = append(s.Unseen, base.Unseen...)
		cells = append(cells, lidr.SweepCell{Name: lang, Settings: s})
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
