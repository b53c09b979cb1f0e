//go:build go1.21

// Nll_normalisation sets the two readings of the NLL term side by side: the mean over each sequence (LLaMA-Factory, the paper)
// and the mean over the tokens of the batch (TRL).
//
//	bin/lidr run scripts/nll_normalisation -n 1000 -dir runs/nll_normalisation
//	go run ./scripts/nll_normalisation -n 1000 -dir runs/nll_normalisation
//
// The two differ in how much long answers weigh.
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
	dir := flag.String("dir", "runs/nll_normalisation", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	var cells []lidr.SweepCell
	for _, nll := range []string{"sequence", "token"} {
		s := base
		s.Train.NLL = nll
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("nll=%s", nll), Settings: s})
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
