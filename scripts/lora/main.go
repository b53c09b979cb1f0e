//go:build go1.21

// Lora trains one round with all weights and with adapters of several ranks in their place.
//
//	bin/lidr run scripts/lora -n 1000 -dir runs/lora
//	go run ./scripts/lora -n 1000 -dir runs/lora
//
// An adapter of rank r holds r·(in+out) numbers where a weight holds in·out, and so do AdamW's moments. It needs a higher
// learning rate; alpha is twice the rank, so that one rate does for all ranks.
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
	rate := flag.Float64("lr", 1e-3, "peak learning rate of the adapters")
	dir := flag.String("dir", "runs/lora", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	cells := []lidr.SweepCell{{Name: "full", Settings: base}}
	for _, rank := range []int{4, 16, 64} {
		s := base
		s.Train.LR, s.Train.LoRA.Rank, s.Train.LoRA.Alpha = *rate, rank, float64(2*rank)
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("r=%d", rank), Settings: s})
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
