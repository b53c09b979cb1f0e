//go:build go1.21

// Learning_rate sweeps the peak learning rate around the miniature preset's 1e-4.
//
//	bin/lidr run scripts/learning_rate -n 1000 -dir runs/learning_rate
//	go run ./scripts/learning_rate -n 1000 -dir runs/learning_rate
//
// Too low, and one round moves nothing; too high, and English is lost.
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
	dir := flag.String("dir", "runs/learning_rate", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	var cells []lidr.SweepCell
	for _, rate := range []float64{1e-5, 3e-5, 1e-4, 3e-4, 1e-3} {
		s := base
		s.Train.LR = rate
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("lr=%g", rate), Settings: s})
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
