package lidr

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"unicode/utf8"

	"lidrlab/lidr/dpo"
	"lidrlab/lidr/report"
)

// addRound adds the data, pairs, training and warnings of the round from one model to the next.
func addRound(run *Run, data *report.Data, from, to string) error {
	round := from + " → " + to
	var counts []PairCount
	if err := run.ReadJSON(run.Path(from, "pairs.stats.json"), &counts); err != nil {
		return err
	}
	for _, row := range counts {
		switch row.Count {
		case "candidates":
			data.Counts = append(data.Counts, report.PairCounts{
				Round: round, Language: row.Lang, Prompts: row.N, Candidates: row.N,
			})
		case "dropped":
			last := &data.Counts[len(data.Counts)-1]
			last.Dropped = append(last.Dropped, report.Dropped{Filter: row.Filter, Count: row.N})
		case "pairs":
			data.Counts[len(data.Counts)-1].Kept = row.N
		}
	}
	var pairs []Pair
	if err := run.ReadLines(run.Path(from, "pairs.jsonl"), &pairs); err != nil {
		return err
	}
	for _, p := range pairs {
		i := slices.IndexFunc(data.Counts, func(c report.PairCounts) bool { return c.Round == round && c.Language == p.Lang })
		if i >= 0 && p.Chosen == p.Rejected {
			data.Counts[i].Equal++
		}
	}
	if err := addExamples(run, data, round, from, pairs); err != nil {
		return err
	}
	addLengths(run.Settings, data, round, pairs)
	var rewards []Reward
	if err := run.ReadJSON(run.Path(from, "pairs.rewards.json"), &rewards); err != nil {
		return err
	}
	for _, row := range rewards {
		if row.N > 0 {
			data.RewardAccuracy = append(data.RewardAccuracy, report.RewardAccuracy{
				Round: round, Language: row.Lang, Value: row.Value, SE: row.SE, N: row.N,
			})
		}
	}
	var steps []dpo.Step
	if err := run.ReadLines(run.Path(to, "train.jsonl"), &steps); err != nil {
		return err
	}
	data.Training = append(data.Training, report.Training{Round: round, Steps: steps})
	tokens, padding := 0, 0.0
	for _, step := range steps {
		tokens += step.Tokens
		padding += step.Padding / float64(len(steps))
	}
	data.Cost = append(data.Cost, report.Field{Name: round + ", training",
		Value: fmt.Sprintf("%d steps, %d tokens, %.0f %% padding", len(steps), tokens, 100*padding)})
	var warnings []string
	if err := run.ReadJSON(run.Path(to, "warnings.json"), &warnings); err != nil {
		return err
	}
	for _, text := range warnings {
		data.Health = append(data.Health, report.Warning{Where: round, Text: text})
	}
	return nil
}

// addLengths adds the lengths of a round's pairs by language: where chosen answers are longer, DPO learns length too.
func addLengths(s Settings, data *report.Data, round string, pairs []Pair) {
	for _, lang := range s.Languages() {
		lengths := report.PairLengths{Round: round, Language: lang}
		for _, p := range pairs {
			if p.Lang == lang {
				lengths.Chosen = append(lengths.Chosen, utf8.RuneCountInString(p.Chosen))
				lengths.Rejected = append(lengths.Rejected, utf8.RuneCountInString(p.Rejected))
			}
		}
		if len(lengths.Chosen) > 0 {
			data.PairLengths = append(data.PairLengths, lengths)
		}
	}
}

// addControls adds the table of [Controls], where it was run.
func addControls(run *Run, data *report.Data) error {
	var rows []ControlChange
	if err := run.ReadJSON(run.Path("controls.json"), &rows); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	s := run.Settings
	table := report.Controls{
		What: fmt.Sprintf("Change of accuracy from M0 in points, one training each (seed %d, %d prompts a round), "+
			"± one standard error over problems.", s.Seed, s.Prompts.N),
	}
	type column struct{ model, lang string }
	var columns []column
	for round := range s.Rounds {
		model := modelName(round + 1)
		for _, lang := range []struct{ code, name string }{
			{"trained", "trained languages"}, {"unseen", "unseen languages"}, {s.Dominant, LanguageName(s.Dominant)},
		} {
			columns = append(columns, column{model, lang.code})
			table.Columns = append(table.Columns, model+": "+lang.name)
		}
	}
	for _, c := range controls {
		line := report.Control{Name: c.Name, Note: c.Note, Method: c.Name == controls[0].Name}
		for _, at := range columns {
			value := report.Estimate{Value: math.NaN()}
			for _, row := range rows {
				if row.Control == c.Name && row.Metric == "accuracy" && row.Model == at.model && row.Lang == at.lang {
					value = report.Estimate{Value: 100 * row.Difference, SE: 100 * row.SE}
				}
			}
			line.Values = append(line.Values, value)
		}
		table.Rows = append(table.Rows, line)
	}
	data.Controls = &table
	return nil
}

// addSaturation says in a report why the run ended before its rounds were through, if it did.
func addSaturation(run *Run, data *report.Data, models []string) error {
	for _, model := range models {
		var found saturation
		if err := run.ReadJSON(run.Path(model, "saturation.json"), &found); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if found.Stop {
			data.Health = append(data.Health, report.Warning{Where: model, Text: "the run ended here: " + found.Reason})
		}
	}
	return nil
}
