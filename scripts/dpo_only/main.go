//go:build go1.21

// Dpo_only leaves the NLL term out.
//
//	bin/lidr run scripts/dpo_only -n 1000 -dir runs/dpo_only
//	go run ./scripts/dpo_only -n 1000 -dir runs/dpo_only
//
// Without it DPO pushes both sides down and the model unlearns how to answer.
package main

import (
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("dpo_only")
	changed := base
	changed.Train.Objective = "dpo"
	cells := []lidr.SweepCell{{Name: "LIDR", Settings: base}, {Name: "DPO only", Settings: changed}}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
