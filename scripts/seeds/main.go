//go:build go1.21

// Seeds repeats one round with other draws of prompts and training order, on the same M0.
//
//	bin/lidr run scripts/seeds -n 1000 -dir runs/seeds
//	go run ./scripts/seeds -n 1000 -dir runs/seeds
//
// The standard error of one training is over problems; this one is over trainings, and the last line sets the two side by side.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

func main() {
	n := flag.Int("n", 1000, "prompts a round, each in every language")
	dir := flag.String("dir", "runs/seeds", "folder of the sweep")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	base := lidr.Miniature()
	base.Rounds, base.Prompts.N = 1, *n
	if *small {
		base.Prompts.N, base.Evaluate.N, base.Evaluate.Translations = 6, 6, 2
	}
	var cells []lidr.SweepCell
	for _, seed := range []int64{1, 2, 3, 4, 5} {
		s := base
		s.Seed, s.Train.Seed = seed, seed
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("seed=%d", seed), Settings: s})
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
	var changes []float64
	within := 0.0
	for i := 0; i < frame.Nrow(); i++ {
		cell := func(name string) string { return frame.Col(name).Elem(i).String() }
		if cell("model") == "M1" && cell("metric") == "accuracy" && cell("lang") == "trained" {
			changes = append(changes, 100*frame.Col("difference").Elem(i).Float())
			within += 100 * frame.Col("difference_se").Elem(i).Float() / float64(len(cells))
		}
	}
	mean := eval.MeanSE(changes)
	fmt.Printf("change of the trained languages over %d trainings: %+.1f ± %.1f points, standard deviation %.1f; standard error within one: %.1f\n",
		mean.N, mean.Mean, mean.SE, mean.SE*math.Sqrt(float64(mean.N)), within)
	fmt.Println("plot:", filepath.Join(*dir, "sweep.png"))
}
