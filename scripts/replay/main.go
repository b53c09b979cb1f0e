//go:build go1.21

// Replay adds the model's own translations to every training step, which the paper does not.
//
//	bin/lidr run scripts/replay -n 1000 -dir runs/replay
//	go run ./scripts/replay -n 1000 -dir runs/replay
//
// It shows whether the model still translates as well, which the next round needs, and what that costs in accuracy.
package main

import (
	"fmt"
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("replay")
	var cells []lidr.SweepCell
	for _, replay := range []int{0, 6, 12, 24} {
		s := base
		s.Train.Replay = replay
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("replay=%d", replay), Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
