package judge

import (
	"fmt"
	"math"
	"strings"

	"lidrlab/lidr/report"
)

// The report reads measures/KEY.json of every model and joins tables of one key, so each measure here has the rows of
// one model.

// comparisonMeasure is the table of [Compare].
func comparisonMeasure(names comparison, rates []WinRate, all kinds, used Usage) report.Measure {
	m := report.Measure{
		Key:   "judged-" + names.String(),
		Title: names.Response + " against " + names.Reference + ", by a judge",
		Unit:  "%", Digits: 1,
	}
	kind := "Verdicts in words."
	switch all.String() {
	case "weighted":
		kind = "Preferences weighed by the probabilities of the verdict's token."
	case "mixed":
		kind = fmt.Sprintf("Preferences weighed by the probabilities of the verdict's token, and %d of %d verdicts in "+
			"words, of which the server gave none.", all.words, all.words+all.weighted)
	}
	m.What = strings.TrimSpace(used.String() + " " + kind)
	for _, row := range []struct{ metric, name string }{
		{"win_rate", "win rate"},
		{"length_controlled_win_rate", "length-controlled win rate"},
		{"discrete_win_rate", "discrete win rate"},
		{"flip_rate", "verdicts that flip with the order"},
	} {
		for _, s := range rates {
			if s.Metric == row.metric {
				m.Put(row.name, s.Lang, report.Counted(100*float64(s.Value), 100*float64(s.SE), s.N, s.Failed, s.Warning))
			}
		}
	}
	m.Matches = matches(names, rates)
	if len(m.Matches) == 0 {
		m.Plot = 1
	} else {
		m.What += " Each pair was asked in both orders: the same winner twice wins, and so does the winner of one order " +
			"where the other is a draw; opposite winners tie."
	}
	return m
}

// matches counts wins, ties and losses where both orders were asked.
func matches(names comparison, rates []WinRate) []report.HeadToHead {
	var all []report.HeadToHead
	langs, groups := byLanguage(rates, func(r WinRate) string { return r.Lang })
	for _, lang := range langs {
		match := report.HeadToHead{A: names.Response, B: names.Reference, Language: lang}
		asked := false
		for _, s := range groups[lang] {
			count := int(math.Round(float64(s.Value) * float64(s.N)))
			switch s.Metric {
			case "win":
				match.Win, asked = count, true
			case "tie":
				match.Tie = count
			case "lose":
				match.Lose = count
			}
		}
		if asked {
			all = append(all, match)
		}
	}
	return all
}

// ratingMeasures are the tables of [Rate]: mean scores, and the reward accuracy.
func ratingMeasures(model string, scores []RatingScore, used Usage) (answers, rewards report.Measure) {
	answers = report.Measure{
		Key: "ratings", Title: "Scores of answers and of translated answers", Unit: "0 to 10", Digits: 2,
		What: ofModel(model, used),
	}
	rewards = report.Measure{
		Key: "judged-reward-accuracy", Title: "Reward accuracy by a judge", Unit: "%", Digits: 1,
		What: "Share of the pairs whose chosen side the judge rates higher; ties count half.",
	}
	for _, metric := range []string{"self_generation", "self_translation"} {
		for _, s := range scores {
			if s.Metric == metric {
				name := model + " " + strings.ReplaceAll(metric, "_", "-")
				answers.Put(name, s.Lang, report.Counted(float64(s.Value), float64(s.SE), s.N, s.Failed, s.Warning))
			}
		}
	}
	for _, s := range scores {
		if s.Metric == "judged_reward_accuracy" {
			v := report.Counted(100*float64(s.Value), 100*float64(s.SE), s.N, s.Failed, s.Warning)
			if s.Ties > 0 {
				v.Note += fmt.Sprintf(", %d tied", s.Ties)
			}
			rewards.Put(model, s.Lang, v)
		}
	}
	answers.Plot = len(answers.Rows)
	rewards.Plot = len(rewards.Rows)
	return answers, rewards
}

// mtBenchMeasure is the table of [MTBench]: the mean of both turns, drawn, and each turn.
func mtBenchMeasure(model string, scores []MTScore, used Usage) report.Measure {
	m := report.Measure{
		Key: "mt-bench", Title: "MT-bench", Unit: "1 to 10", Digits: 2, What: ofModel(model, used), Plot: 1,
	}
	for turn, group := range []string{"", "first turn", "second turn"} {
		name := model
		if group != "" {
			name += ", " + group
		}
		for _, s := range scores {
			if s.Category == "all" && s.Turn == turn {
				m.Put(name, s.Lang, report.Counted(float64(s.Value), float64(s.SE), s.N, s.Failed, s.Warning))
			}
		}
		m.Rows[turn].Group = group
	}
	return m
}

// ofModel says whose answers were judged, and what that took.
func ofModel(model string, used Usage) string {
	if used.Questions == 0 {
		return ""
	}
	return model + ": " + used.String()
}
