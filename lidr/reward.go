package lidr

import (
	"context"
	"fmt"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
)

// RewardAccuracy measures the pairs of m's round, a frame of [Pair] rows, against the task's checker, before any
// training: among the pairs of which exactly one side is right, the share whose right side is the chosen one. It
// returns a frame of [Reward] rows and writes <model>/pairs.rewards.json. Below 0.5, training on the pairs teaches the
// wrong side. Pairs that nothing checks are not counted.
func RewardAccuracy(ctx context.Context, run *Run, m *Model, pairs dataframe.DataFrame) (dataframe.DataFrame, error) {
	rows, err := rowsOf[Pair](pairs, "pairs")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	rewards, err := rewardAccuracy(ctx, run, m, rows)
	return datasets.Frame(rewards), err
}

func rewardAccuracy(ctx context.Context, run *Run, m *Model, pairs []Pair) ([]Reward, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := run.Enter(m); err != nil {
		return nil, err
	}
	rewards, err := run.rewards(m.Name(), pairs)
	if err != nil {
		return nil, err
	}
	if err := run.claim(m, "reward accuracy", ledger.Key(pairs)); err != nil {
		return nil, err
	}
	return rewards, run.WriteJSON(run.Path(m.Name(), "pairs.rewards.json"), rewards)
}

// rewards is the reward accuracy of a model's pairs, a row a language.
func (r *Run) rewards(model string, pairs []Pair) ([]Reward, error) {
	gold, err := r.goldOf(model)
	if err != nil {
		return nil, err
	}
	rewards := []Reward{}
	for _, lang := range r.Settings.Languages() {
		accuracy, checked := r.oracle(pairs, lang, gold)
		row := Reward{Model: model, Lang: lang, Pairs: checked, N: accuracy.N}
		if row.N > 1 { // fewer have no standard error
			row.Value, row.SE = accuracy.Mean, accuracy.SE
		}
		rewards = append(rewards, row)
	}
	return rewards, nil
}

// oracle is the reward accuracy by the task's checker of the pairs in one language, "" for all, and how many pairs it
// could check.
func (r *Run) oracle(pairs []Pair, lang string, gold map[[2]string]string) (accuracy eval.Estimate, checked int) {
	task := r.promptTask()
	var chosen, rejected []bool
	for _, p := range pairs {
		if lang != "" && p.Lang != lang {
			continue
		}
		prompt := Prompt{ID: p.ID, Lang: p.Lang, Prompt: p.Prompt, Answer: gold[[2]string{p.ID, p.Lang}]}
		if _, files := task.(fileTask); files && prompt.Answer == "" {
			continue // spares reading what nothing can check
		}
		ours, ok := task.Check(prompt, p.Chosen)
		theirs, ok2 := task.Check(prompt, p.Rejected)
		if ok && ok2 {
			chosen, rejected = append(chosen, right(task, ours)), append(rejected, right(task, theirs))
		}
	}
	found, err := eval.OracleRewardAccuracy(chosen, rejected)
	if err != nil {
		panic(err) // one verdict of each a pair, by the loop above
	}
	return found.Accuracy, len(chosen)
}

// roundWarnings says in words what a reader should know before believing the model that a round made.
func roundWarnings(s dpo.Settings, rewards []Reward, steps []dpo.Step) []string {
	warnings := []string{}
	right, decided := 0.0, 0
	for _, row := range rewards {
		right, decided = right+row.Value*float64(row.N), decided+row.N
		if row.N > 0 && row.Value-row.SE < 0.5 {
			warnings = append(warnings, fmt.Sprintf("in %s only %.0f ± %.0f %% of the pairs that the checker can tell apart "+
				"have their right side chosen: DPO learns little from them, or the wrong thing",
				row.Lang, 100*row.Value, 100*row.SE))
		}
	}
	return append(warnings, dpo.Health(s, steps, right/float64(decided))...) // NaN where no pair decides
}
