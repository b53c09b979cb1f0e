//go:build go1.21

// Lora trains one round with all weights and with adapters of several ranks in their place.
//
//	bin/lidr run scripts/lora -n 1000 -dir runs/lora
//	go run ./scripts/lora -n 1000 -dir runs/lora
//
// An adapter of rank r holds r·(in+out) numbers where a weight holds in·out, and so do AdamW's moments. It needs a
// higher learning rate; alpha is twice the rank, so that one rate does for all ranks.
package main

import (
	"flag"
	"fmt"
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	rate := flag.Float64("lr", 1e-3, "peak learning rate of the adapters")
	dir, base := ablation.Flags("lora")
	cells := []lidr.SweepCell{{Name: "full", Settings: base}}
	for _, rank := range []int{4, 16, 64} {
		s := base
		s.Train.LR = *rate
		s.Train.LoRA = lidr.LoRASettings{Rank: rank, Alpha: float64(2 * rank)}
		cells = append(cells, lidr.SweepCell{Name: fmt.Sprintf("r=%d", rank), Settings: s})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
