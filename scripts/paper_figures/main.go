//go:build go1.21

// Paper_figures redraws the published results of the paper in this project's style, as PNG, SVG and
// PDF.
//
//	bin/lidr run scripts/paper_figures -dir runs/paper_figures
//	go run ./scripts/paper_figures -dir runs/paper_figures
//
// The numbers are the authors' own (Yang et al. 2025, arXiv 2410.08964), for their models; nothing is measured here.
package main

import (
	"flag"
	"fmt"
	"log"
	"path/filepath"

	"lidrlab/datasets/paper"
	"lidrlab/plots"
)

// table collects published values by model and language, in the order of their appearance.
type table struct {
	models, langs []string
	values        map[string]float64
}

func (t *table) add(model, lang string, value float64) {
	if t.values == nil {
		t.values = map[string]float64{}
	}
	if !contains(t.models, model) {
		t.models = append(t.models, model)
	}
	if !contains(t.langs, lang) {
		t.langs = append(t.langs, lang)
	}
	t.values[model+"/"+lang] = value
}

// bars draws one group a language and one bar a model.
func (t *table) bars(title, note, unit string) *plots.Figure {
	bars := plots.GroupedBars{
		Title: title, Note: note, Unit: unit, XLabel: "language", Groups: t.langs, Percent: true, Width: 180,
	}
	for _, model := range t.models {
		series := plots.Series{Name: model}
		for _, lang := range t.langs {
			series.Values = append(series.Values, t.values[model+"/"+lang])
		}
		bars.Series = append(bars.Series, series)
	}
	return bars.Figure()
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func main() {
	dir := flag.String("dir", "runs/paper_figures", "folder of the figures")
	_ = flag.Bool("small", false, "no difference here: drawing is quick")
	flag.Parse()

	const by = "as published by Yang et al. 2025"
	save := func(name string, figure *plots.Figure) {
		for _, extension := range []string{".png", ".svg", ".pdf"} {
			path := filepath.Join(*dir, name+extension)
			check(figure.Save(path))
			fmt.Println(path)
		}
	}

	var accuracy, offTarget table
	for _, row := range paper.MGSM() {
		accuracy.add(row.Model, row.Lang, row.Accuracy)
		offTarget.add(row.Model, row.Lang, row.OffTarget)
	}
	save("mgsm_accuracy", accuracy.bars("MGSM accuracy, Llama-3-8B-Instruct", by, "correct answers, %"))
	figure := offTarget.bars("MGSM off-target rate, Llama-3-8B-Instruct", by+"; lower is better", "off-target answers, %")
	save("mgsm_off_target", figure)

	var winRates table
	rates := paper.XAlpacaEval()
	for _, row := range rates {
		if row.Judge == rates[0].Judge {
			winRates.add(row.Model, row.Lang, row.WinRate)
		}
	}
	heat := plots.HeatMap{
		Title: "X-AlpacaEval raw win rate", Note: by, Unit: "win rate against GPT-4-turbo, %",
		XLabel: "language", YLabel: "model",
		Rows: winRates.models, Columns: winRates.langs, Digits: 1, Width: 150,
	}
	for _, model := range winRates.models {
		var values []float64
		for _, lang := range winRates.langs {
			values = append(values, winRates.values[model+"/"+lang])
		}
		heat.Values = append(heat.Values, values)
	}
	save("x_alpacaeval", heat.Figure())

	var opponents []string
	matches := map[string][]plots.Outcome{}
	for _, row := range paper.HeadToHead() {
		name := row.Model + " against " + row.Opponent
		if !contains(opponents, name) {
			opponents = append(opponents, name)
		}
		outcome := plots.Outcome{Label: row.Lang, Win: row.Win, Tie: row.Tie, Lose: row.Lose}
		matches[name] = append(matches[name], outcome)
	}
	for i, name := range opponents {
		figure := plots.WinTieLose{
			Title: name, Note: by, Unit: "share of the prompts, %", YLabel: "language", Rows: matches[name],
		}.Figure()
		save(fmt.Sprintf("head_to_head_%d", i+1), figure)
	}

	var reward table
	for _, row := range paper.RewardAccuracies() {
		reward.add("M0", row.Lang, row.Accuracy)
	}
	save("reward_accuracy", reward.bars("Reward accuracy of M0's pairs by GPT-4", by, "reward accuracy, %"))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
