//go:build go1.21

// Real_small asks whether the method works on a real model that a laptop trains, Qwen2.5-Coder-0.5B-Instruct: two
// rounds beside its controls on the same prompts, over seeds, with everything measured before and after. PLAN.md beside
// it says what is claimed and at which sizes; it was written before the run.
//
//	bin/lidr run scripts/real_small -model MODEL -data FOLDER -dir runs/real_small
//	go run ./scripts/real_small -model MODEL -data FOLDER -dir runs/real_small
//
// MODEL is a folder, a GGUF file or a name on the hub; FOLDER holds alpagasus, gsm8k and mgsm, one file a language in
// each. An evening's part is named by -arms and -seeds, and the same folder takes the others later; killed at any
// time, it continues. Cells may be of several machines: what was measured of one is DIR/records/CELL.jsonl, and a copy
// of that in another folder stands for it there. With -read it draws fifty pairs of each language for a person to read,
// with -times it shows what every step has taken. Interpreted, a real model needs
// bin/lidr run --memory 16GiB --timeout 48h --read FOLDER.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/trial"
	"lidrlab/plots"
)

func main() {
	s := trial.Defaults()
	flag.StringVar(&s.Model, "model", s.Model, "folder, GGUF file or name of the model on the hub")
	flag.StringVar(&s.Data, "data", s.Data, "folder with alpagasus, gsm8k and mgsm; LIDR_DATA without it")
	trained := flag.String("trained", "es,de", "languages that pairs are made for, beside English")
	unseen := flag.String("unseen", "fr,ru", "languages that are only measured")
	arms := flag.String("arms", "", "which of "+strings.Join(trial.Arms(), ", ")+"; all of the plan without it")
	seeds := flag.String("seeds", "", "such as 1,2; those of the plan without it")
	flag.IntVar(&s.N, "n", s.N, "prompts a round, each in every language: instructions and arithmetic in turn")
	flag.IntVar(&s.EvalN, "eval-n", s.EvalN, "problems of an evaluation, 0 for all")
	flag.IntVar(&s.FreeN, "free-n", s.FreeN, "free prompts of an evaluation")
	flag.IntVar(&s.Rounds, "rounds", s.Rounds, "rounds of main and of random-rounds; of every other arm it is one")
	flag.BoolVar(&s.UntilSaturated, "until-saturated", false, "end main before, where a round gains nothing")
	flag.IntVar(&s.Tokens, "tokens", s.Tokens, "the most tokens of an answer")
	flag.IntVar(&s.LoRA, "lora", s.LoRA, "rank of the adapter, 0 for all weights")
	flag.Float64Var(&s.LR, "lr", s.LR, "learning rate")
	flag.StringVar(&s.Quantize, "quantize", s.Quantize, "how models answer: q8, stored, bf16, or in float32 without")
	flag.IntVar(&s.Votes, "votes", s.Votes, "answers to a problem of the arm majority")
	flag.BoolVar(&s.Dev, "dev", false, "evaluate on held-out training problems: to choose settings without MGSM")
	flag.StringVar(&s.Translator, "translator", "", "address of a server that translates, for the arm translator")
	flag.StringVar(&s.Judge, "judge", "", "address of a server that judges free answers")
	read := flag.Bool("read", false, "draw pairs for a person to read, or count what was found of them, and end")
	times := flag.Bool("times", false, "show what every step has taken, and end")
	dry := flag.Bool("dry", false, "say what is still to be done and what it will take, and end")
	dir := flag.String("dir", "runs/real_small", "folder")
	small := flag.Bool("small", false, "the embedded model at a tiny size that only shows that it runs")
	flag.Parse()
	s.Trained, s.Unseen = list(*trained), list(*unseen)
	if *small {
		s = s.Small()
		if *arms == "" {
			*arms, *seeds = "main,random-labels,gold-template,majority", "1"
		}
	}
	cells, err := s.Cells(*arms, *seeds)
	check(err)
	ctx := context.Background()
	t, err := trial.Open(*dir, s, os.Stderr)
	check(err)
	if *read {
		reads, err := t.Reading(50)
		check(err)
		check(lidr.Show(reads))
		fmt.Println("the pairs:", filepath.Join(*dir, "reading"), "- fill the column kind with one of:",
			strings.Join(trial.Kinds, ", "))
		return
	}
	if *times {
		steps, err := t.Times()
		check(err)
		check(lidr.Show(steps))
		return
	}
	forecast, err := t.Forecast(ctx, cells)
	check(err)
	if len(forecast.Work) > 0 {
		fmt.Fprintln(os.Stderr, "this will take", forecast)
	}
	if *dry {
		check(lidr.Show(forecast.Work))
		return
	}
	began := time.Now()
	translations, err := t.Translations(ctx)
	check(err)
	fmt.Println("translations of human prompts, before training:")
	check(lidr.Show(translations))
	check(t.Run(ctx, cells...))
	if len(forecast.Work) > 0 {
		fmt.Fprintf(os.Stderr, "it took %.0f s, and %.0f s were said\n", time.Since(began).Seconds(), forecast.Total())
	}
	results, err := t.Results()
	check(err)
	fmt.Println("changes, with intervals of 95 %; what no test tells from none is no gain:")
	for _, part := range results.Parts() {
		fmt.Println(part.Title)
		check(lidr.Show(part.Lines))
	}
	fmt.Println("computed by:", strings.Join(results.Kernels, "; "))
	fmt.Println("missing:", strings.Join(results.Missing, ", "))
	fmt.Println(results.Verdict())
	if len(results.Rows) > 0 {
		check(draw(s, results).Save(filepath.Join(*dir, "results.svg")))
	}
	fmt.Println("results:", filepath.Join(*dir, "results.csv"))
}

// draw shows what the first round of each arm has changed of the arithmetic in the trained languages.
func draw(s trial.Settings, results trial.Results) *plots.Figure {
	bars := plots.GroupedBars{
		Title: "Arithmetic in " + strings.Join(s.Trained, " and ") + ": M1 beside M0", Unit: "change, points",
		Groups: []string{"right", "right and in its language", "in another language"},
		Note:   "paired by problem, means over seeds", Width: 180, Height: 90,
	}
	scope := "trained"
	if len(s.Trained) == 1 {
		scope = s.Trained[0]
	}
	for _, arm := range append(trial.Arms()[1:], "main") {
		if arm == "random-rounds" { // whose first round is that of random-labels
			continue
		}
		series := plots.Series{Name: arm}
		for _, metric := range []string{"accuracy", "correct_in_language", "off_target"} {
			for _, row := range results.Rows {
				if row.Arm == arm && row.Model == "M1" && row.From == "M0" && row.Lang == scope && row.Metric == metric {
					series.Values = append(series.Values, 100*row.Difference)
					series.Errors = append(series.Errors, 100*eval.Z95*row.SE)
				}
			}
		}
		if len(series.Values) == len(bars.Groups) {
			bars.Series = append(bars.Series, series)
		}
	}
	return bars.Figure()
}

// list splits "es,de".
func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
