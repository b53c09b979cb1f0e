//go:build go1.21

// Random_labels swaps chosen and rejected of every pair with probability one half: a negative control.
//
//	bin/lidr run scripts/random_labels -n 1000 -dir runs/random_labels
//	go run ./scripts/random_labels -n 1000 -dir runs/random_labels
//
// What is left of the gain does not come from the preference.
package main

import (
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("random_labels")
	changed := base
	changed.Train.Labels = "random"
	cells := []lidr.SweepCell{{Name: "LIDR", Settings: base}, {Name: "random labels", Settings: changed}}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
