//go:build go1.21

// Pairs_mode compares the two readings of the English rejected side: one language drawn for each prompt (the authors'
// answer to reviewers) or always the last one (what their released code leaves).
//
//	bin/lidr run scripts/pairs_mode -n 1000 -dir runs/pairs_mode
//	go run ./scripts/pairs_mode -n 1000 -dir runs/pairs_mode
//
// It shows whether the difference between paper and code matters.
package main

import (
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("pairs_mode")
	var cells []lidr.SweepCell
	for _, mode := range []string{"paper", "released"} {
		s := base
		s.Pairs.Mode = mode
		cells = append(cells, lidr.SweepCell{Name: "mode=" + mode, Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
