package lidr

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lidrlab/lidr/report"
)

// Tiles and findings are read off the tables, so that no sentence can disagree with a number.

// keyFigures makes the tiles at the top of a report.
func keyFigures(data report.Data) []report.KeyFigure {
	first, last := data.Models[0].Name, data.Models[len(data.Models)-1].Name
	var tiles []report.KeyFigure
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
		tile := report.KeyFigure{Label: want.label, Value: strings.Join(values, " → ") + " %"}
		if d, ok := findDifference(data, want.metric, want.lang, first, last); ok {
			tile.Detail = fmt.Sprintf("%s points, %s → %s", points(d), first, last)
			if beyond(d) {
				tile.Tone = map[bool]string{true: "good", false: "bad"}[(d.Value > 0) == (want.metric == "accuracy")]
			}
		}
		tiles = append(tiles, tile)
	}
	return tiles
}

// findings says in sentences what the tables show of the main question, and what they do not.
func findings(data report.Data) []string {
	var out []string
	for i, to := range data.Models[1:] {
		from := data.Models[i].Name
		up, clear, trained := 0, 0, 0
		for _, lang := range data.Languages {
			if d, ok := findDifference(data, "accuracy", lang.Code, from, to.Name); ok && lang.Role == "trained" {
				trained++
				if d.Value > 0 {
					up++
				}
				if d.Value > 0 && beyond(d) {
					clear++
				}
			}
		}
		mean, ok := findDifference(data, "accuracy", "trained", from, to.Name)
		if ok {
			out = append(out, fmt.Sprintf("Round %d: %s answers better than %s in %d of %d trained languages, in %d of them beyond two standard errors; their mean changes by %s points.",
				i+1, to.Name, from, up, trained, clear, points(mean)))
		}
	}
	first, last := data.Models[0].Name, data.Models[len(data.Models)-1].Name
	for _, side := range []struct{ metric, lang, words string }{
		{"accuracy", data.Languages[0].Code, data.Languages[0].Name + " itself changes"},
		{"accuracy", "unseen", "The unseen languages' mean accuracy changes"},
		{"off_target", "unseen", "The unseen languages' off-target rate changes"},
	} {
		if d, ok := findDifference(data, side.metric, side.lang, first, last); ok {
			verdict := "within two standard errors of no change"
			if beyond(d) {
				verdict = "beyond two standard errors"
			}
			out = append(out, fmt.Sprintf("%s by %s points from %s to %s, %s.", side.words, points(d), first, last, verdict))
		}
	}
	if c := data.Controls; c != nil {
		var values []string
		for _, row := range c.Rows {
			values = append(values, fmt.Sprintf("%s %s", row.Name, signed(row.Values[0].Value)))
		}
		out = append(out, "One round against its controls, change of the trained languages' accuracy in points: "+strings.Join(values, ", ")+".")
	}
	return out
}

func findScore(data report.Data, metric, lang, model string) (report.Score, bool) {
	for _, m := range data.Metrics {
		i := slices.IndexFunc(m.Scores, func(s report.Score) bool { return s.Language == lang && s.Model == model })
		if m.Key == metric && i >= 0 {
			return m.Scores[i], true
		}
	}
	return report.Score{}, false
}

func findDifference(data report.Data, metric, lang, from, to string) (report.Difference, bool) {
	for _, m := range data.Metrics {
		i := slices.IndexFunc(m.Differences, func(d report.Difference) bool { return d.Language == lang && d.From == from && d.To == to })
		if m.Key == metric && i >= 0 {
			return m.Differences[i], true
		}
	}
	return report.Difference{}, false
}

// beyond reports a difference of more than two standard errors.
func beyond(d report.Difference) bool { return math.Abs(d.Value) > 2*d.SE }

// points writes a difference of shares in points, with its standard error.
func points(d report.Difference) string {
	return fmt.Sprintf("%s ± %.1f", signed(100*d.Value), 100*d.SE)
}

// signed writes a change with a real minus sign.
func signed(points float64) string {
	return strings.Replace(fmt.Sprintf("%+.1f", points), "-", "−", 1)
}
