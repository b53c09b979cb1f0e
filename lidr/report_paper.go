package lidr

import (
	"math"
	"slices"

	"lidrlab/datasets/paper"
	"lidrlab/lidr/report"
)

// paperTables lays out the published numbers for the panel that is labelled as the paper's: those of every run's report,
// and those of which the run has measures of its own.
func paperTables(measures []report.Measure) []report.PaperTable {
	const models = "Llama-3-8B-Instruct"
	accuracy := paperTable{title: "MGSM accuracy, " + models, plot: true}
	offTarget := paperTable{title: "MGSM off-target rate, " + models}
	for _, row := range paper.MGSM() {
		accuracy.add(row.Model, row.Lang, row.Accuracy, row.Source)
		offTarget.add(row.Model, row.Lang, row.OffTarget, row.Source)
	}
	winRate := paperTable{title: "X-AlpacaEval raw win rate", unit: "%"}
	for _, row := range paper.XAlpacaEval() {
		if row.Judge == paper.XAlpacaEval()[0].Judge {
			winRate.add(row.Model, row.Lang, row.WinRate, row.Source)
		}
	}
	match := paperTable{title: "Head-to-head: win − lose, " + models, unit: "points"}
	for _, row := range paper.HeadToHead() {
		match.matches = append(match.matches, report.PaperMatch{A: row.Model, B: row.Opponent, Language: row.Lang, Win: row.Win, Tie: row.Tie, Lose: row.Lose})
		match.add(row.Model+" against "+row.Opponent, row.Lang, row.Win-row.Lose, row.Source)
	}
	reward := paperTable{title: "Reward accuracy of M0's pairs by GPT-4, " + models}
	for _, row := range paper.RewardAccuracies() {
		reward.add("M0", row.Lang, row.Accuracy, row.Source)
	}
	tables := []report.PaperTable{accuracy.table(), offTarget.table(), winRate.table(), match.table(), reward.table()}
	for _, m := range measures {
		switch m.Key {
		case "ratings":
			scores := paperTable{title: "GPT-4's scores of M0's answers, " + models, unit: "0 to 10", plot: true}
			for _, row := range paper.AnswerScores() {
				scores.add("M0 "+row.Answers, row.Lang, row.Score, row.Source)
			}
			tables = append(tables, scores.table())
		case "mt-bench":
			bench := paperTable{title: "Multilingual MT-Bench, " + models, unit: "0 to 10", plot: true}
			for _, row := range paper.MTBench() {
				bench.add(row.Model, row.Lang, row.Score, row.Source)
			}
			tables = append(tables, bench.table())
		case "alignment-tax":
			tax := paperTable{title: "Alignment tax, means over the languages, " + models}
			for _, row := range paper.AlignmentTax() {
				tax.add(row.Model, row.Benchmark, row.Score, row.Source)
			}
			tables = append(tables, tax.table())
		}
	}
	return tables
}

// paperTable collects a table from rows of one value each.
type paperTable struct {
	title, unit, source string
	plot                bool
	matches             []report.PaperMatch
	rows, columns       []string
	values              map[[2]string]float64
}

func (t *paperTable) add(row, column string, value float64, source string) {
	if t.values == nil {
		t.values, t.source = map[[2]string]float64{}, source
	}
	if !slices.Contains(t.rows, row) {
		t.rows = append(t.rows, row)
	}
	if !slices.Contains(t.columns, column) {
		t.columns = append(t.columns, column)
	}
	t.values[[2]string{row, column}] = value
}

func (t *paperTable) table() report.PaperTable {
	out := report.PaperTable{Title: t.title, Source: t.source, Unit: t.unit, Columns: t.columns, Plot: t.plot, Matches: t.matches}
	for _, name := range t.rows {
		row := report.PaperRow{Name: name}
		for _, column := range t.columns {
			value, ok := t.values[[2]string{name, column}]
			if !ok {
				value = math.NaN()
			}
			row.Values = append(row.Values, value)
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
