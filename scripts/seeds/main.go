//go:build go1.21

// Seeds repeats one round with other draws of prompts and training order, on the same M0.
//
//	bin/lidr run scripts/seeds -n 1000 -dir runs/seeds
//	go run ./scripts/seeds -n 1000 -dir runs/seeds
//
// The standard error of one training is over problems; this one is over trainings, and the last line shows both.
package main

import (
	"fmt"
	"log"
	"math"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
	"lidrlab/lidr/eval"
)

func main() {
	dir, base := ablation.Flags("seeds")
	var cells []lidr.SweepCell
	for _, seed := range []int64{1, 2, 3, 4, 5} {
		s := base
		s.Seed = seed
		s.Train.Seed = seed
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("seed=%d", seed), Settings: s})
	}
	frame, err := ablation.Sweep(dir, cells)
	check(err)
	var scores []lidr.SweepScore
	check(datasets.Rows(frame, &scores))
	var changes []float64
	within := 0.0
	for _, s := range scores {
		if s.Model == "M1" && s.Metric == "accuracy" && s.Lang == "trained" {
			changes = append(changes, 100*s.Difference)
			within += 100 * s.DifferenceSE / float64(len(cells))
		}
	}
	mean := eval.MeanSE(changes)
	fmt.Printf("change of the trained languages over %d trainings: %+.1f ± %.1f points, ", mean.N, mean.Mean, mean.SE)
	fmt.Printf("standard deviation %.1f; standard error within one: %.1f\n", mean.SE*math.Sqrt(float64(mean.N)), within)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
