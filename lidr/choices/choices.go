// Package choices measures what the alignment tax is paid in, by multiple choice: [Ask] puts Okapi's multilingual
// MMLU, HellaSwag, ARC-challenge and TruthfulQA, Global-MMLU-Lite and Belebele to a model by log-likelihood, with the
// prompts, tokens and normalisation of lm-evaluation-harness, and [Tax] gives the paired differences of two models.
// The model is a checkpoint, or behind a server that tells the log-probabilities of given tokens. All suites are
// asked zero-shot, unless [Settings].MMLUShots says otherwise.
//
//	scores, err := choices.Ask(ctx, run, m1, "okapi", choices.Defaults())
//	changes, err := choices.Tax(ctx, run, "M0", "M1")
package choices

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/lm"
)

// Settings say how the questions are asked.
type Settings struct {
	// MMLUShots is the number of questions of m_mmlu's dev split that come, with their answers, before each of its
	// questions, as the harness' num_fewshot; 5 is usual. The other suites are always asked zero-shot.
	MMLUShots int `json:"mmlu_shots"`
}

// Defaults returns the settings for zero-shot questions in every suite.
func Defaults() Settings { return Settings{} }

// Validate returns an error naming the field that cannot work, and what was expected. [Ask] calls it.
func (s Settings) Validate() error {
	if s.MMLUShots < 0 {
		return fmt.Errorf("choices: field mmlu_shots is %d, expected 0 or more", s.MMLUShots)
	}
	return nil
}

// Score is a row of the frame that [Ask] returns: one metric of a suite in one language.
type Score struct {
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

// Answer is what a model makes of one question, a line of <model>/eval/choices/SUITE.jsonl.
type Answer struct {
	ID          string             `json:"id"`
	Lang        string             `json:"lang"`
	FewShot     int                `json:"fewshot"`
	Logprobs    []float64          `json:"logprobs"` // of each choice, in nats
	MC2Logprobs []float64          `json:"mc2_logprobs,omitempty"`
	Gold        int                `json:"gold"` // index of the right choice
	Cut         bool               `json:"cut"`
	Scores      map[string]float64 `json:"scores"` // by metric
}

// metricsOf are the metrics of each suite, as in the harness.
var metricsOf = map[string][]string{
	"m_mmlu": {"acc"}, "m_hellaswag": {"acc", "acc_norm"}, "m_arc": {"acc", "acc_norm"}, "m_truthfulqa": {"mc1", "mc2"},
	"global_mmlu_lite": {"acc"}, "belebele": {"acc"},
}

// Ask measures a model by the log-probability of each choice and returns a frame of [Score] rows. folder holds the
// suites' folders ([datasets.ChoiceSuites]), or some of them, with the files of [datasets.LoadChoices]; the languages
// are those of the run for which a suite has a file. Ask writes <model>/eval/choices/SUITE.jsonl, lines of [Answer],
// <model>/eval/choices.json, and for the report <model>/measures/alignment-tax.json. Of every model after the first
// one that was asked the same questions it also writes measures/alignment-tax-change.json. [Tax] compares any two
// models.
//
// Prompts, tokens and metrics are those of lm-evaluation-harness without --apply_chat_template: the model continues
// raw text, BOS before it where the tokenizer puts one, and no end-of-turn token counts. Where a prompt is longer than
// the model's context its beginning is cut off as there, but for all choices of a question at the same place.
//
// A server is asked for the tokens of each text, by its own tokenizer (the route /tokenize) or the one in the folder
// remote.Options.Tokenizer, and then for the log-probabilities of these tokens, by echo with logprobs on the
// completions route: vLLM, SGLang and lidr serve have both. Answers are kept as they come, as those to a chat are.
func Ask(ctx context.Context, run *lidr.Run, m *lidr.Model, folder string, s Settings) (dataframe.DataFrame, error) {
	scores, err := ask(ctx, run, m, folder, s)
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	return datasets.Frame(scores), nil
}

func ask(ctx context.Context, run *lidr.Run, m *lidr.Model, folder string, s Settings) ([]Score, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if _, served := m.LM().(lm.TextModel); !served && m.Weights() == nil {
		return nil, fmt.Errorf("choices: %s does not tell the probability of raw text; load its checkpoint, or serve it "+
			"by vLLM, SGLang or lidr serve", m.Path)
	}
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	var scores []Score
	for _, suite := range datasets.ChoiceSuites() {
		path := filepath.Join(folder, suite)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		answers, err := askSuite(ctx, run, m, path, suite, s)
		if err != nil {
			return nil, err
		}
		if err := run.WriteLines(answersFile(run, m.Name(), suite), answers); err != nil {
			return nil, err
		}
		scores = append(scores, scoresOf(run, m.Name(), suite, answers)...)
	}
	if len(scores) == 0 {
		return nil, fmt.Errorf("%s has none of the folders %s", folder, strings.Join(datasets.ChoiceSuites(), ", "))
	}
	if err := run.WriteJSON(run.Path(m.Name(), "eval", "choices.json"), scores); err != nil {
		return nil, err
	}
	return scores, writeMeasures(run, m.Name(), scores)
}

func answersFile(run *lidr.Run, model, suite string) string {
	return run.Path(model, "eval", "choices", suite+".jsonl")
}

// askSuite asks a suite in every language of the run for which its folder has a file.
func askSuite(
	ctx context.Context, run *lidr.Run, m *lidr.Model, path, suite string, s Settings,
) ([]Answer, error) {
	var answers []Answer
	var missing []error
	for _, lang := range run.Settings.AllLanguages() {
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
		shots, examples := 0, ""
		if suite == "m_mmlu" && s.MMLUShots > 0 {
			shots = s.MMLUShots
			if examples, err = fewShots(path, lang, shots); err != nil {
				return nil, err
			}
		}
		fresh, err := answer(ctx, run, m, items, examples)
		if err != nil {
			return nil, fmt.Errorf("%s %s in %s: %w", m.Name(), suite, lang, err)
		}
		for i := range fresh {
			fresh[i].FewShot = shots
		}
		answers = append(answers, fresh...)
	}
	if len(answers) == 0 {
		return nil, fmt.Errorf("%s has none of the run's languages: %w", path, missing[0])
	}
	return answers, nil
}

// fewShots returns the first n examples of m_mmlu as the text before a question.
func fewShots(path, lang string, n int) (string, error) {
	examples, err := datasets.LoadChoiceExamples(path, "m_mmlu", lang)
	if err != nil {
		return "", err
	}
	if len(examples) < n {
		return "", fmt.Errorf("%s: %d questions, expected at least the %d few-shot examples asked for",
			examples[0].File, len(examples), n)
	}
	var text strings.Builder
	for _, e := range examples[:n] {
		text.WriteString(e.Context + " " + e.Choices[e.Gold] + "\n\n")
	}
	return text.String(), nil
}

// scoresOf takes the mean of each metric over the questions of each language.
func scoresOf(run *lidr.Run, model, suite string, answers []Answer) []Score {
	var scores []Score
	for _, metric := range metricsOf[suite] {
		for _, lang := range run.Settings.AllLanguages() {
			own := inLanguage(answers, lang)
			if len(own) == 0 {
				continue
			}
			e := eval.MeanSE(values(own, metric))
			score := Score{
				Model: model, Suite: suite, Metric: metric, Lang: lang, Value: e.Mean, SE: e.SE, N: e.N,
				FewShot: own[0].FewShot,
			}
			for _, a := range own {
				if a.Cut {
					score.Cut++
				}
			}
			scores = append(scores, score)
		}
	}
	return scores
}

func inLanguage(answers []Answer, lang string) []Answer {
	var own []Answer
	for _, a := range answers {
		if a.Lang == lang {
			own = append(own, a)
		}
	}
	return own
}

// values returns a metric of every answer.
func values(answers []Answer, metric string) []float64 {
	out := make([]float64, len(answers))
	for i, a := range answers {
		out[i] = a.Scores[metric]
	}
	return out
}
