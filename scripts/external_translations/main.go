//go:build go1.21

// External_translations asks whether the model's own translations hold the method back: it runs one round with them, and
// one in which the world itself translates every answer, exactly and with its mistakes.
//
//	bin/lidr run scripts/external_translations -n 1000 -dir runs/external_translations
//	go run ./scripts/external_translations -n 1000 -dir runs/external_translations
//
// An answer that is no worked answer of its problem cannot be translated by the world: it counts as a failed translation.
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
	"lidrlab/plots"
)

func main() {
	n := flag.Int("n", 1000, "prompts a round, each in every language")
	dir := flag.String("dir", "runs/external_translations", "folder")
	small := flag.Bool("small", false, "a tiny size that only shows that it runs")
	flag.Parse()

	settings := lidr.Miniature()
	settings.Rounds, settings.Prompts.N = 1, *n
	if *small {
		settings.Prompts.N, settings.Evaluate.N, settings.Evaluate.Translations = 6, 6, 2
	}
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		log.Fatal(err)
	}
	languages := append([]string{settings.Dominant}, settings.Trained...)
	bars := plots.GroupedBars{Title: "Whose translations", Unit: "change of accuracy from M0, points ± one standard error", Groups: languages}
	for _, name := range []string{"own translations", "exact translations"} {
		series := plots.Series{Name: name}
		changes, err := round(filepath.Join(*dir, name), settings, m0, name == "exact translations")
		if err != nil {
			log.Fatal(err)
		}
		for i := 0; i < changes.Nrow(); i++ {
			cell := func(column string) float64 { return 100 * changes.Col(column).Elem(i).Float() }
			lang := changes.Col("lang").Elem(i).String()
			if changes.Col("metric").Elem(i).String() != "accuracy" {
				continue
			}
			fmt.Printf("%-18s  %-7s  %+6.1f ± %.1f points\n", name, lang, cell("difference"), cell("se"))
			for _, own := range languages {
				if own == lang {
					series.Values, series.Errors = append(series.Values, cell("difference")), append(series.Errors, cell("se"))
				}
			}
		}
		bars.Series = append(bars.Series, series)
	}
	for _, extension := range []string{".png", ".svg"} {
		if err := bars.Figure().Save(filepath.Join(*dir, "translations"+extension)); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("plot:", filepath.Join(*dir, "translations.png"))
}

// round runs one round and returns the changes from M0.
func round(dir string, settings lidr.Settings, m0 *lidr.Model, exact bool) (dataframe.DataFrame, error) {
	var none dataframe.DataFrame
	ctx := context.Background()
	run, err := lidr.Open(dir, settings, lidr.WithProgress(lidr.ProgressLines(os.Stderr)))
	if err != nil {
		return none, err
	}
	if _, err := lidr.Evaluate(ctx, run, m0); err != nil {
		return none, err
	}
	prompts, err := lidr.Prompts(ctx, run, 0)
	if err != nil {
		return none, err
	}
	responses, err := lidr.Generate(ctx, run, m0, prompts)
	if err != nil {
		return none, err
	}
	translations, err := lidr.Translate(ctx, run, m0, responses)
	if err != nil {
		return none, err
	}
	if exact {
		if translations, err = translate(translations); err != nil {
			return none, err
		}
	}
	pairs, _, err := lidr.Pairs(ctx, run, m0, responses, translations)
	if err != nil {
		return none, err
	}
	m1, _, err := lidr.Train(ctx, run, m0, pairs)
	if err != nil {
		return none, err
	}
	if _, err := lidr.Evaluate(ctx, run, m1); err != nil {
		return none, err
	}
	return lidr.Compare(run, "M0", "M1")
}

// translate replaces the model's translations by the world's.
func translate(frame dataframe.DataFrame) (dataframe.DataFrame, error) {
	var rows []datasets.Translation
	if err := datasets.Rows(frame, &rows); err != nil {
		return frame, err
	}
	failed := 0
	for i := range rows {
		row := &rows[i]
		problem, err := miniature.Decode(row.ID)
		if err != nil {
			return frame, err
		}
		row.Completion, row.Reason = "", ""
		if row.Text, row.OK = problem.Translate(row.Source, row.From, row.To); !row.OK {
			row.Reason = "no worked answer of its problem"
			failed++
		}
	}
	fmt.Printf("exact translations: %d, of which %d failed\n", len(rows), failed)
	return datasets.Frame(rows), nil
}
