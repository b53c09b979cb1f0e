//go:build go1.21

// Nll_normalisation compares the two readings of the NLL term: the mean over each sequence (LLaMA-Factory, the paper)
// and the mean over the tokens of the batch (TRL).
//
//	bin/lidr run scripts/nll_normalisation -n 1000 -dir runs/nll_normalisation
//	go run ./scripts/nll_normalisation -n 1000 -dir runs/nll_normalisation
//
// The two differ in how much long answers weigh.
package main

import (
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("nll_normalisation")
	var cells []lidr.SweepCell
	for _, nll := range []string{"sequence", "token"} {
		s := base
		s.Train.NLL = nll
		cells = append(cells, lidr.SweepCell{Name: "nll=" + nll, Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
