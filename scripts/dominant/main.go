//go:build go1.21

// Dominant lets another language than English be the one whose answers are preferred.
//
//	bin/lidr run scripts/dominant -n 1000 -dir runs/dominant
//	go run ./scripts/dominant -n 1000 -dir runs/dominant
//
// The signal is the imbalance: from a weaker language to a stronger one it points the wrong way. A cell's "trained" are all but
// its dominant language.
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
	dir := flag.String("dir", "runs/dominant", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	all := append([]string{base.Dominant}, base.Trained...)
	var cells []lidr.SweepCell
	for _, dominant := range all {
		s := base
		s.Dominant = dominant
		s.Trained = nil
		for _, other := range all {
			if other != dominant {
				s.Trained = append(s.Trained, other)
			}
		}
		cells = append(cells, lidr.SweepCell{Name: dominant, Settings: s})
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
