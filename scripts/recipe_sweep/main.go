//go:build go1.21

// Recipe_sweep is an ablation as a recipe and a list of changes: one run of the recipe for each value of a field.
//
//	bin/lidr run scripts/recipe_sweep -field train.beta -values 0.05,0.1,0.5 -dir runs/recipe_sweep
//	go run ./scripts/recipe_sweep -field train.loss -values sigmoid,ipo,simpo -dir runs/recipe_sweep
//
// The field is one of the run's settings, as lidr recipe --print names them. Another experiment is another recipe: a
// file of one's own with preset: miniature, since the sweep is of the embedded model.
package main

import (
	"flag"
	"fmt"
	"log"
	"strings"

	"lidrlab/lidr"
	"lidrlab/lidr/ablation"
	"lidrlab/lidr/recipe"
)

func main() {
	name := flag.String("recipe", "miniature", "a recipe of the miniature: a preset or a file")
	field := flag.String("field", "train.beta", "the field that changes")
	values := flag.String("values", "0.05,0.1,0.5", "its values, in YAML, with commas between them")
	dir, base := ablation.Flags("recipe_sweep")
	sizes := []string{
		fmt.Sprintf("rounds=%d", base.Rounds), fmt.Sprintf("prompts.n=%d", base.Prompts.N),
		fmt.Sprintf("evaluate.n=%d", base.Evaluate.N),
		fmt.Sprintf("evaluate.translations=%d", base.Evaluate.Translations),
	}
	var cells []lidr.SweepCell
	for _, value := range strings.Split(*values, ",") {
		change := *field + "=" + value
		r, err := recipe.Load(*name, append(append([]string{}, sizes...), change)...)
		if err != nil {
			log.Fatal(err)
		}
		cells = append(cells, lidr.SweepCell{Name: change, Settings: r.Settings})
	}
	if _, err := ablation.Sweep(dir, cells); err != nil {
		log.Fatal(err)
	}
}
