//go:build go1.21

// Prompts_number sweeps the number of prompts of a round; -n is the largest.
//
//	bin/lidr run scripts/prompts_number -n 1000 -dir runs/prompts_number
//	go run ./scripts/prompts_number -n 1000 -dir runs/prompts_number
//
// It shows how much of the gain the first few hundred prompts bring.
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
	dir := flag.String("dir", "runs/prompts_number", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	var cells []lidr.SweepCell
	for _, share := range []int{10, 5, 2, 1} {
		s := base
		s.Prompts.N = (base.Prompts.N + share - 1) / share
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("n=%d", s.Prompts.N), Settings: s})
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
