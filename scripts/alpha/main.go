//go:build go1.21

// Alpha sweeps α, the weight of the NLL of the chosen side beside DPO, which the paper does not state.
//
//	bin/lidr run scripts/alpha -n 1000 -dir runs/alpha
//	go run ./scripts/alpha -n 1000 -dir runs/alpha
//
// α 0 is DPO alone, which unlearns how to answer; beyond that it shows how broad the range is in which the method
// works.
package main

import (
	"fmt"
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("alpha")
	var cells []lidr.SweepCell
	for _, alpha := range []float64{0, 0.5, 1, 2, 5, 10} {
		s := base
		s.Train.Alpha = alpha
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("alpha=%g", alpha), Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
