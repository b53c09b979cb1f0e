package report

import (
	"fmt"
	"slices"
	"strings"

	"lidrlab/lidr/eval"
)

// Tiles and findings are read off the tables, so that no sentence can disagree with a number.

// KeyFigures returns the tiles at the top of a report, from its Models, Languages and Metrics.
func KeyFigures(data Data) []KeyFigure {
	first, last := data.Models[0].Name, data.Models[len(data.Models)-1].Name
	var tiles []KeyFigure
	for _, want := range []struct{ metric, lang, label string }{
		{"accuracy", "trained", "Accuracy, trained languages"},
		{"off_target", "trained", "Off-target, trained languages"},
		{"accuracy", "unseen", "Accuracy, unseen languages"},
		{"accuracy", data.Languages[0].Code, "Accuracy, " + data.Languages[0].Name},
	} {
		var values []string
		for _, model := range data.Models {
			if score, ok := findScore(data, want.metric, want.lang, model.Name); ok {
				values = append(values, fmt.Sprintf("%.1f", 100*score.Value))
			}
		}
		if len(values) == 0 {
			continue
		}
		tile := KeyFigure{Label: want.label, Value: strings.Join(values, " → ") + " %"}
		if d, ok := findChange(data, want.metric, want.lang, first, last); ok {
			tile.Detail = fmt.Sprintf("%s points, %s → %s", points(d), first, last)
			if d.Significant() {
				tile.Tone = "bad"
				if d.Difference > 0 == (want.metric == "accuracy") {
					tile.Tone = "good"
				}
			}
		}
		tiles = append(tiles, tile)
	}
	return tiles
}

// Findings returns sentences on what the tables show of the main question, and on what they do not, from the Models,
// Languages, Metrics and Controls of a report.
func Findings(data Data) []string {
	var out []string
	for i, to := range data.Models[1:] {
		from := data.Models[i].Name
		trained, up, clear := 0, 0, 0 // languages, those that rise, those that rise significantly
		for _, lang := range data.Languages {
			if d, ok := findChange(data, "accuracy", lang.Code, from, to.Name); ok && lang.Role == "trained" {
				trained++
				if d.Difference > 0 {
					up++
				}
				if d.Difference > 0 && d.Significant() {
					clear++
				}
			}
		}
		mean, ok := findChange(data, "accuracy", "trained", from, to.Name)
		if ok {
			out = append(out, fmt.Sprintf("Round %d: %s answers better than %s in %d of %d trained languages, in %d of them "+
				"with p\u00a0<\u00a0.05; their mean changes by %s points.",
				i+1, to.Name, from, up, trained, clear, points(mean)))
		}
	}
	first, last := data.Models[0].Name, data.Models[len(data.Models)-1].Name
	for _, side := range []struct{ metric, lang, words string }{
		{"accuracy", data.Languages[0].Code, data.Languages[0].Name + " itself changes"},
		{"accuracy", "unseen", "The unseen languages' mean accuracy changes"},
		{"off_target", "unseen", "The unseen languages' off-target rate changes"},
	} {
		if d, ok := findChange(data, side.metric, side.lang, first, last); ok {
			verdict := ", which is not told from no change"
			if d.Significant() {
				verdict = ""
			}
			if p := pValue(d.P); p != "" {
				verdict = " (" + strings.ReplaceAll(p, " ", "\u00a0") + ")" + verdict
			}
			out = append(out, fmt.Sprintf("%s by %s points from %s to %s%s.", side.words, points(d), first, last, verdict))
		}
	}
	if c := data.Controls; c != nil {
		var values []string
		for _, row := range c.Rows {
			values = append(values, fmt.Sprintf("%s %s", row.Name, withSign(row.Values[0].Value)))
		}
		out = append(out, "One round against its controls, change of the trained languages' accuracy in points: "+
			strings.Join(values, ", ")+".")
	}
	return out
}

func findScore(data Data, metric, lang, model string) (eval.Score, bool) {
	for _, m := range data.Metrics {
		i := slices.IndexFunc(m.Scores, func(s eval.Score) bool { return s.Lang == lang && s.Model == model })
		if m.Key == metric && i >= 0 {
			return m.Scores[i], true
		}
	}
	return eval.Score{}, false
}

func findChange(data Data, metric, lang, from, to string) (eval.Change, bool) {
	for _, m := range data.Metrics {
		i := slices.IndexFunc(m.Differences, func(d eval.Change) bool {
			return d.Lang == lang && d.From == from && d.To == to
		})
		if m.Key == metric && i >= 0 {
			return m.Differences[i], true
		}
	}
	return eval.Change{}, false
}

// points writes a difference of shares in points, with its standard error.
func points(d eval.Change) string {
	return fmt.Sprintf("%s ± %.1f", withSign(100*d.Difference), 100*d.SE)
}

// withSign is a change of points with its sign, + for 0, and a real minus.
func withSign(points float64) string {
	return strings.Replace(fmt.Sprintf("%+.1f", points), "-", "−", 1)
}
