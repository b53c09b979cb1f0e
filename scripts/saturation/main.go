//go:build go1.21

// Saturation runs five rounds, each from the last one's model, and the same without new prompts.
//
//	bin/lidr run scripts/saturation -n 1000 -dir runs/saturation
//	go run ./scripts/saturation -n 1000 -dir runs/saturation
//
// It shows after how many rounds nothing more is gained, and whether new prompts are what later rounds live on.
package main

import (
	"log"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
)

func main() {
	dir, base := ablation.Flags("saturation")
	base.Rounds = 5
	same := base
	same.Prompts.Reuse = true
	cells := []lidr.SweepCell{{Name: "new prompts", Settings: base}, {Name: "the same prompts", Settings: same}}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
