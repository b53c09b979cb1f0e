//go:build go1.21

// Learning_rate sweeps the peak learning rate around the miniature preset's 1e-4.
//
//	bin/lidr run scripts/learning_rate -n 1000 -dir runs/learning_rate
//	go run ./scripts/learning_rate -n 1000 -dir runs/learning_rate
//
// Too low, and one round moves nothing; too high, and English is lost.
package main

import (
	"fmt"
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("learning_rate")
	var cells []lidr.SweepCell
	for _, rate := range []float64{1e-5, 3e-5, 1e-4, 3e-4, 1e-3} {
		s := base
		s.Train.LR = rate
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("lr=%g", rate), Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
