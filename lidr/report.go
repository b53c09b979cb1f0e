package lidr

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
	"lidrlab/plots"
)

// Report writes report.html, report.md and plots/*.png and *.svg from what the run folder holds, and returns the path
// of report.html. It measures nothing and asks no model anything.
func Report(ctx context.Context, run *Run) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	data, err := ReportData(run)
	if err != nil {
		return "", fmt.Errorf("report of %s: %w", run.Dir, err)
	}
	return run.Path("report.html"), writeReport(run.Dir, data, run.Write)
}

// CompareRuns writes a report that sets the models of several runs side by side into folder dir, and returns the path
// of report.html.
func CompareRuns(ctx context.Context, dir string, runs []*Run) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	var names []string
	var all []report.Data
	for _, run := range runs {
		data, err := ReportData(run)
		if err != nil {
			return "", fmt.Errorf("report of %s: %w", run.Dir, err)
		}
		names = append(names, filepath.Base(run.Dir))
		all = append(all, data)
	}
	data, err := report.Compare(names, all)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "report.html"), writeReport(dir, data, ledger.WriteFile)
}

// Figure draws a figure of the run's report by its name, "accuracy", "off_target", "pair-lengths", "training-1" and so
// on, from what the run folder holds so far; [Show] shows it. An unknown name is an error that lists the names there
// are.
func Figure(run *Run, name string) (*plots.Figure, error) {
	data, err := ReportData(run)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, figure := range report.Figures(data) {
		if figure.Name == name {
			return figure.Wide, nil
		}
		names = append(names, figure.Name)
	}
	return nil, fmt.Errorf("%s has no figure %q, it has %s", run.Dir, name, strings.Join(names, ", "))
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
		drawings := map[string]func() ([]byte, error){".png": figure.Wide.PNG, ".svg": figure.Wide.SVG}
		for extension, draw := range drawings {
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

// ReportData returns what [Report] lays out, for a caller who wants to add to it. Of a run in which no model is
// evaluated it has the measures alone (judges' verdicts, multiple choice), without the question that only [Evaluate]
// answers.
func ReportData(run *Run) (report.Data, error) {
	s := run.Settings
	if err := run.unchanged(); err != nil {
		return report.Data{}, err
	}
	models, scores, err := run.evaluated()
	if err != nil {
		return report.Data{}, err
	}
	if len(models) == 0 {
		return measuresAlone(run)
	}
	data := report.Data{
		Title: reportTitle(run),
		Question: fmt.Sprintf("Does a model that answers best in %[1]s become better in its other languages when it is "+
			"trained to prefer its own translated %[1]s answers, with no human label?", LanguageName(s.Dominant)),
		Miniature: run.synthetic(),
		Rubric:    Rubric,
	}
	if data.Settings, err = settingRows(run); err != nil {
		return data, err
	}
	if data.Rerun, err = rerun(run); err != nil {
		return data, err
	}
	for i, name := range models {
		note := "before any round"
		if i > 0 {
			note = fmt.Sprintf("after round %d", i)
		}
		data.Models = append(data.Models, report.Model{Name: name, Note: note})
	}
	data.Languages = reportLanguages(s)
	if err := addScores(run, &data, models, slices.Concat(scores...)); err != nil {
		return data, err
	}
	if err := addAnswers(run, &data, models); err != nil {
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
	data.Measures, _, err = measures(run)
	if err != nil {
		return data, err
	}
	for _, warning := range faultWarnings(data.Measures) {
		told := func(w report.Warning) bool { return w.Text == warning.Text } // by the round that trained on the answers
		if !slices.ContainsFunc(data.Health, told) {
			data.Health = append(data.Health, warning)
		}
	}
	data.KeyFigures = report.KeyFigures(data)
	data.Findings = report.Findings(data)
	data.Paper = report.PaperTables(data.Measures)
	data.Versions, err = versionFields(run)
	return data, err
}

// measuresAlone is the report of a run in which no model is evaluated.
func measuresAlone(run *Run) (report.Data, error) {
	s := run.Settings
	data := report.Data{
		Title: reportTitle(run), Miniature: run.synthetic(), Languages: reportLanguages(s),
	}
	var err error
	if data.Rerun, err = rerun(run); err != nil {
		return data, err
	}
	if data.Settings, err = settingRows(run); err != nil {
		return data, err
	}
	found, models, err := measures(run)
	if err != nil {
		return data, err
	}
	if len(models) == 0 {
		return data, errors.New("M0, with which a report begins, is not evaluated, and no model is measured " +
			"otherwise; call Evaluate, or measure a model by package judge or choices, first")
	}
	for _, name := range models {
		data.Models = append(data.Models, report.Model{Name: name, Note: "not evaluated"})
	}
	data.Measures, data.Paper = found, report.PaperTables(found)
	data.Health = faultWarnings(found)
	return data, nil
}

func reportTitle(run *Run) string {
	return fmt.Sprintf("Language Imbalance Driven Rewarding: %s", filepath.Base(run.Dir))
}

func reportLanguages(s Settings) []report.Language {
	languages := []report.Language{{Code: s.Dominant, Name: LanguageName(s.Dominant), Role: "dominant"}}
	for _, code := range s.Trained {
		languages = append(languages, report.Language{Code: code, Name: LanguageName(code), Role: "trained"})
	}
	mean := func(code string, over []string) report.Language {
		return report.Language{Code: code, Name: "mean of " + strings.Join(over, " "), Role: "mean"}
	}
	languages = append(languages, mean("trained", s.Trained))
	for _, code := range s.Unseen {
		languages = append(languages, report.Language{Code: code, Name: LanguageName(code), Role: "unseen"})
	}
	if len(s.Unseen) > 0 {
		languages = append(languages, mean("unseen", s.Unseen))
	}
	return languages
}

// metricWords are the names and definitions of the metrics in a report.
var metricWords = []report.Metric{
	{
		Key: "accuracy", Name: "Accuracy", Percent: true,
		What: "Share of the problems whose final number is right, whatever the language of the answer.",
	},
	{
		Key: "off_target", Name: "Off-target rate", Percent: true, LowerIsBetter: true,
		What: "Share of the answers that are not in the problem's language.",
	},
	{
		Key: "correct_in_language", Name: "Correct and in the problem's language", Percent: true,
		What: "Share of the problems whose answer is right and in the problem's language.",
	},
	{
		Key: "correct_off_target", Name: "Correct, in another language", Percent: true,
		What: "Share of the problems whose answer is right and in another language than the problem.",
	},
	{
		Key: "strict", Name: "Accuracy, strict reading", Percent: true,
		What: "Share of the problems whose answer holds the answer phrase of lm-evaluation-harness with the right number.",
	},
	{
		Key: "flexible", Name: "Accuracy, flexible reading", Percent: true,
		What: "Share of the problems whose last number, as lm-evaluation-harness finds it, is right.",
	},
	{
		Key: "steps_correct", Name: "Every step right", Percent: true,
		What: "Share of the answers whose equations are all right and are those of the problem.",
	},
	{
		Key: "undetermined", Name: "Language undetermined", Percent: true, LowerIsBetter: true,
		What: "Share of the answers that are none, or too short, or too much number or code, to be in a language; they " +
			"count as on target.",
	},
	{
		Key: "translation_to", Name: "Translation out of the dominant language", Percent: true,
		What: "Share of worked solutions that the model translates exactly into the language.",
	},
	{
		Key: "translation_from", Name: "Translation into the dominant language", Percent: true,
		What: "Share of worked solutions that the model translates exactly from the language.",
	},
}

// sampleWords are those of the metrics of k answers to each problem.
func sampleWords(k int) []report.Metric {
	if k < 2 {
		return nil
	}
	return []report.Metric{
		{
			Key: "pass_1", Name: "Accuracy of one answer", Percent: true,
			What: fmt.Sprintf("Mean accuracy over the %d answers to each problem.", k),
		},
		{
			Key: fmt.Sprintf("pass_%d", k), Name: fmt.Sprintf("Right at least once in %d", k), Percent: true,
			What: fmt.Sprintf("Share of the problems that one of the %d answers is right for.", k),
		},
		{
			Key: fmt.Sprintf("majority_%d", k), Name: fmt.Sprintf("Accuracy of the majority of %d", k), Percent: true,
			What: fmt.Sprintf("Share of the problems whose right number is the one that most of the %d answers give; of m "+
				"numbers given equally often it counts 1/m.", k),
		},
	}
}

func addScores(run *Run, data *report.Data, models []string, scores []eval.Score) error {
	for _, metric := range slices.Concat(metricWords, sampleWords(run.Settings.Evaluate.Samples)) {
		identifier := ""
		for _, row := range scores {
			if row.Metric == metric.Key {
				identifier = row.Identifier
				metric.Scores = append(metric.Scores, row)
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
		for i := range data.Metrics {
			if data.Metrics[i].Key == row.Metric {
				data.Metrics[i].Differences = append(data.Metrics[i].Differences, row)
			}
		}
	}
	won, err := headToHead(run, from, to, Verdict.Points)
	for _, row := range won {
		data.HeadToHead = append(data.HeadToHead, report.HeadToHead{
			A: to, B: from, Language: row.Lang, Win: row.Win, Tie: row.Tie, Lose: row.Lose,
		})
	}
	return err
}
