package lidr

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"lidrlab/datasets"
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

// addAnswers shows, of every language, what the models answer to some problems.
func addAnswers(run *Run, data *report.Data, models []string) error {
	prompts, err := run.Problems()
	if err != nil { // a run that was moved away from its data has the rest of the report
		run.Note("the report shows no answers to single problems, since the problems cannot be read: %v", err)
		return nil
	}
	texts := map[[2]string]string{}
	for _, p := range prompts {
		texts[[2]string{p.ID, p.Lang}] = p.Prompt
	}
	for _, lang := range run.Settings.AllLanguages() {
		var all [][]Verdict
		for _, model := range models {
			verdicts, err := run.Verdicts(model, lang)
			if err != nil {
				return err
			}
			all = append(all, verdicts)
		}
		for _, shown := range shownProblems(all) {
			example := report.AnswerExample{ID: shown.ID, Language: lang, Prompt: texts[[2]string{shown.ID, lang}],
				Gold: shown.Gold}
			for i, model := range models {
				if v, known := verdictOf(all[i], shown.ID); known {
					words := cmp.Or(v.Fault, map[bool]string{true: "right", false: "wrong"}[v.Correct])
					if !v.OnTarget {
						words += ", not in " + LanguageName(lang)
					}
					example.Answers = append(example.Answers, report.ModelAnswer{Model: model, Text: v.Response, Verdict: words})
				}
			}
			data.Answers = append(data.Answers, example)
		}
	}
	return nil
}

// shownProblems are up to three of the problems that models have verdicts on, all in one language: the first that some
// get right and some wrong, the first that the last model gets wrong, and the first that a model answers in another
// language; or else the first. The report says so.
func shownProblems(all [][]Verdict) []Verdict {
	last := all[len(all)-1]
	var shown []Verdict
	for _, suits := range []func(id string) bool{
		func(id string) bool { return mixed(all, id) },
		func(id string) bool {
			v, known := verdictOf(last, id)
			return known && !v.Correct
		},
		func(id string) bool {
			return slices.ContainsFunc(all, func(own []Verdict) bool {
				v, known := verdictOf(own, id)
				return known && !v.OnTarget
			})
		},
	} {
		i := slices.IndexFunc(all[0], func(v Verdict) bool {
			_, taken := verdictOf(shown, v.ID)
			return !taken && suits(v.ID)
		})
		if i >= 0 {
			shown = append(shown, all[0][i])
		}
	}
	if len(shown) == 0 {
		shown = all[0][:min(1, len(all[0]))]
	}
	return shown
}

func verdictOf(verdicts []Verdict, id string) (Verdict, bool) {
	i := slices.IndexFunc(verdicts, func(v Verdict) bool { return v.ID == id })
	if i < 0 {
		return Verdict{}, false
	}
	return verdicts[i], true
}

// mixed says whether some models got a problem right and some wrong.
func mixed(all [][]Verdict, id string) bool {
	right := 0
	for _, verdicts := range all {
		if v, known := verdictOf(verdicts, id); known && v.Correct {
			right++
		}
	}
	return 0 < right && right < len(all)
}

// addExamples shows the first pair of every language whose sides differ, with the answer that one of them translates.
func addExamples(run *Run, data *report.Data, round, model string, pairs []Pair) error {
	gold, err := run.goldOf(model)
	if err != nil {
		return err
	}
	for _, lang := range run.Settings.Languages() {
		i := slices.IndexFunc(pairs, func(p Pair) bool { return p.Lang == lang && p.Chosen != p.Rejected })
		if i < 0 {
			continue
		}
		p := pairs[i]
		prompt := Prompt{ID: p.ID, Lang: p.Lang, Prompt: p.Prompt, Answer: gold[[2]string{p.ID, p.Lang}]}
		example := report.PairExample{
			Round: round, ID: p.ID, Language: lang, Prompt: p.Prompt, Chosen: p.Chosen, Rejected: p.Rejected,
			ChosenFrom: "own answer", RejectedFrom: "own answer",
			ChosenVerdict:   verdictWords(run.promptTask(), prompt, p.Chosen),
			RejectedVerdict: verdictWords(run.promptTask(), prompt, p.Rejected),
		}
		from, to := p.Origin()
		side, text := &example.RejectedFrom, p.Rejected
		if from == run.Settings.Dominant {
			side, text = &example.ChosenFrom, p.Chosen
		}
		if to != "" {
			*side = "own " + LanguageName(from) + " answer, translated"
			example.OriginalLanguage = from
			if example.Original, err = run.original(model, p, text); err != nil {
				return err
			}
		} else if LanguageName(from) != "" {
			*side = "own " + LanguageName(from) + " answer"
		}
		data.Examples = append(data.Examples, example)
	}
	return nil
}

// original is the answer that a side of a pair is the translation of, "" where the run has no file of it.
func (r *Run) original(model string, p Pair, side string) (string, error) {
	from, to := p.Origin()
	var rows []datasets.Translation
	err := r.ReadLines(r.Path(model, "translations", from+"-"+to+".jsonl"), &rows)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, row := range rows {
		if row.ID == p.ID && row.Text == side {
			return row.Source, nil
		}
	}
	return "", nil
}

// verdictWords says what the task's checker thinks of one side of a pair, "" where it cannot tell.
func verdictWords(task Task, p Prompt, text string) string {
	v, checked := task.Check(p, text)
	if !checked {
		return ""
	}
	var words []string
	inLanguage := v
	inLanguage.OnTarget = true
	switch {
	case v.Correct && !right(task, inLanguage):
		words = append(words, "right number, wrong steps")
	case v.Correct:
		words = append(words, "right")
	default:
		words = append(words, "wrong")
	}
	if !v.OnTarget {
		words = append(words, "not in "+LanguageName(p.Lang))
	}
	return strings.Join(words, ", ")
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
