package lidr

import (
	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/datasets/miniature"
	"lidrlab/lidr/eval"
)

// rewardRow is a row of the frame that [RewardAccuracy] returns.
type rewardRow struct {
	Model string  `json:"model"` // the model that made the pairs
	Lang  string  `json:"lang"`
	Value float64 `json:"value"`
	SE    float64 `json:"se"`
	N     int     `json:"n"` // pairs of which exactly one side is right; with fewer than 2 value and se are 0
	Pairs int     `json:"pairs"`
}

// RewardAccuracy measures pairs of the miniature against its checker, before any training: among the pairs of which
// exactly one side is right (final number, language and every step), the share whose right side is the chosen one. It
// returns a frame with columns model, lang, value, se, n and pairs, and writes <model>/pairs.rewards.json. Below 0.5,
// training on the pairs teaches the wrong side. Pairs without a checker are not counted.
func RewardAccuracy(run *Run, m *Model, pairs dataframe.DataFrame) (dataframe.DataFrame, error) {
	rows, err := rowsOf[Pair](pairs, "pairs")
	if err != nil {
		return dataframe.DataFrame{}, err
	}
	rewards := rewardAccuracy(run.Settings, m.Name, rows)
	return datasets.Frame(rewards), writeJSON(run, run.path(m.Name, "pairs.rewards.json"), rewards)
}

func rewardAccuracy(s Settings, model string, pairs []Pair) []rewardRow {
	rewards := []rewardRow{}
	for _, lang := range s.Languages() {
		var chosen, rejected []bool
		for _, p := range pairs {
			if problem, err := miniature.Decode(p.ID); err == nil && p.Lang == lang {
				chosen = append(chosen, allRight(p.Chosen, problem, lang))
				rejected = append(rejected, allRight(p.Rejected, problem, lang))
			}
		}
		oracle, err := eval.OracleRewardAccuracy(chosen, rejected)
		if err != nil {
			panic(err) // one verdict of each a pair, by the loop above
		}
		row := rewardRow{Model: model, Lang: lang, Pairs: len(chosen), N: oracle.Accuracy.N}
		if row.N > 1 { // fewer have no standard error
			row.Value, row.SE = oracle.Accuracy.Mean, oracle.Accuracy.SE
		}
		rewards = append(rewards, row)
	}
	return rewards
}

// allRight reports whether a solution has the right number, every step right, and the language asked for.
func allRight(text string, problem miniature.Problem, lang string) bool {
	v := miniature.Check(text, problem, lang)
	return v.Correct && v.StepsCorrect && v.OnTarget
}
