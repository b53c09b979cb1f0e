//go:build go1.21

// Dominant makes another language than English the one whose answers are preferred.
//
//	bin/lidr run scripts/dominant -n 1000 -dir runs/dominant
//	go run ./scripts/dominant -n 1000 -dir runs/dominant
//
// The signal is the imbalance: from a weaker language to a stronger one it points the wrong way. A cell's "trained" are
// all languages but its dominant one.
package main

import (
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("dominant")
	var cells []lidr.SweepCell
	for _, dominant := range base.Languages() {
		s := base
		s.Dominant = dominant
		s.Trained = nil
		for _, other := range base.Languages() {
			if other != dominant {
				s.Trained = append(s.Trained, other)
			}
		}
		cells = append(cells, lidr.SweepCell{Name: dominant, Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
