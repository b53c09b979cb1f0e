//go:build go1.21

// Train is the program that bench lets lidr run: pairs of a file, a model and settings of DPO+NLL, and the time that
// the reference log-probabilities and the steps take, as one line of JSON. What lidr notes on the way goes to stderr.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lidrlab/datasets"
	"lidrlab/lidr"
)

func main() {
	log.SetFlags(0)
	s := lidr.PaperSettings()
	s.Rounds, s.Generate.System = 1, ""
	s.Train.MaxLength = 16_384 // more than the pairs have
	s.Train.Schedule, s.Train.Warmup, s.Train.NLL = "constant_with_warmup", 0, "token"
	dir := flag.String("dir", "", "run folder")
	model := flag.String("model", "", "model to train")
	file := flag.String("pairs", "", "JSON list of pairs")
	flag.IntVar(&s.Train.LoRA.Rank, "rank", 0, "rank of the adapter, 0 for all weights")
	flag.IntVar(&s.Train.BatchPairs, "batch", 4, "pairs a step")
	flag.Float64Var(&s.Train.LR, "lr", 1e-6, "learning rate")
	flag.Float64Var(&s.Train.Beta, "beta", 0.1, "beta")
	flag.BoolVar(&s.Train.Checkpointing, "checkpointing", false, "compute activations again in the backward pass")
	half := flag.Bool("half", false, "products in bfloat16, and weights below an adapter")
	flag.Parse()
	if *half {
		if s.Train.Products = "bfloat16"; s.Train.LoRA.Rank > 0 {
			s.Train.DType = "bfloat16"
		}
	}
	s.Train.LoRA.Alpha = float64(2 * s.Train.LoRA.Rank)

	var pairs []lidr.Pair
	data, err := os.ReadFile(*file)
	if err == nil {
		err = json.Unmarshal(data, &pairs)
	}
	if err != nil {
		log.Fatal(err)
	}
	s.Prompts.Source = *file
	m, err := lidr.LoadModel(*model)
	if err != nil {
		log.Fatal(err)
	}
	var begin, last time.Time
	progress := func(e lidr.Event) {
		if e.Note != "" {
			fmt.Fprintln(os.Stderr, e.Note)
		}
		if begin.IsZero() && strings.HasSuffix(e.Step, " reference") {
			begin = time.Now()
		}
		if strings.HasSuffix(e.Step, " train") {
			last = time.Now()
		}
	}
	run, err := lidr.Open(*dir, s, lidr.WithProgress(progress), lidr.WithStore(filepath.Join(*dir, "store")))
	if err != nil {
		log.Fatal(err)
	}
	_, frame, err := lidr.Train(context.Background(), run, m, datasets.Frame(pairs))
	if err != nil {
		log.Fatal(err)
	}
	tokens := 0
	for _, n := range frame.Col("tokens").Float() {
		tokens += int(n)
	}
	out := map[string]any{
		"seconds": last.Sub(begin).Seconds(), "tokens": tokens, "margins": frame.Col("rewards/margins").Float(),
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		log.Fatal(err)
	}
}
