//go:build go1.21

// Beta sweeps β, the scale of the implicit reward; published run names show 0.1 and 0.5.
//
//	bin/lidr run scripts/beta -n 1000 -dir runs/beta
//	go run ./scripts/beta -n 1000 -dir runs/beta
//
// It shows how far the result hangs on a setting that the paper does not state.
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
	dir := flag.String("dir", "runs/beta", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	var cells []lidr.SweepCell
	for _, beta := range []float64{0.01, 0.05, 0.1, 0.5, 1} {
		s := base
		s.Train.Beta = beta
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("beta=%g", beta), Settings: s})
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
