package report

import "lidrlab/datasets/paper"

// PaperTables returns the published numbers for the panel that is labelled as the paper's: those of every run's report,
// and those of which the run has measures of its own.
func PaperTables(measures []Measure) []PaperTable {
	const models = "Llama-3-8B-Instruct"
	accuracy := paperGrid{PaperTable: PaperTable{Title: "MGSM accuracy, " + models, Plot: true}}
	offTarget := paperGrid{PaperTable: PaperTable{Title: "MGSM off-target rate, " + models}}
	for _, row := range paper.MGSM() {
		accuracy.add(row.Model, row.Lang, row.Accuracy, row.Source)
		offTarget.add(row.Model, row.Lang, row.OffTarget, row.Source)
	}
	winRate := paperGrid{PaperTable: PaperTable{Title: "X-AlpacaEval raw win rate", Unit: "%"}}
	rates := paper.XAlpacaEval()
	for _, row := range rates {
		if row.Judge == rates[0].Judge {
			winRate.add(row.Model, row.Lang, row.WinRate, row.Source)
		}
	}
	match := paperGrid{PaperTable: PaperTable{Title: "Head-to-head: win − lose, " + models, Unit: "points"}}
	for _, row := range paper.HeadToHead() {
		match.Matches = append(match.Matches, PaperMatch{
			A: row.Model, B: row.Opponent, Language: row.Lang, Win: row.Win, Tie: row.Tie, Lose: row.Lose,
		})
		match.add(row.Model+" against "+row.Opponent, row.Lang, row.Win-row.Lose, row.Source)
	}
	reward := paperGrid{PaperTable: PaperTable{Title: "Reward accuracy of M0's pairs by GPT-4, " + models}}
	for _, row := range paper.RewardAccuracies() {
		reward.add("M0", row.Lang, row.Accuracy, row.Source)
	}
	tables := []PaperTable{accuracy.table(), offTarget.table(), winRate.table(), match.table(), reward.table()}
	for _, m := range measures {
		switch m.Key {
		case "ratings":
			scores := paperGrid{PaperTable: PaperTable{
				Title: "Scores of M0's answers by GPT-4 and GPT-4o, " + models, Unit: "0 to 10", Plot: true,
			}}
			for _, row := range paper.AnswerScores() {
				scores.add("M0 "+row.Answers+", "+row.Judge, row.Lang, row.Score, row.Source)
			}
			tables = append(tables, scores.table())
		case "mt-bench":
			bench := paperGrid{PaperTable: PaperTable{Title: "Multilingual MT-Bench, " + models, Unit: "0 to 10", Plot: true}}
			for _, row := range paper.MTBench() {
				bench.add(row.Model, row.Lang, row.Score, row.Source)
			}
			tables = append(tables, bench.table())
		case "alignment-tax":
			tax := paperGrid{PaperTable: PaperTable{Title: "Alignment tax, means over the languages, " + models}}
			for _, row := range paper.AlignmentTax() {
				tax.add(row.Model, row.Benchmark, row.Score, row.Source)
			}
			tables = append(tables, tax.table())
		}
	}
	return tables
}

// paperGrid collects a table from rows of one value each.
type paperGrid struct {
	PaperTable
	values Grid
}

func (g *paperGrid) add(row, column string, value float64, source string) {
	if g.Source == "" {
		g.Source = source
	}
	g.values.Add(row, column, value)
}

func (g *paperGrid) table() PaperTable {
	t := g.PaperTable
	t.Columns = g.values.Columns
	for _, r := range g.values.Rows {
		row := PaperRow{Name: r.Name}
		for _, v := range r.Values {
			row.Values = append(row.Values, v.Value)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
