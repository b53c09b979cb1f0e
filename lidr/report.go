package lidr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// Report writes report.html, report.md and plots/*.png and *.svg from what the run folder holds, and returns the path
// of report.html. It asks no model anything.
func Report(ctx context.Context, run *Run) (string, error) {
	data, err := ReportData(run)
	if err != nil {
		return "", fmt.Errorf("report of %s: %w", run.Dir, err)
	}
	return run.path("report.html"), writeReport(run.Dir, data, run.write)
}

// CompareRuns writes a report that sets the models of several runs side by side into folder dir.
func CompareRuns(ctx context.Context, dir string, runs []*Run) error {
	names, all := make([]string, len(runs)), make([]report.Data, len(runs))
	for i, run := range runs {
		data, err := ReportData(run)
		if err != nil {
			return fmt.Errorf("report of %s: %w", run.Dir, err)
		}
		names[i], all[i] = filepath.Base(run.Dir), data
	}
	data, err := report.Compare(names, all)
	if err != nil {
		return err
	}
	return writeReport(dir, data, ledger.WriteFile)
}

// writeReport writes report.html, report.md and the plots into dir by write, report.html last.
func writeReport(dir string, data report.Data, write func(path string, data []byte) error) error {
	html, err := report.HTML(data)
	if err != nil {
		return err
	}
	markdown, err := report.Markdown(data)
	if err != nil {
		return err
	}
	for _, figure := range report.Figures(data) {
		for extension, draw := range map[string]func() ([]byte, error){".png": figure.Wide.PNG, ".svg": figure.Wide.SVG} {
			drawn, err := draw()
			if err != nil {
				return fmt.Errorf("plot %s: %w", figure.Name, err)
			}
			if err := write(filepath.Join(dir, "plots", figure.Name+extension), drawn); err != nil {
				return err
			}
		}
	}
	if err := write(filepath.Join(dir, "report.md"), markdown); err != nil {
		return err
	}
	return write(filepath.Join(dir, "report.html"), html)
}

// ReportData collects what [Report] lays out, for a caller who wants to add to it (controls, findings). Of a run in which no
// model is evaluated it is what judges and multiple choice measured, without the question that only [Evaluate] answers.
func ReportData(run *Run) (report.Data, error) {
	s := run.Settings
	models, err := evaluatedModels(run)
	if err != nil {
		return report.Data{}, err
	}
	if len(models) == 0 {
		return measuresAlone(run)
	}
	data := report.Data{
		Title:     reportTitle(run),
		Question:  fmt.Sprintf("Does a model that answers best in %s become better in its other languages when it is trained to prefer its own translated %s answers, with no human label?", LanguageName(s.Dominant), LanguageName(s.Dominant)),
		Miniature: s.Evaluate.Source == "miniature",
		Rubric:    Rubric,
		Settings:  settingRows(s),
	}
	if s.Preset == "miniature" {
		data.Rerun = []string{fmt.Sprintf("lidr demo --n %d --rounds %d --seed %d", s.Prompts.N, s.Rounds, s.Seed)}
	}
	data.Rerun = append(data.Rerun, "lidr report "+filepath.Base(run.Dir))
	for i, name := range models {
		note := "before any round"
		if i > 0 {
			note = fmt.Sprintf("after round %d", i)
		}
		data.Models = append(data.Models, report.Model{Name: name, Note: note})
	}
	data.Languages = reportLanguages(s)
	if err := addScores(run, &data, models); err != nil {
		return data, err
	}
	for round := range models[1:] {
		if err := addRound(run, &data, models[round], models[round+1]); err != nil {
			return data, err
		}
	}
	if err := addSaturation(run, &data, models); err != nil {
		return data, err
	}
	if err := addControls(run, &data); err != nil {
		return data, err
	}
	if err := addMeasures(run, &data, models); err != nil {
		return data, err
	}
	data.KeyFigures, data.Findings = keyFigures(data), findings(data)
	data.Paper = paperTables(data.Measures)
	data.Versions, err = versionFields(run)
	return data, err
}

// evaluatedModels lists M0, M1, … as far as they are evaluated.
func evaluatedModels(run *Run) ([]string, error) {
	var models []string
	for round := 0; ; round++ {
		var scores []scoreRow
		err := ledger.ReadJSON(run.path(modelName(round), "eval", "scores.json"), &scores)
		if errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return nil, err
		}
		models = append(models, modelName(round))
	}
	return models, nil
}

func reportTitle(run *Run) string {
	return fmt.Sprintf("Language Imbalance Driven Rewarding: %s", filepath.Base(run.Dir))
}

func reportLanguages(s Settings) []report.Language {
	languages := []report.Language{{Code: s.Dominant, Name: LanguageName(s.Dominant), Role: "dominant"}}
	for _, code := range s.Trained {
		languages = append(languages, report.Language{Code: code, Name: LanguageName(code), Role: "trained"})
	}
	languages = append(languages, report.Language{Code: "trained", Name: "mean of " + strings.Join(s.Trained, " "), Role: "mean"})
	for _, code := range s.Unseen {
		languages = append(languages, report.Language{Code: code, Name: LanguageName(code), Role: "unseen"})
	}
	if len(s.Unseen) > 0 {
		languages = append(languages, report.Language{Code: "unseen", Name: "mean of " + strings.Join(s.Unseen, " "), Role: "mean"})
	}
	return languages
}

// metricWords are the names and definitions of the metrics in a report.
var metricWords = []report.Metric{
	{Key: "accuracy", Name: "Accuracy", What: "Share of the problems whose final number is right, whatever the language of the answer.", Percent: true},
	{Key: "off_target", Name: "Off-target rate", What: "Share of the answers that are not in the problem's language.", Percent: true, LowerIsBetter: true},
	{Key: "correct_in_language", Name: "Correct and in the problem's language", What: "Share of the problems whose answer is right and in the problem's language.", Percent: true},
	{Key: "correct_off_target", Name: "Correct, in another language", What: "Share of the problems whose answer is right and in another language than the problem.", Percent: true},
	{Key: "strict", Name: "Accuracy, strict reading", What: "Share of the problems whose answer holds the answer phrase of lm-evaluation-harness with the right number.", Percent: true},
	{Key: "flexible", Name: "Accuracy, flexible reading", What: "Share of the problems whose last number, as lm-evaluation-harness finds it, is right.", Percent: true},
	{Key: "steps_correct", Name: "Every step right", What: "Share of the answers whose equations are all right and are those of the problem.", Percent: true},
	{Key: "undetermined", Name: "Language undetermined", What: "Share of the answers too short, or too much number or code, to be in a language; they count as on target.", Percent: true, LowerIsBetter: true},
	{Key: "translation_to", Name: "Translation out of the dominant language", What: "Share of worked solutions that the model translates exactly into the language.", Percent: true},
	{Key: "translation_from", Name: "Translation into the dominant language", What: "Share of worked solutions that the model translates exactly from the language.", Percent: true},
}

func addScores(run *Run, data *report.Data, models []string) error {
	for _, words := range metricWords {
		metric := words
		identifier := ""
		for _, model := range models {
			var scores []scoreRow
			if err := ledger.ReadJSON(run.path(model, "eval", "scores.json"), &scores); err != nil {
				return err
			}
			for _, row := range scores {
				if row.Metric == metric.Key {
					identifier = row.Identifier
					metric.Scores = append(metric.Scores, report.Score{Language: row.Lang, Model: model, Value: row.Value, SE: row.SE, N: row.N})
				}
			}
		}
		if identifier != "" {
			metric.What += " Languages by " + identifier + "."
		}
		if len(metric.Scores) > 0 {
			data.Metrics = append(data.Metrics, metric)
		}
	}
	for i := 1; i < len(models); i++ {
		for _, from := range slices.Compact([]string{models[0], models[i-1]}) {
			if err := addComparison(run, data, from, models[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func addComparison(run *Run, data *report.Data, from, to string) error {
	rows, err := compare(run, from, to)
	if err != nil {
		return err
	}
	for _, row := range rows {
		test := "McNemar, exact"
		if row.Lang == "trained" || row.Lang == "unseen" {
			test = "paired bootstrap"
		}
		for i := range data.Metrics {
			if data.Metrics[i].Key == row.Metric {
				data.Metrics[i].Differences = append(data.Metrics[i].Differences, report.Difference{
					Language: row.Lang, From: from, To: to, Value: row.Difference, SE: row.SE, P: row.P, Test: test})
			}
		}
		if row.Metric == "accuracy" && test == "McNemar, exact" {
			data.HeadToHead = append(data.HeadToHead, report.HeadToHead{A: to, B: from, Language: row.Lang, Win: row.Win, Tie: row.Tie, Lose: row.Lose})
		}
	}
	return nil
}

// addRound adds the data, pairs, training and warnings of the round from one model to the next.
func addRound(run *Run, data *report.Data, from, to string) error {
	round := from + " → " + to
	var counts []pairCount
	if err := ledger.ReadJSON(run.path(from, "pairs.stats.json"), &counts); err != nil {
		return err
	}
	for _, row := range counts {
		switch name, isFilter := strings.CutPrefix(row.Count, "dropped: "); {
		case row.Count == "candidates":
			data.Counts = append(data.Counts, report.PairCounts{Round: round, Language: row.Lang, Prompts: row.N, Candidates: row.N})
		case isFilter:
			last := &data.Counts[len(data.Counts)-1]
			last.Dropped = append(last.Dropped, report.Dropped{Filter: name, Count: row.N})
		default:
			data.Counts[len(data.Counts)-1].Kept = row.N
		}
	}
	pairs, err := ledger.ReadLines[Pair](run.path(from, "pairs.jsonl"))
	if err != nil {
		return err
	}
	addExamples(run.Settings, data, round, pairs)
	addLengths(run.Settings, data, round, pairs)
	var rewards []rewardRow
	if err := ledger.ReadJSON(run.path(from, "pairs.rewards.json"), &rewards); err != nil {
		return err
	}
	for _, row := range rewards {
		if row.N > 0 {
			data.RewardAccuracy = append(data.RewardAccuracy, report.RewardAccuracy{Round: round, Language: row.Lang, Value: row.Value, SE: row.SE, N: row.N})
		}
	}
	steps, err := ledger.ReadLines[dpo.Step](run.path(to, "train.jsonl"))
	if err != nil {
		return err
	}
	data.Training = append(data.Training, report.Training{Round: round, Steps: trainingSteps(steps)})
	tokens, padding := 0, 0.0
	for _, step := range steps {
		tokens, padding = tokens+step.Tokens, padding+step.Padding/float64(len(steps))
	}
	data.Cost = append(data.Cost, report.Field{Name: round + ", training",
		Value: fmt.Sprintf("%d steps, %d tokens, %.0f %% padding", len(steps), tokens, 100*padding)})
	var warnings []string
	if err := ledger.ReadJSON(run.path(to, "warnings.json"), &warnings); err != nil {
		return err
	}
	for _, text := range warnings {
		data.Health = append(data.Health, report.Warning{Where: round, Text: text})
	}
	return nil
}

// addExamples shows, of the first round, the first pair of every language whose sides differ.
func addExamples(s Settings, data *report.Data, round string, pairs []Pair) {
	if len(data.Examples) > 0 {
		return
	}
	words := func(source string) (chosen, rejected string) {
		if from, _, _ := strings.Cut(source, ">"); from == s.Dominant {
			return "own " + LanguageName(s.Dominant) + " answer, translated", "own answer"
		} else if LanguageName(from) != "" {
			return "own answer", "own " + LanguageName(from) + " answer, translated"
		}
		return "own answer", "own answer"
	}
	for _, lang := range s.Languages() {
		i := slices.IndexFunc(pairs, func(p Pair) bool { return p.Lang == lang && p.Chosen != p.Rejected })
		if i < 0 {
			continue
		}
		p := pairs[i]
		example := report.PairExample{Round: round, ID: p.ID, Language: lang, Prompt: p.Prompt, Chosen: p.Chosen, Rejected: p.Rejected,
			ChosenVerdict: verdictWords(p, p.Chosen), RejectedVerdict: verdictWords(p, p.Rejected)}
		example.ChosenFrom, example.RejectedFrom = words(p.Source)
		data.Examples = append(data.Examples, example)
	}
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

// verdictWords says what the miniature's checker thinks of one side of a pair, "" for other prompts.
func verdictWords(p Pair, text string) string {
	if _, err := miniature.Decode(p.ID); err != nil {
		return ""
	}
	v := judge(datasets.Response{ID: p.ID, Lang: p.Lang, Response: text}, "", nil) // the miniature's own checker needs no identifier
	var words []string
	switch {
	case v.Correct && v.Steps:
		words = append(words, "right")
	case v.Correct:
		words = append(words, "right number, wrong steps")
	default:
		words = append(words, "wrong")
	}
	if !v.OnTarget {
		words = append(words, "not in "+LanguageName(p.Lang))
	}
	return strings.Join(words, ", ")
}

func trainingSteps(steps []dpo.Step) []report.TrainingStep {
	out := make([]report.TrainingStep, len(steps))
	for i, s := range steps {
		out[i] = report.TrainingStep{Step: s.Step, Loss: s.Loss, DPO: s.DPO, NLL: s.NLL, RewardChosen: s.RewardsChosen, RewardRejected: s.RewardsRejected,
			RewardMargin: s.RewardsMargins, RewardAccuracy: s.RewardsAccuracies, GradNorm: s.GradNorm, LR: s.LR}
	}
	return out
}

// addControls adds the table of [Controls], where it was run.
func addControls(run *Run, data *report.Data) error {
	var rows []controlRow
	if err := ledger.ReadJSON(run.path("controls.json"), &rows); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	s := run.Settings
	langs := []string{"trained", "unseen", s.Dominant}
	table := report.Controls{
		What: fmt.Sprintf("Change of accuracy from M0 in points, one training each (seed %d, %d prompts a round), ± one standard error over problems.", s.Seed, s.Prompts.N),
	}
	for round := range s.Rounds {
		for _, lang := range []string{"trained languages", "unseen languages", LanguageName(s.Dominant)} {
			table.Columns = append(table.Columns, modelName(round+1)+": "+lang)
		}
	}
	for _, c := range controls {
		line := report.Control{Name: c.Name, Note: c.Note, Method: c.Name == controls[0].Name}
		for i := range table.Columns {
			value := report.Estimate{Value: math.NaN()}
			for _, row := range rows {
				if row.Control == c.Name && row.Metric == "accuracy" && row.Model == modelName(i/3+1) && row.Lang == langs[i%3] {
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
