//go:build go1.21

// Replay adds the model's own translations to every training step, which the paper does not.
//
//	bin/lidr run scripts/replay -n 1000 -dir runs/replay
//	go run ./scripts/replay -n 1000 -dir runs/replay
//
// It shows whether the model's translations, which the next round needs, are kept alive, and at what price.
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
	dir := flag.String("dir", "runs/replay", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	var cells []lidr.SweepCell
	for _, replay := range []int{0, 6, 12, 24} {
		s := base
		s.Train.Replay = replay
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("replay=%d", replay), Settings: s})
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
