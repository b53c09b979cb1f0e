//go:build go1.21

// External_translations asks whether the model's own translations limit the method: it runs one round with them, and
// one in which the miniature world itself translates every answer, exactly and with its mistakes.
//
//	bin/lidr run scripts/external_translations -n 1000 -dir runs/external_translations
//	go run ./scripts/external_translations -n 1000 -dir runs/external_translations
//
// The world translates worked answers to its problems only: any other answer counts as a failed translation.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/plots"
)

func main() {
	n := flag.Int("n", 1000, "prompts a round, each in every language")
	dir := flag.String("dir", "runs/external_translations", "folder")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	settings := lidr.MiniatureSettings()
	settings.Rounds, settings.Prompts.N = 1, *n
	if *small {
		settings = settings.Tiny()
	}
	m0, err := lidr.LoadModel("miniature")
	check(err)
	bars := plots.GroupedBars{
		Title: "Whose translations", Unit: "change of accuracy from M0, points", XLabel: "language",
		Groups: settings.Languages(),
	}
	for _, name := range []string{"own translations", "exact translations"} {
		changes := accuracyChanges(filepath.Join(*dir, name), settings, m0, name == "exact translations")
		fmt.Println(name)
		check(lidr.Show(changes))
		series := plots.Series{Name: name}
		for _, lang := range settings.Languages() {
			for _, c := range changes {
				if c.Lang == lang {
					series.Values = append(series.Values, 100*c.Difference)
					series.Errors = append(series.Errors, 100*eval.Z95*c.SE)
				}
			}
		}
		bars.Series = append(bars.Series, series)
	}
	for _, extension := range []string{".png", ".svg"} {
		check(bars.Figure().Save(filepath.Join(*dir, "translations"+extension)))
	}
	fmt.Println("plot:", filepath.Join(*dir, "translations.png"))
}

// accuracyChanges runs one round and returns the changes of accuracy from M0.
func accuracyChanges(dir string, settings lidr.Settings, m0 *lidr.Model, exact bool) []eval.Change {
	ctx := context.Background()
	run, err := lidr.Open(dir, settings, lidr.WithProgress(lidr.ProgressLines(os.Stderr)))
	check(err)
	_, err = lidr.Evaluate(ctx, run, m0)
	check(err)
	prompts, err := lidr.Prompts(ctx, run, m0)
	check(err)
	responses, err := lidr.Generate(ctx, run, m0, prompts)
	check(err)
	translations, err := lidr.Translate(ctx, run, m0, responses)
	check(err)
	if exact {
		translations = translated(translations)
	}
	pairs, _, err := lidr.Pairs(ctx, run, m0, responses, translations)
	check(err)
	m1, _, err := lidr.Train(ctx, run, m0, pairs)
	check(err)
	_, err = lidr.Evaluate(ctx, run, m1)
	check(err)
	frame, err := lidr.Compare(ctx, run, "M0", "M1")
	check(err)
	var all, accuracy []eval.Change
	check(datasets.Rows(frame, &all))
	for _, c := range all {
		if c.Metric == "accuracy" {
			accuracy = append(accuracy, c)
		}
	}
	return accuracy
}

// translated returns the world's translations of the same answers.
func translated(frame dataframe.DataFrame) dataframe.DataFrame {
	var rows []datasets.Translation
	check(datasets.Rows(frame, &rows))
	failed := 0
	for i := range rows {
		row := &rows[i]
		problem, err := miniature.Decode(row.ID)
		check(err)
		row.Completion, row.Reason = "", ""
		row.Text, row.OK = problem.Translate(row.Source, row.From, row.To)
		if !row.OK {
			row.Reason = "no worked answer of its problem"
			failed++
		}
	}
	fmt.Printf("exact translations: %d, of which %d failed\n", len(rows), failed)
	return datasets.Frame(rows)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
