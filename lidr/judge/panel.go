package judge

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/report"
)

// PanelVerdict is a row of the verdicts that [Panel] returns: what the judges say of one item together. Preferences are
// 1 for the reference to 2 for the response, over the judges that gave one.
type PanelVerdict struct {
	ID       string `json:"id"`
	Lang     string `json:"lang"`
	Mean     Number `json:"mean"`     // of the preferences
	Majority Number `json:"majority"` // 1 or 2 where more than half of the verdicts say so, else 1.5
	Verdicts int    `json:"verdicts"` // judges with a verdict
	Said     string `json:"said"`     // each judge's: win, tie, lose, or -, in the judges' order
}

// PanelScore is a row of the scores that [Panel] returns: one metric of one judge, or of the panel, in one language.
//
//   - of a judge: win_rate, discrete_win_rate, and flip_rate where both orders were asked, as in [WinRate]; agreement,
//     the share of the items on which it says what the panel's majority says
//   - of the panel: mean_win_rate and majority_win_rate of the mean and of the majority; kappa, [eval.FleissKappa] of
//     win, tie and lose over the items of which every judge has a verdict
//   - of a judge in all languages (lang ""): tokens that it read and wrote, and dollars where its prices are known
type PanelScore struct {
	Judge   string `json:"judge"` // "panel" for all together
	Metric  string `json:"metric"`
	Lang    string `json:"lang"`
	Value   Number `json:"value"`
	SE      Number `json:"se"`
	N       int    `json:"n"`
	Failed  int    `json:"failed"`
	Warning string `json:"warning"`
}

// Panel asks several judges what [Compare] asks one (Verga et al. 2024, arXiv 2404.18796: a panel of smaller judges is
// cheaper than a large one, and less biased to its own kind). It returns frames of [PanelVerdict] and [PanelScore] rows
// and writes judged/NAME/panel.jsonl, panel.json and panel.usage.json, a [Usage] a judge;
// <response>/measures/panel-NAME.json is for the report. What each said is kept in the store as Compare keeps it, so
// that neither asks again what the other has asked.
func Panel(ctx context.Context, run *lidr.Run, name string, judges []*lidr.Model,
	responses, references dataframe.DataFrame, s Settings) (verdicts, scores dataframe.DataFrame, err error) {
	rows, table, err := panel(ctx, run, name, judges, responses, references, s)
	if err != nil {
		return verdicts, scores, fmt.Errorf("panel %s: %w", name, err)
	}
	return datasets.Frame(rows), datasets.Frame(table), nil
}

func panel(ctx context.Context, run *lidr.Run, name string, judges []*lidr.Model,
	responses, references dataframe.DataFrame, s Settings) ([]PanelVerdict, []PanelScore, error) {
	names, err := parseComparison(name)
	if err != nil {
		return nil, nil, err
	}
	if len(judges) < 2 {
		return nil, nil, fmt.Errorf("%d judges, expected at least 2", len(judges))
	}
	all, used := make([]judged, len(judges)), make([]Usage, len(judges))
	for k, judge := range judges {
		for _, other := range judges[:k] {
			if other.Path == judge.Path || other.Fingerprint() == judge.Fingerprint() {
				return nil, nil, fmt.Errorf("judges %s and %s are one model, expected each once", other.Path, judge.Path)
			}
		}
		if all[k], used[k], err = askJudge(ctx, run, names, judge, responses, references, s); err != nil {
			return nil, nil, fmt.Errorf("judge %s: %w", judge.Path, err)
		}
	}
	rows := together(all)
	langs, _ := byLanguage(rows, func(v PanelVerdict) string { return v.Lang })
	var table []PanelScore
	for _, lang := range langs {
		own, err := panelScores(all, rows, lang, s.BothOrders)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", lang, err)
		}
		table = append(table, own...)
	}
	for _, u := range used {
		table = append(table, PanelScore{Judge: u.Judge, Metric: "tokens", Value: Number(u.PromptTokens + u.AnswerTokens),
			SE: unknown, N: u.Questions})
		if u.Dollars > 0 {
			table = append(table, PanelScore{Judge: u.Judge, Metric: "dollars", Value: Number(u.Dollars), SE: unknown,
				N: u.Questions})
		}
	}
	if err := run.WriteLines(names.path(run, "panel.jsonl"), rows); err != nil {
		return nil, nil, err
	}
	if err := run.WriteJSON(names.path(run, "panel.json"), table); err != nil {
		return nil, nil, err
	}
	if err := run.WriteJSON(names.path(run, "panel.usage.json"), used); err != nil {
		return nil, nil, err
	}
	return rows, table, run.WriteMeasure(names.Response, panelMeasure(names, table, used))
}

// together joins the judges' verdicts on each item.
func together(all []judged) []PanelVerdict {
	rows := make([]PanelVerdict, len(all[0].rows))
	for i, item := range all[0].rows {
		row := PanelVerdict{ID: item.ID, Lang: item.Lang, Mean: unknown, Majority: unknown}
		var sum float64
		var votes [3]int
		var said []string
		for _, judge := range all {
			p := judge.rows[i].Preference
			k := eval.Outcome(p)
			said = append(said, []string{"-", "lose", "tie", "win"}[k+1])
			if k >= 0 {
				sum += p
				votes[k]++
				row.Verdicts++
			}
		}
		row.Said = strings.Join(said, " ")
		if row.Verdicts > 0 {
			row.Mean, row.Majority = Number(sum/float64(row.Verdicts)), 1.5
			for _, k := range []int{0, 2} {
				if 2*votes[k] > row.Verdicts {
					row.Majority = Number(1 + k/2)
				}
			}
		}
		rows[i] = row
	}
	return rows
}

// panelScores are the scores of one language.
func panelScores(all []judged, rows []PanelVerdict, lang string, bothOrders bool) ([]PanelScore, error) {
	var scores []PanelScore
	add := func(judge, metric string, e eval.Estimate, failed int, warnings ...string) {
		warnings = slices.Concat(eval.Warnings(e.N, failed), warnings)
		scores = append(scores, PanelScore{Judge: judge, Metric: metric, Lang: lang, Value: Number(e.Mean),
			SE: Number(e.SE), N: e.N, Failed: failed, Warning: strings.Join(warnings, "; ")})
	}
	var means, majorities []float64
	var counts [][]int
	items, missing := 0, 0
	for i, row := range rows {
		if row.Lang != lang {
			continue
		}
		items++
		if row.Verdicts > 0 {
			means = append(means, float64(row.Mean)-1)
			majorities = append(majorities, float64(row.Majority)-1)
		}
		if row.Verdicts < len(all) {
			missing++
			continue
		}
		votes := make([]int, 3)
		for _, judge := range all {
			votes[eval.Outcome(judge.rows[i].Preference)]++
		}
		counts = append(counts, votes)
	}
	for _, judge := range all {
		var raw, discrete, same, flips []float64
		for i, row := range rows {
			k := eval.Outcome(judge.rows[i].Preference)
			if row.Lang != lang || k < 0 {
				continue
			}
			raw = append(raw, judge.rows[i].Preference-1)
			discrete = append(discrete, float64(k)/2)
			same = append(same, share(k == eval.Outcome(float64(row.Majority))))
			first, second := eval.Outcome(judge.rows[i].First), eval.Outcome(judge.rows[i].Second)
			flips = append(flips, share(first+second == 2 && first != 1))
		}
		failed := items - len(raw)
		own := judge.in(lang)
		add(judge.judge, "win_rate", eval.MeanSE(raw), failed, own.notes()...)
		add(judge.judge, "discrete_win_rate", eval.MeanSE(discrete), failed, own.notes()...)
		add(judge.judge, "agreement", eval.MeanSE(same), failed)
		if bothOrders {
			add(judge.judge, "flip_rate", eval.MeanSE(flips), failed)
		}
	}
	add("panel", "mean_win_rate", eval.MeanSE(means), items-len(means))
	add("panel", "majority_win_rate", eval.MeanSE(majorities), items-len(majorities))
	kappa, err := eval.FleissKappa(counts)
	if err != nil {
		return nil, err
	}
	add("panel", "kappa", kappa, missing)
	return scores, nil
}

func share(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// panelMeasure is the table of [Panel].
func panelMeasure(names comparison, table []PanelScore, used []Usage) report.Measure {
	m := report.Measure{
		Key:   "panel-" + names.String(),
		Title: names.Response + " against " + names.Reference + ", by a panel of judges",
		Unit:  "%", Digits: 1,
	}
	var cost []string
	for _, u := range used {
		cost = append(cost, u.String())
	}
	m.What = strings.Join(cost, " ") + " κ is Fleiss's, times 100."
	for _, of := range []struct{ metric, name string }{
		{"mean_win_rate", "win rate of the mean"}, {"majority_win_rate", "win rate of the majority"},
		{"kappa", "agreement beyond chance, κ"}, {"win_rate", "win rate"}, {"flip_rate", "verdicts that flip"},
	} {
		for _, s := range table {
			if s.Metric != of.metric {
				continue
			}
			name := of.name
			if s.Judge != "panel" {
				name += ", " + s.Judge
			}
			m.Put(name, s.Lang, report.Counted(100*float64(s.Value), 100*float64(s.SE), s.N, s.Failed, s.Warning))
		}
	}
	m.Plot = 2
	return m
}
