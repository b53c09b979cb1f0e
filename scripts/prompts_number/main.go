//go:build go1.21

// Prompts_number sweeps the number of prompts of a round; -n is the largest.
//
//	bin/lidr run scripts/prompts_number -n 1000 -dir runs/prompts_number
//	go run ./scripts/prompts_number -n 1000 -dir runs/prompts_number
//
// It shows how much of the gain the first few hundred prompts bring.
package main

import (
	"fmt"
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("prompts_number")
	var cells []lidr.SweepCell
	for _, share := range []int{10, 5, 2, 1} {
		s := base
		s.Prompts.N = (base.Prompts.N + share - 1) / share
		if n := len(cells); n > 0 && cells[n-1].Settings.Prompts.N == s.Prompts.N {
			continue // -small has too few prompts for four shares of them
		}
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("n=%d", s.Prompts.N), Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
