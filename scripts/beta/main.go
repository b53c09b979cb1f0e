//go:build go1.21

// Beta sweeps β, the scale of the implicit reward; published run names show 0.1 and 0.5.
//
//	bin/lidr run scripts/beta -n 1000 -dir runs/beta
//	go run ./scripts/beta -n 1000 -dir runs/beta
//
// It shows how far the result depends on a setting that the paper does not state.
package main

import (
	"fmt"
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("beta")
	var cells []lidr.SweepCell
	for _, beta := range []float64{0.01, 0.05, 0.1, 0.5, 1} {
		s := base
		s.Train.Beta = beta
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("beta=%g", beta), Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
