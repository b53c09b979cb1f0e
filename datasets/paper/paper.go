// Package paper holds the numbers that Yang, Wu, Wang, Zong and Zhang published for their method, "Language Imbalance
// Driven Rewarding for Multilingual Self-improving" (ICLR 2025, arXiv 2410.08964), so that a run's results can be drawn
// beside them. They are measurements of other models by other people: a table or figure that shows them must say so and
// name the source, which each row has.
//
// The numbers are as printed, with the authors' rounding: the averages agree with their parts to half a unit of the
// last digit, and two shares of MGSM (.570 and .002) cannot be counts of its 250 problems.
//
// M0 is Llama-3-8B-Instruct, M1 and M2 are the models after one and two rounds, and SFT is the baseline trained on the
// chosen answers alone ("multilingual alignment"). The checkpoints published as LIDR_M0 and LIDR_M1 are M1 and M2 here.
package paper

import (
	"embed"
	"encoding/csv"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
)

//go:embed *.csv
var files embed.FS

// WinRate is one raw X-AlpacaEval win rate against gpt-4-turbo-2024-04-09, in percent. Model is a model's name followed
// by the round or the baseline; Lang is a language code, or "avg" for the printed mean.
type WinRate struct {
	Model   string  `json:"model"`
	Judge   string  `json:"judge"`
	Lang    string  `json:"lang"`
	WinRate float64 `json:"win_rate"`
	Source  string  `json:"source"`
}

// Match is one head-to-head comparison: how often Model wins against, ties with and loses to Opponent, in percent.
type Match struct {
	Model    string  `json:"model"`
	Opponent string  `json:"opponent"`
	Lang     string  `json:"lang"`
	Win      float64 `json:"win"`
	Tie      float64 `json:"tie"`
	Lose     float64 `json:"lose"`
	Source   string  `json:"source"`
}

// Arithmetic is one MGSM result over 250 problems, both as shares between 0 and 1. Group is "trained" for the
// languages of the LIDR training and "unseen" for the others.
type Arithmetic struct {
	Model     string  `json:"model"`
	Lang      string  `json:"lang"`
	Group     string  `json:"group"`
	Accuracy  float64 `json:"accuracy"`
	OffTarget float64 `json:"off_target"`
	Source    string  `json:"source"`
}

// BenchScore is one multilingual MT-Bench score, 0 to 10. Lang may be "avg".
type BenchScore struct {
	Model  string  `json:"model"`
	Lang   string  `json:"lang"`
	Score  float64 `json:"score"`
	Source string  `json:"source"`
}

// Tax is one benchmark of the alignment tax, a share between 0 and 1 over all its languages.
type Tax struct {
	Model     string  `json:"model"`
	Benchmark string  `json:"benchmark"`
	Score     float64 `json:"score"`
	Source    string  `json:"source"`
}

// AnswerScore is a judge's mean score, 0 to 10, of M0's own answers ("self-generation") or of its translated ones
// ("self-translation") in one language. GPT-4 is the paper's judge; GPT-4o's scores, of own answers only, are of the
// authors' answers to their reviewers, where the German one is out of line.
type AnswerScore struct {
	Answers string  `json:"answers"`
	Judge   string  `json:"judge"` // GPT-4 or GPT-4o
	Lang    string  `json:"lang"`
	Score   float64 `json:"score"`
	Source  string  `json:"source"`
}

// RewardAccuracy is the share, 0 to 1, of M0's pairs whose chosen answer GPT-4 scores higher than the rejected one. How
// ties were counted was not published.
type RewardAccuracy struct {
	Lang     string  `json:"lang"`
	Accuracy float64 `json:"accuracy"`
	Source   string  `json:"source"`
}

// XAlpacaEval returns the X-AlpacaEval win rates: Llama-3-8B-Instruct under two judges, its low-resource run,
// Llama-2-7b-chat, and the other systems of the paper's table.
func XAlpacaEval() []WinRate { return rows[WinRate]("x_alpacaeval.csv") }

// HeadToHead returns the win/tie/lose figures of M1 and M2.
func HeadToHead() []Match { return rows[Match]("head_to_head.csv") }

// MGSM returns accuracies and off-target rates of M0, SFT, M1 and M2 in ten languages.
func MGSM() []Arithmetic { return rows[Arithmetic]("mgsm.csv") }

// MTBench returns the multilingual MT-Bench scores.
func MTBench() []BenchScore { return rows[BenchScore]("mt_bench.csv") }

// AlignmentTax returns multilingual MMLU, HellaSwag, ARC-challenge and TruthfulQA.
func AlignmentTax() []Tax { return rows[Tax]("alignment_tax.csv") }

// AnswerScores returns the 0–10 scores of answers and translated answers of M0, by two judges.
func AnswerScores() []AnswerScore { return rows[AnswerScore]("answer_score.csv") }

// RewardAccuracies returns the reward accuracies of M0's pairs.
func RewardAccuracies() []RewardAccuracy { return rows[RewardAccuracy]("reward_accuracy.csv") }

// Each of the following is the frame of the rows of the same name, with a source column.

func XAlpacaEvalFrame() dataframe.DataFrame      { return datasets.Frame(XAlpacaEval()) }
func HeadToHeadFrame() dataframe.DataFrame       { return datasets.Frame(HeadToHead()) }
func MGSMFrame() dataframe.DataFrame             { return datasets.Frame(MGSM()) }
func MTBenchFrame() dataframe.DataFrame          { return datasets.Frame(MTBench()) }
func AlignmentTaxFrame() dataframe.DataFrame     { return datasets.Frame(AlignmentTax()) }
func AnswerScoresFrame() dataframe.DataFrame     { return datasets.Frame(AnswerScores()) }
func RewardAccuraciesFrame() dataframe.DataFrame { return datasets.Frame(RewardAccuracies()) }

// rows reads an embedded table into structs, column by field in order. It panics on a wrong table: the tables are part
// of the program, and the package's tests read them all.
func rows[T any](name string) []T {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(data))).ReadAll()
	if err != nil {
		panic(fmt.Errorf("%s: %w", name, err))
	}
	out := make([]T, len(records)-1)
	for i, record := range records[1:] {
		row := reflect.ValueOf(&out[i]).Elem()
		for c, cell := range record {
			if tag := row.Type().Field(c).Tag.Get("json"); tag != records[0][c] {
				panic(fmt.Sprintf("%s: column %q where %q was expected", name, records[0][c], tag))
			}
			if row.Field(c).Kind() == reflect.String {
				row.Field(c).SetString(cell)
				continue
			}
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				panic(fmt.Errorf("%s:%d: %w", name, i+2, err))
			}
			row.Field(c).SetFloat(x)
		}
	}
	return out
}
