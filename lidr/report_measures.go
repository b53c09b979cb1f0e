package lidr

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// measuresAlone is the report of a run in which no model is evaluated.
func measuresAlone(run *Run) (report.Data, error) {
	s := run.Settings
	data := report.Data{Title: reportTitle(run), Miniature: s.Evaluate.Source == "miniature", Settings: settingRows(s), Languages: reportLanguages(s),
		Rerun: []string{"lidr report " + filepath.Base(run.Dir)}}
	models, err := measuredModels(run)
	if err != nil {
		return data, err
	}
	if len(models) == 0 {
		return data, errors.New("no model of the run is evaluated, and none is measured otherwise; call Evaluate, Judge, Ratings, MTBench or MultipleChoice first")
	}
	for _, name := range models {
		data.Models = append(data.Models, report.Model{Name: name, Note: "not evaluated"})
	}
	if err := addMeasures(run, &data, models); err != nil {
		return data, err
	}
	data.Paper = paperTables(data.Measures)
	return data, nil
}

// measuredModels names, in alphabetical order, the models of which the folder holds a measure.
func measuredModels(run *Run) ([]string, error) {
	folders, err := os.ReadDir(run.Dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, folder := range folders {
		for _, file := range []string{"eval/mtbench.json", "eval/choices.json", "pairs.ratings.json"} {
			if _, err := os.Stat(run.path(folder.Name(), file)); err == nil {
				names = append(names, folder.Name())
			}
		}
	}
	judged, err := judgedMeasures(run, nil)
	for _, m := range judged {
		ours, theirs, _ := strings.Cut(strings.TrimPrefix(m.Key, "judged-"), "-")
		names = append(names, ours, theirs)
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// addMeasures adds what the run folder holds of judges' verdicts, MT-bench, multiple choice and the rule of saturation.
func addMeasures(run *Run, data *report.Data, models []string) error {
	for _, add := range []func(*Run, []string) ([]report.Measure, error){
		judgedMeasures, ratingMeasures, mtBenchMeasures, choiceMeasures, saturationMeasures, identifierMeasures,
	} {
		measures, err := add(run, models)
		if err != nil {
			return err
		}
		data.Measures = append(data.Measures, measures...)
	}
	return nil
}

// readMeasure is ledger.ReadJSON that leaves v alone where the file is missing.
func readMeasure(path string, v any) error {
	if err := ledger.ReadJSON(path, v); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// measureTable collects rows of one value a column, in the order in which they come.
type measureTable struct {
	report.Measure
	values map[[2]string]report.MeasureValue
}

func (t *measureTable) add(name, column string, v report.MeasureValue) {
	if t.values == nil {
		t.values = map[[2]string]report.MeasureValue{}
	}
	if !slices.ContainsFunc(t.Rows, func(r report.MeasureRow) bool { return r.Name == name }) {
		t.Rows = append(t.Rows, report.MeasureRow{Name: name})
	}
	if !slices.Contains(t.Columns, column) {
		t.Columns = append(t.Columns, column)
	}
	t.values[[2]string{name, column}] = v
}

// filled is the table as a list of its own, or none if it has no rows.
func (t *measureTable) filled() []report.Measure {
	if len(t.Rows) == 0 {
		return nil
	}
	for i, r := range t.Rows {
		for _, column := range t.Columns {
			v, ok := t.values[[2]string{r.Name, column}]
			if !ok {
				v.Value = math.NaN()
			}
			t.Rows[i].Values = append(t.Rows[i].Values, v)
		}
	}
	return []report.Measure{t.Measure}
}

// counted is a value in its table's unit, with the number of its items beside it.
func counted(value, se float64, n, failed int, warning string) report.MeasureValue {
	v := report.MeasureValue{Estimate: report.Estimate{Value: value, SE: se}, Note: fmt.Sprintf("n = %d", n), Warning: warning}
	if n == 0 {
		v.Value, v.SE = math.NaN(), math.NaN()
	}
	if failed > 0 {
		v.Note += fmt.Sprintf(", %d failed", failed)
	}
	return v
}

// words say who judged and what it took: "Judged by gpt-4o: 805 questions, 412,310 tokens read and 805 written, $1.04."
func (u usage) words() string {
	p := message.NewPrinter(language.English)
	if u.Questions == 0 {
		return ""
	}
	s := p.Sprintf("Judged by %s: %d questions, %d tokens read and %d written", u.Judge, u.Questions, u.PromptTokens, u.AnswerTokens)
	if u.Dollars > 0 {
		s += p.Sprintf(", $%.2f", u.Dollars)
	}
	return s + "."
}

// judgedMeasures are the comparisons of [Judge].
func judgedMeasures(run *Run, _ []string) ([]report.Measure, error) {
	entries, err := os.ReadDir(run.path("judged"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	rows := []struct{ metric, name string }{
		{"win_rate", "win rate"}, {"length_controlled_win_rate", "length-controlled win rate"},
		{"discrete_win_rate", "discrete win rate"}, {"flip_rate", "verdicts that flip with the order"},
	}
	var all []report.Measure
	for _, entry := range entries {
		var scores []winRateRow
		var used usage
		name := entry.Name()
		if err := errors.Join(readMeasure(run.path("judged", name, "scores.json"), &scores), readMeasure(run.path("judged", name, "usage.json"), &used)); err != nil {
			return nil, err
		}
		if len(scores) == 0 { // a judging that is not through
			continue
		}
		ours, theirs, _ := strings.Cut(name, "-")
		kind := "Verdicts in words."
		if scores[0].Verdicts == "weighted" {
			kind = "Preferences weighed by the probabilities of the verdict's token."
		}
		t := measureTable{Measure: report.Measure{Key: "judged-" + name, Title: ours + " against " + theirs + ", by a judge", Unit: "%", Digits: 1,
			What: strings.TrimSpace(used.words() + " " + kind)}}
		for _, row := range rows {
			for _, s := range scores {
				if s.Metric == row.metric {
					t.add(row.name, s.Lang, counted(100*s.Value, 100*s.SE, s.N, s.Failed, s.Warning))
				}
			}
		}
		for _, s := range scores {
			if s.Metric == "win" {
				t.Matches = append(t.Matches, report.HeadToHead{A: ours, B: theirs, Language: s.Lang})
			}
			for i := range t.Matches {
				if m := &t.Matches[i]; m.Language == s.Lang {
					count := int(math.Round(s.Value * float64(s.N)))
					switch s.Metric {
					case "win":
						m.Win = count
					case "tie":
						m.Tie = count
					case "lose":
						m.Lose = count
					}
				}
			}
		}
		if len(t.Matches) == 0 {
			t.Plot = 1
		} else {
			t.What += " Each pair was asked in both orders: the same winner twice wins, and so does the winner of one order where the other is a draw; opposite winners tie."
		}
		all = append(all, t.filled()...)
	}
	return all, nil
}

// ratingMeasures are the scores of [Ratings].
func ratingMeasures(run *Run, models []string) ([]report.Measure, error) {
	answers := measureTable{Measure: report.Measure{Key: "ratings", Title: "Scores of answers and of translated answers", Unit: "0 to 10", Digits: 2}}
	rewards := measureTable{Measure: report.Measure{Key: "judged-reward-accuracy", Title: "Reward accuracy by a judge", Unit: "%", Digits: 1,
		What: "Share of the pairs whose chosen side the judge rates higher; ties count half."}}
	var said []string
	for _, model := range models {
		var scores []ratingRow
		var used usage
		if err := errors.Join(readMeasure(run.path(model, "pairs.ratings.json"), &scores), readMeasure(run.path(model, "pairs.ratings.usage.json"), &used)); err != nil {
			return nil, err
		}
		for _, metric := range []string{"self_generation", "self_translation"} {
			for _, s := range scores {
				if s.Metric == metric {
					answers.add(model+" "+strings.ReplaceAll(metric, "_", "-"), s.Lang, counted(float64(s.Value), float64(s.SE), s.N, s.Failed, s.Warning))
				}
			}
		}
		for _, s := range scores {
			if s.Metric == "judged_reward_accuracy" {
				v := counted(100*float64(s.Value), 100*float64(s.SE), s.N, s.Failed, s.Warning)
				if s.Ties > 0 {
					v.Note += fmt.Sprintf(", %d tied", s.Ties)
				}
				rewards.add(model, s.Lang, v)
			}
		}
		if words := used.words(); words != "" {
			said = append(said, model+": "+words)
		}
	}
	answers.What, answers.Plot, rewards.Plot = strings.Join(said, " "), len(answers.Rows), len(rewards.Rows)
	return append(answers.filled(), rewards.filled()...), nil
}

// mtBenchMeasures are the scores of [MTBench]: the mean of both turns, drawn, and each turn.
func mtBenchMeasures(run *Run, models []string) ([]report.Measure, error) {
	t := measureTable{Measure: report.Measure{Key: "mt-bench", Title: "MT-bench", Unit: "1 to 10", Digits: 2}}
	byModel := map[string][]mtScore{}
	for _, model := range models {
		var scores []mtScore
		var used usage
		if err := errors.Join(readMeasure(run.path(model, "eval", "mtbench.json"), &scores), readMeasure(run.path(model, "eval", "mtbench.usage.json"), &used)); err != nil {
			return nil, err
		}
		byModel[model] = scores
		if words := used.words(); words != "" {
			t.What = strings.TrimSpace(t.What + " " + model + ": " + words)
		}
	}
	for turn, name := range []string{"", ", first turn", ", second turn"} {
		for _, model := range models {
			for _, s := range byModel[model] {
				if s.Category == "all" && s.Turn == turn {
					t.add(model+name, s.Lang, counted(float64(s.Value), float64(s.SE), s.N, s.Failed, s.Warning))
				}
			}
		}
		if turn == 0 {
			t.Plot = len(t.Rows)
		}
	}
	return t.filled(), nil
}

// choiceMeasures are the suites of [MultipleChoice], and what the last model lost of the first one's shares.
func choiceMeasures(run *Run, models []string) ([]report.Measure, error) {
	t := measureTable{Measure: report.Measure{Key: "alignment-tax", Title: "Alignment tax: multilingual MMLU, HellaSwag, ARC-challenge and TruthfulQA", Unit: "%", Digits: 1,
		What: "By the log-probability of each choice, as lm-evaluation-harness measures them."}}
	difference := measureTable{Measure: report.Measure{Key: "alignment-tax-change", Title: "Alignment tax: what the training cost", Unit: "points", Digits: 1,
		What: "Paired, over the same questions: below 0 the training cost something. McNemar's exact test; for mc2 a paired bootstrap."}}
	models = slices.DeleteFunc(slices.Clone(models), func(model string) bool {
		_, err := os.Stat(run.path(model, "eval", "choices.json"))
		return errors.Is(err, fs.ErrNotExist)
	})
	for _, suite := range datasets.ChoiceSuites() {
		for _, metric := range choiceMetrics[suite] {
			for _, model := range models {
				var scores []choiceScore
				if err := readMeasure(run.path(model, "eval", "choices.json"), &scores); err != nil {
					return nil, err
				}
				for _, s := range scores {
					if s.Suite == suite && s.Metric == metric {
						v := counted(100*s.Value, 100*s.SE, s.N, 0, "")
						if s.Cut > 0 {
							v.Warning = fmt.Sprintf("%d prompts lost their beginning to fit into the model's context", s.Cut)
						}
						t.add(fmt.Sprintf("%s %s, %d-shot, %s", suite, metric, s.FewShot, model), s.Lang, v)
					}
				}
			}
		}
	}
	if len(t.Rows) == 0 || len(models) < 2 {
		return t.filled(), nil
	}
	first, last := models[0], models[len(models)-1]
	changes, err := alignmentTax(run, first, last)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		v := counted(100*c.Difference, 100*c.SE, c.N, 0, "")
		v.Note += fmt.Sprintf(", p = %.3f", c.P)
		difference.add(fmt.Sprintf("%s %s, %s − %s", c.Suite, c.Metric, last, first), c.Lang, v)
	}
	return append(t.filled(), difference.filled()...), nil
}

// saturationMeasures are what the rule of [Settings.StopWhenSaturated] saw.
func saturationMeasures(run *Run, models []string) ([]report.Measure, error) {
	t := measureTable{Measure: report.Measure{Key: "saturation", Title: "Saturation", Unit: "%", Digits: 1,
		What: "The run ends where the gain over the model before is not above its standard error, or the reward accuracy of the next pairs not above 50 by more than its own."}}
	for _, model := range models {
		found := saturation{Gain: unknown(), RewardAccuracy: unknown()}
		if err := readMeasure(run.path(model, "saturation.json"), &found); err != nil {
			return nil, err
		}
		if found.Model == "" {
			continue
		}
		gain := counted(100*found.Gain.Mean, 100*found.Gain.SE, found.Gain.N, 0, "")
		if found.Stop {
			gain.Warning = "the run ended with " + model + ": " + found.Reason
		}
		t.add(model, "gain, points", gain)
		t.add(model, "reward accuracy", counted(100*found.RewardAccuracy.Mean, 100*found.RewardAccuracy.SE, found.RewardAccuracy.N, 0, ""))
	}
	return t.filled(), nil
}
