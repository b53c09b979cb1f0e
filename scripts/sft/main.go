//go:build go1.21

// Sft compares the method with SFT on the chosen side, the paper's baseline "multilingual alignment".
//
//	bin/lidr run scripts/sft -n 1000 -dir runs/sft
//	go run ./scripts/sft -n 1000 -dir runs/sft
//
// It shows what the preference adds to the translated answers.
package main

import (
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("sft")
	changed := base
	changed.Train.Objective = "sft"
	cells := []lidr.SweepCell{{Name: "LIDR", Settings: base}, {Name: "SFT", Settings: changed}}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
