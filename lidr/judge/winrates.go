package judge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// save writes the annotations and scores of every language, and returns the scores.
func (v *judged) save(run *lidr.Run, names comparison) ([]WinRate, error) {
	langs, _ := byLanguage(v.rows, func(j Judgement) string { return j.Lang })
	var scores []WinRate
	var silent []string
	for _, lang := range langs {
		own := v.in(lang)
		said, err := own.annotations(names)
		if err != nil {
			return nil, err
		}
		path := names.path(run, "annotations", lang+".json")
		data, err := datasets.EncodeAnnotations(said)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", path, err)
		}
		if err := run.Write(path, data); err != nil {
			return nil, err
		}
		rates, judged, err := own.winRates(said, lang)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", lang, err)
		}
		if judged == 0 {
			silent = append(silent, fmt.Sprintf("%s: the judge gave 0 verdicts on %d pairs (%s)", lang, len(own.rows),
				own.faults()[0]))
		}
		scores = append(scores, rates...)
	}
	if len(silent) == len(langs) {
		return nil, fmt.Errorf("%s: look at its raw answers in judged/", strings.Join(silent, "; "))
	}
	return scores, run.WriteJSON(names.path(run, "scores.json"), scores)
}

// in returns what was said of the pairs in one language.
func (v *judged) in(lang string) *judged {
	own := &judged{judge: v.judge}
	for i, row := range v.rows {
		if row.Lang == lang {
			own.rows = append(own.rows, row)
			own.raw = append(own.raw, v.raw[i])
			own.kinds = append(own.kinds, v.kinds[i])
			own.cuts = append(own.cuts, v.cuts[i])
		}
	}
	return own
}

// kind counts all verdicts by what they are read from.
func (v *judged) kind() kinds {
	var all kinds
	for _, k := range v.kinds {
		all = all.plus(k)
	}
	return all
}

// annotations are the verdicts in alpaca_eval's form, which has no ids: instructions of equal text get theirs.
func (v *judged) annotations(names comparison) ([]datasets.Annotation, error) {
	times := map[string]int{}
	for _, row := range v.rows {
		times[row.Prompt]++
	}
	out := make([]datasets.Annotation, len(v.rows))
	for i, row := range v.rows {
		var raw json.RawMessage
		if len(v.raw[i]) > 0 {
			var err error
			if raw, err = json.Marshal(v.raw[i]); err != nil {
				return nil, err
			}
		}
		out[i] = datasets.Annotation{
			Instruction: row.Prompt, Output1: row.Reference, Generator1: names.Reference,
			Output2: row.Response, Generator2: names.Response,
			Annotator: v.judge + ", " + v.kind().String(), Preference: row.Preference, RawCompletion: raw,
		}
		if times[row.Prompt] > 1 {
			id, err := json.Marshal(row.ID)
			if err != nil {
				return nil, err
			}
			out[i].Others = map[string]json.RawMessage{"id": id}
		}
	}
	return out, nil
}

// winRates are the scores of one language, and the number of its pairs with a verdict.
func (v *judged) winRates(said []datasets.Annotation, lang string) (scores []WinRate, judged int, err error) {
	raw, err := eval.ScoreWinRate(said)
	if err != nil {
		return nil, 0, err
	}
	kind := v.kind()
	notes := v.notes()
	add := func(metric string, e eval.Estimate, warnings []string) {
		scores = append(scores, WinRate{
			Metric: metric, Lang: lang, Value: Number(e.Mean), SE: Number(e.SE), N: e.N, Failed: raw.Failed,
			Verdicts: kind.String(), Warning: strings.Join(slices.Concat(warnings, notes), "; "),
		})
	}
	add("win_rate", raw.Rate, raw.Warnings)
	add("discrete_win_rate", raw.Discrete, raw.Warnings)
	if controlled, err := eval.LengthControlledWinRate(said, nil); err == nil {
		add("length_controlled_win_rate", controlled.Rate, controlled.Warnings)
	} else {
		add("length_controlled_win_rate", eval.MeanSE(nil), []string{"none: " + err.Error()})
	}
	var first, second []float64
	for _, row := range v.rows {
		first = append(first, row.First-1.5)
		second = append(second, row.Second-1.5)
	}
	if both, err := eval.HeadToHeadBothOrders(first, second); err == nil && both.Flip.N > 0 {
		add("win", both.Win, both.Warnings)
		add("tie", both.Tie, both.Warnings)
		add("lose", both.Lose, both.Warnings)
		add("flip_rate", both.Flip, both.Warnings)
	}
	return scores, raw.Total, nil
}

// faults are in words why pairs have no verdict, if any has none.
func (v *judged) faults() []string {
	why := reasons{}
	for _, row := range v.rows {
		why[row.Fault]++
	}
	return why.warnings()
}

// notes are what else weakens the scores: why pairs have no verdict, verdicts of two kinds, and sides that are cut.
func (v *judged) notes() []string {
	responses, references := 0, 0
	for i := range v.rows {
		if v.cuts[i].response {
			responses++
		}
		if v.cuts[i].reference {
			references++
		}
	}
	notes := v.faults()
	if kind := v.kind(); kind.String() == "mixed" {
		notes = append(notes, fmt.Sprintf("%d of %d verdicts are in words, since the server gave no probabilities for them",
			kind.words, kind.words+kind.weighted))
	}
	n := len(v.rows)
	return slices.Concat(notes, cutWarning("responses", responses, n), cutWarning("references", references, n))
}
