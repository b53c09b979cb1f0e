//go:build go1.21

// Languages trains on one language at a time, and on all; the others are evaluated as unseen.
//
//	bin/lidr run scripts/languages -n 1000 -dir runs/languages
//	go run ./scripts/languages -n 1000 -dir runs/languages
//
// It shows how much a language gains from the others' pairs. A cell's "trained" and "unseen" are its own languages.
package main

import (
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("languages")
	cells := []lidr.SweepCell{{Name: "all", Settings: base}}
	for i, lang := range base.Trained {
		s := base
		s.Trained = []string{lang}
		s.Unseen = nil
		for j, other := range base.Trained {
			if j != i {
				s.Unseen = append(s.Unseen, other)
			}
		}
		s.Unseen = append(s.Unseen, base.Unseen...)
		cells = append(cells, lidr.SweepCell{Name: lang, Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
