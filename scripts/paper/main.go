//go:build go1.21

// Paper runs one of the paper's experiments from its recipe: on real models behind servers, trained by LLaMA-Factory or
// TRL, judged by another.
//
//	bin/lidr run scripts/paper -recipe llama3_instruct -dry
//	go run ./scripts/paper -recipe llama3_instruct -set "model.endpoints=[http://gpu:8000/v1]"
//
// Every recipe is a readable file in lidr/recipe/recipes, and lidr recipe lists them; -set changes a field by its path,
// and may be given several times. One model is served at a time, so the same command is given again: each time it says
// which model to serve next, or what to train where. What a model has said is kept and never asked again. With -small
// everything is done on the embedded model, training included.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"lidrlab/lidr"
	"lidrlab/lidr/handoff"
	"lidrlab/lidr/recipe"
)

func main() {
	name := flag.String("recipe", "llama3_instruct", "a shipped recipe, or a file")
	dir := flag.String("dir", "", "run folder (default runs/paper_RECIPE, with -small at the end for -small)")
	small := flag.Bool("small", false, "a tiny size on the embedded model that only shows that it runs")
	dry := flag.Bool("dry", false, "only print what every step takes at most")
	var sets []string
	flag.Func("set", "change a field: train.beta=0.2", func(set string) error {
		sets = append(sets, set)
		return nil
	})
	flag.Parse()

	r, err := recipe.Load(*name, sets...)
	check(err)
	fmt.Println(r.About)
	if *dry {
		forecast, err := recipe.Dry(r)
		check(err)
		check(lidr.Show(forecast.Costs))
		for _, note := range forecast.Notes {
			fmt.Println(note)
		}
		return
	}
	if *dir == "" {
		*dir = filepath.Join("runs", "paper_"+r.Name)
		if *small {
			*dir += "-small"
		}
	}
	ctx, progress := context.Background(), lidr.WithProgress(lidr.ProgressLines(os.Stderr))
	if *small {
		note := func(text string) { fmt.Println(text) }
		_, err = recipe.RunSmall(ctx, r, *dir, note, progress)
	} else {
		_, err = recipe.Run(ctx, r, *dir, progress)
	}
	if errors.Is(err, handoff.ErrElsewhere) || errors.Is(err, recipe.ErrUnserved) {
		fmt.Println(err)
		os.Exit(75) // as of every command that waits for another: sysexits.h's EX_TEMPFAIL
	}
	check(err)
	fmt.Println("report:", filepath.Join(*dir, "report.html"))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
