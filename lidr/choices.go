package lidr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
)

// choiceScore is a row of the frame that [MultipleChoice] returns.
type choiceScore struct {
	Model   string  `json:"model"`
	Suite   string  `json:"suite"`
	Metric  string  `json:"metric"` // acc, acc_norm, mc1, mc2
	Lang    string  `json:"lang"`
	Value   float64 `json:"value"`
	SE      float64 `json:"se"` // standard error, over the questions
	N       int     `json:"n"`  // questions
	FewShot int     `json:"fewshot"`
	Cut     int     `json:"cut"` // questions whose prompt lost its beginning to fit into the model's context
}

// choiceRow is a line of <model>/eval/choices/SUITE.jsonl.
type choiceRow struct {
	ID          string             `json:"id"`
	Lang        string             `json:"lang"`
	FewShot     int                `json:"fewshot"`
	Logprobs    []float64          `json:"logprobs"` // of each choice, in nats
	MC2Logprobs []float64          `json:"mc2_logprobs,omitempty"`
	Gold        int                `json:"gold"`
	Cut         bool               `json:"cut"`
	Scores      map[string]float64 `json:"scores"` // by metric
}

// choiceMetrics are the metrics of each suite, as in the harness.
var choiceMetrics = map[string][]string{
	"m_mmlu": {"acc"}, "m_hellaswag": {"acc", "acc_norm"}, "m_arc": {"acc", "acc_norm"}, "m_truthfulqa": {"mc1", "mc2"},
}

// ChoiceOption changes how [MultipleChoice] asks.
type ChoiceOption func(*choiceOptions)

type choiceOptions struct{ mmluShots int }

// MMLUShots puts the first n questions of m_mmlu's dev split, with their answers, before each of its questions, as the
// harness' num_fewshot does; 5 is the usual number. The default is 0, and the other suites are always asked zero-shot.
func MMLUShots(n int) ChoiceOption { return func(o *choiceOptions) { o.mmluShots = n } }

// MultipleChoice measures what the alignment tax is paid in: the multilingual MMLU, HellaSwag, ARC-challenge and
// TruthfulQA of Okapi, by the log-probability of each choice. folder holds the suites' folders m_mmlu, m_hellaswag,
// m_arc and m_truthfulqa, or some of them, with the files of [datasets.LoadChoices]; the languages are those of the run
// for which a suite has a file. It returns a frame with columns model, suite, metric, lang, value, se, n, fewshot and
// cut, and writes <model>/eval/choices/SUITE.jsonl and <model>/eval/choices.json. [AlignmentTax] compares two models.
//
// Prompts, tokens and metrics are those of lm-evaluation-harness without --apply_chat_template: the model continues raw
// text, BOS before it where the tokenizer puts one, and no end-of-turn token counts. Where a prompt is longer than the
// model's context its beginning is cut off as there, but for all choices of a question at the same place.
func MultipleChoice(ctx context.Context, run *Run, m *Model, folder string, options ...ChoiceOption) (dataframe.DataFrame, error) {
	var o choiceOptions
	for _, option := range options {
		option(&o)
	}
	if m.weights == nil {
		return dataframe.DataFrame{}, fmt.Errorf("multiple choice: %s is behind a server, which does not tell the probability of raw text; load its checkpoint", m.Name)
	}
	if o.mmluShots < 0 {
		return dataframe.DataFrame{}, fmt.Errorf("multiple choice: %d few-shot examples, expected 0 or more", o.mmluShots)
	}
	var scores []choiceScore
	for _, suite := range datasets.ChoiceSuites() {
		path := filepath.Join(folder, suite)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		rows, err := askSuite(ctx, run, m, path, suite, o)
		if err != nil {
			return dataframe.DataFrame{}, err
		}
		if err := writeLines(run, run.path(m.Name, "eval", "choices", suite+".jsonl"), rows); err != nil {
			return dataframe.DataFrame{}, err
		}
		scores = append(scores, scoreChoices(run, m.Name, suite, rows)...)
	}
	if len(scores) == 0 {
		return dataframe.DataFrame{}, fmt.Errorf("%s has none of the folders %s", folder, strings.Join(datasets.ChoiceSuites(), ", "))
	}
	return datasets.Frame(scores), writeJSON(run, run.path(m.Name, "eval", "choices.json"), scores)
}

// askSuite asks a suite in every language of the run for which its folder has a file.
func askSuite(ctx context.Context, run *Run, m *Model, path, suite string, o choiceOptions) ([]choiceRow, error) {
	var rows []choiceRow
	var missing []error
	for _, lang := range slices.Concat(run.Settings.Languages(), run.Settings.Unseen) {
		items, err := datasets.LoadChoices(path, suite, lang)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(items) < 2 {
			return nil, fmt.Errorf("%s: one question, expected at least two: one gives no standard error", items[0].File)
		}
		shots, n := "", 0
		if suite == "m_mmlu" && o.mmluShots > 0 {
			n = o.mmluShots
			if shots, err = fewShots(path, lang, n); err != nil {
				return nil, err
			}
		}
		asked, err := askChoices(ctx, run, m, items, shots)
		if err != nil {
			return nil, fmt.Errorf("%s %s in %s: %w", m.Name, suite, lang, err)
		}
		for i := range asked {
			asked[i].FewShot = n
		}
		rows = append(rows, asked...)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s has none of the run's languages: %w", path, missing[0])
	}
	return rows, nil
}

// fewShots writes the first n examples of m_mmlu as they stand before a question.
func fewShots(path, lang string, n int) (string, error) {
	examples, err := datasets.LoadChoiceExamples(path, "m_mmlu", lang)
	if err != nil {
		return "", err
	}
	if len(examples) < n {
		return "", fmt.Errorf("%s: %d questions, expected at least the %d few-shot examples asked for", examples[0].File, len(examples), n)
	}
	var shots strings.Builder
	for _, e := range examples[:n] {
		shots.WriteString(e.Context + " " + e.Choices[e.Gold] + "\n\n")
	}
	return shots.String(), nil
}

// askChoices scores every choice of the questions, each once, through the store.
func askChoices(ctx context.Context, run *Run, m *Model, items []datasets.ChoiceItem, shots string) ([]choiceRow, error) {
	rows := make([]choiceRow, len(items))
	at := make([]map[string]int, len(items)) // for each question, where its choices stand: side 0 or 1 of pair at/2
	var pairs []dpo.Pair
	for i, item := range items {
		rows[i] = choiceRow{ID: item.ID, Lang: item.Lang, Gold: item.Gold}
		at[i] = map[string]int{}
		prompt := shots + item.Context
		// White space at the prompt's end belongs to the choice, since most tokenizers join it with what follows.
		before := int32s(m.tokenizer.EncodeDocument(strings.TrimRightFunc(prompt, unicode.IsSpace)))
		var answers [][]int32
		for _, choice := range slices.Concat(item.Choices, item.MC2) {
			if _, ok := at[i][choice]; ok { // MC2 has most of MC1's choices again
				continue
			}
			whole := int32s(m.tokenizer.EncodeDocument(prompt + " " + choice))
			if len(whole) <= len(before) {
				return nil, fmt.Errorf("%s:%d: the tokenizer joins the choice %.40q with the question, so that no token of it is left", item.File, item.Line, choice)
			}
			at[i][choice] = 2*len(pairs) + len(answers)
			answers = append(answers, whole[len(before):])
		}
		room := m.lm.ContextLength()
		for _, a := range answers {
			room = min(room, m.lm.ContextLength()-len(a))
		}
		if room < 1 {
			return nil, fmt.Errorf("%s:%d: a choice leaves no room for the question in the context of %d tokens", item.File, item.Line, m.lm.ContextLength())
		}
		if len(before) > room {
			before, rows[i].Cut = before[len(before)-room:], true
		}
		for k := 0; k < len(answers); k += 2 { // an odd last choice is its own partner
			pairs = append(pairs, dpo.Pair{Prompt: before, Chosen: answers[k], Rejected: answers[min(k+1, len(answers)-1)]})
		}
	}
	sums, err := choiceLogprobs(ctx, run, m, items[0].Suite+"/"+items[0].Lang, pairs)
	if err != nil {
		return nil, err
	}
	for i, item := range items {
		logprobs := func(choices []string) []float64 {
			var out []float64
			for _, choice := range choices {
				place := at[i][choice]
				out = append(out, sums[place/2][place%2])
			}
			return out
		}
		rows[i].Logprobs, rows[i].MC2Logprobs = logprobs(item.Choices), logprobs(item.MC2)
		if rows[i].Scores, err = choiceScores(item, rows[i]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", item.File, item.Line, err)
		}
	}
	return rows, nil
}

// choiceLogprobs is [referenceLogprobs] for choices.
func choiceLogprobs(ctx context.Context, run *Run, m *Model, what string, pairs []dpo.Pair) ([][2]float64, error) {
	key := m.key("choices", pairs)
	return ledger.Collect(ctx, run.store, "choices", key, len(pairs), func(done func(int) bool, save func([]int, [][2]float64) error) error {
		meter := run.meter(m.Name+" "+what, "pairs of choices", len(pairs), countDone(len(pairs), done))
		err := dpo.Reference(ctx, m.engine, m.weights, pairs, dpo.Settings{}, done, func(idx []int, chosen, rejected []float64) error {
			sums := make([][2]float64, len(idx))
			for k := range idx {
				sums[k] = [2]float64{chosen[k], rejected[k]}
			}
			meter.add(len(idx), 0)
			return save(idx, sums)
		})
		if err != nil {
			return err
		}
		return meter.end()
	})
}

// choiceScores scores one question by the metrics of its suite.
func choiceScores(item datasets.ChoiceItem, row choiceRow) (map[string]float64, error) {
	scores := map[string]float64{}
	for _, metric := range choiceMetrics[item.Suite] {
		var err error
		switch metric {
		case "acc", "mc1":
			scores[metric], err = eval.Acc(row.Logprobs, item.Gold)
		case "acc_norm":
			scores[metric], err = eval.AccNorm(row.Logprobs, item.Choices, item.Gold)
		case "mc2":
			scores[metric], err = eval.MC2(row.MC2Logprobs, item.MC2Right)
		}
		if err != nil {
			return nil, err
		}
	}
	return scores, nil
}

// scoreChoices takes the mean of each metric over the questions of each language.
func scoreChoices(run *Run, model, suite string, rows []choiceRow) []choiceScore {
	var scores []choiceScore
	for _, metric := range choiceMetrics[suite] {
		for _, lang := range slices.Concat(run.Settings.Languages(), run.Settings.Unseen) {
			values, cut, shots := choiceValues(rows, lang, metric)
			if len(values) > 0 {
				e := eval.MeanSE(values)
				scores = append(scores, choiceScore{model, suite, metric, lang, e.Mean, e.SE, e.N, shots, cut})
			}
		}
	}
	return scores
}

// choiceValues returns a metric of every question in one language, and of how many questions the prompt was cut.
func choiceValues(rows []choiceRow, lang, metric string) (values []float64, cut, shots int) {
	for _, row := range rows {
		if row.Lang == lang {
			values, shots = append(values, row.Scores[metric]), row.FewShot
			if row.Cut {
				cut++
			}
		}
	}
	return values, cut, shots
}
