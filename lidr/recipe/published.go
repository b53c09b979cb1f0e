package recipe

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"lidrlab/datasets/paper"
	"lidrlab/lidr/choices"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/report"
)

// table is one of the paper's tables and what a run measures of the same.
type table struct {
	name, title, unit string
	digits            int
	published         func(Recipe, put)
	ours              func(*work, put) error
}

// put sets a value of a row in a column of a table: mostly a model's in a language.
type put func(row, column string, value, se float64)

var tables = []table{
	{"mgsm", "MGSM accuracy", "%", 1,
		func(_ Recipe, put put) {
			for _, row := range paper.MGSM() {
				put(row.Model, row.Lang, 100*row.Accuracy, 0)
			}
		},
		scores("accuracy"),
	},
	{"off_target", "MGSM off-target rate", "%", 1,
		func(_ Recipe, put put) {
			for _, row := range paper.MGSM() {
				put(row.Model, row.Lang, 100*row.OffTarget, 0)
			}
		},
		scores("off_target"),
	},
	{"x_alpacaeval", "X-AlpacaEval raw win rate against gpt-4-turbo-2024-04-09", "%", 1,
		func(r Recipe, put put) {
			for _, row := range paper.XAlpacaEval() {
				name, of := strings.CutPrefix(row.Model, r.Published.Model)
				if of && row.Lang != "avg" && row.Judge == r.Judge.Path && !strings.Contains(strings.TrimSpace(name), " ") {
					put(cmp.Or(strings.TrimSpace(name), "M0"), row.Lang, row.WinRate, 0)
				}
			}
		},
		func(w *work, put put) error {
			return w.each(func(name string) error {
				var rates []judge.WinRate
				err := w.run.ReadJSON(w.run.Path("judged", name+"-"+reference, "scores.json"), &rates)
				for _, s := range rates {
					if s.Metric == "win_rate" {
						put(name, s.Lang, 100*float64(s.Value), 100*float64(s.SE))
					}
				}
				return err
			})
		},
	},
	{"head_to_head", "Head-to-head on X-AlpacaEval: win − lose", "points", 1,
		func(_ Recipe, put put) {
			for _, row := range paper.HeadToHead() {
				put(row.Model+" against "+row.Opponent, row.Lang, row.Win-row.Lose, 0)
			}
		},
		func(w *work, put put) error {
			for _, name := range w.recipe.Instructions.Matches {
				var rates []judge.WinRate
				err := w.run.ReadJSON(w.run.Path("judged", name, "scores.json"), &rates)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				lead := map[string]float64{}
				for _, s := range rates {
					switch s.Metric {
					case "win":
						lead[s.Lang] += 100 * float64(s.Value)
					case "lose":
						lead[s.Lang] -= 100 * float64(s.Value)
					}
				}
				for _, lang := range w.recipe.AllLanguages() {
					if x, known := lead[lang]; known {
						put(strings.Replace(name, "-", " against ", 1), lang, x, 0)
					}
				}
			}
			return nil
		},
	},
	{"mt_bench", "Multilingual MT-bench", "1 to 10", 2,
		func(_ Recipe, put put) {
			for _, row := range paper.MTBench() {
				if row.Lang != "avg" {
					put(row.Model, row.Lang, row.Score, 0)
				}
			}
		},
		func(w *work, put put) error {
			return w.each(func(name string) error {
				var rows []judge.MTScore
				err := w.run.ReadJSON(w.run.Path(name, "eval", "mtbench.json"), &rows)
				for _, s := range rows {
					if s.Category == "all" && s.Turn == 0 {
						put(name, s.Lang, float64(s.Value), float64(s.SE))
					}
				}
				return err
			})
		},
	},
	{"alignment_tax", "Alignment tax, means over the languages", "%", 2,
		func(_ Recipe, put put) {
			for _, row := range paper.AlignmentTax() {
				put(row.Model, row.Benchmark, 100*row.Score, 0)
			}
		},
		func(w *work, put put) error { return w.each(func(name string) error { return w.tax(name, put) }) },
	},
	{"ratings", "Scores of answers and of translated answers by GPT-4", "0 to 10", 2,
		func(_ Recipe, put put) {
			for _, row := range paper.AnswerScores() {
				if row.Judge == "GPT-4" {
					put("M0 "+row.Answers, row.Lang, row.Score, 0)
				}
			}
		},
		ratings("self_generation", "self_translation"),
	},
	{"ratings_gpt4o", "Scores of answers by GPT-4o", "0 to 10", 2,
		func(_ Recipe, put put) {
			for _, row := range paper.AnswerScores() {
				if row.Judge == "GPT-4o" {
					put("M0 "+row.Answers, row.Lang, row.Score, 0)
				}
			}
		},
		ratings("self_generation"),
	},
	{"reward_accuracy", "Reward accuracy of M0's pairs by GPT-4", "%", 1,
		func(_ Recipe, put put) {
			for _, row := range paper.RewardAccuracies() {
				put("M0", row.Lang, 100*row.Accuracy, 0)
			}
		},
		ratings("judged_reward_accuracy"),
	},
}

// Tables are the names of the published tables that a recipe can show beside its own values.
func Tables() []string {
	var names []string
	for _, t := range tables {
		names = append(names, t.name)
	}
	return names
}

// scores are those of one metric, of package lidr's evaluation.
func scores(metric string) func(*work, put) error {
	return func(w *work, put put) error {
		return w.each(func(name string) error {
			var rows []eval.Score
			err := w.run.ReadJSON(w.run.Path(name, "eval", "scores.json"), &rows)
			for _, s := range rows {
				if s.Metric == metric && s.Scope == "language" {
					put(name, s.Lang, 100*s.Value, 100*s.SE)
				}
			}
			return err
		})
	}
}

// ratings are those of some metrics, of the judge's ratings of pairs.
func ratings(metrics ...string) func(*work, put) error {
	return func(w *work, put put) error {
		return w.each(func(name string) error {
			var rows []judge.RatingScore
			err := w.run.ReadJSON(w.run.Path(name, "pairs.ratings.json"), &rows)
			for _, metric := range metrics {
				for _, s := range rows {
					switch {
					case s.Metric != metric:
					case metric == "judged_reward_accuracy":
						put(name, s.Lang, 100*float64(s.Value), 100*float64(s.SE))
					default:
						put(name+" "+strings.ReplaceAll(metric, "_", "-"), s.Lang, float64(s.Value), float64(s.SE))
					}
				}
			}
			return err
		})
	}
}

// benchmarks are the published names of suites and metrics.
var benchmarks = map[string]string{
	"m_mmlu acc": "MMLU", "m_hellaswag acc": "HellaSwag", "m_arc acc": "ARC-challenge",
	"m_truthfulqa mc1": "TruthfulQA MC1", "m_truthfulqa mc2": "TruthfulQA MC2",
}

// tax puts the means over the languages of a model's multiple-choice scores.
func (w *work) tax(name string, put put) error {
	var rows []choices.Score
	err := w.run.ReadJSON(w.run.Path(name, "eval", "choices.json"), &rows)
	sums, counts := map[string]float64{}, map[string]float64{}
	for _, s := range rows {
		if benchmark := benchmarks[s.Suite+" "+s.Metric]; benchmark != "" {
			sums[benchmark] += 100 * s.Value
			counts[benchmark]++
		}
	}
	for _, benchmark := range sortedKeys(sums) {
		put(name, benchmark, sums[benchmark]/counts[benchmark], 0)
	}
	return err
}

// each calls f with the models of the run; files that the run has not made are no error.
func (w *work) each(f func(name string) error) error {
	for round := range w.last + 1 {
		if err := f(fmt.Sprintf("M%d", round)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// beside writes, for each table that the recipe names, one measure with the published rows and the run's own, which the
// report lays out as one table and one figure.
func (w *work) beside() error {
	model := cmp.Or(w.recipe.Published.Model, llama3)
	for _, t := range tables {
		if !slices.Contains(w.recipe.Published.Tables, t.name) {
			continue
		}
		m := report.Measure{
			Key: "published-" + t.name, Title: t.title + ", beside the published", Unit: t.unit, Digits: t.digits,
			What: "Published: Yang et al. 2025, arXiv 2410.08964, measured by them on " + model +
				"; the others are of this run, on " + w.recipe.Model.Path + ".",
		}
		none := true
		if err := t.ours(w, func(row, column string, value, se float64) {
			m.Put(row, column, report.MeasureValue{Estimate: report.Estimate{Value: value, SE: se}})
		}); err != nil {
			return err
		}
		t.published(w.recipe, func(row, column string, value, _ float64) {
			m.Add("published "+row, column, value)
			none = false
		})
		if none {
			m.What = fmt.Sprintf("Nothing is published to stand beside these: arXiv 2410.08964 has no such values of %s by %s.",
				model, w.recipe.Judge.Path)
		}
		m.Plot = len(m.Rows)
		if err := w.run.WriteMeasure("M0", m); err != nil {
			return err
		}
	}
	return nil
}
