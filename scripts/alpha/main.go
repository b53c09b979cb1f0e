//go:build go1.21

// Alpha sweeps α, the weight of the NLL of the chosen side beside DPO, which the paper does not state.
//
//	bin/lidr run scripts/alpha -n 1000 -dir runs/alpha
//	go run ./scripts/alpha -n 1000 -dir runs/alpha
//
// α 0 is DPO alone, which unlearns how to answer; beyond that it shows how broad the range is in which the method works.
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
	dir := flag.String("dir", "runs/alpha", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	var cells []lidr.SweepCell
	for _, alpha := range []float64{0, 0.5, 1, 2, 5, 10} {
		s := base
		s.Train.Alpha = alpha
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("alpha=%g", alpha), Settings: s})
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
