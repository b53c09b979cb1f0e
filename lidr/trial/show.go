package trial

import (
	"fmt"
	"slices"
	"strings"

	"lidrlab/lidr/eval"
)

// Line is a [Result] in words, a row of the printed table.
type Line struct {
	Metric string `json:"metric"`
	Lang   string `json:"lang"`
	Before string `json:"before"`
	After  string `json:"after"`
	Change string `json:"change"` // with its interval of 95 %
	Counts string `json:"counts"` // "yes" where a test tells it from none, and only there it is a gain or a loss
	N      int    `json:"n"`
	Seeds  int    `json:"seeds"`
}

// Part is the table of one arm's model beside another model.
type Part struct {
	Title string // "main M1 beside M0"
	Lines []Line
}

// Parts are the tables that are printed: of main all metrics, of the other arms those of the claim and of forgetting,
// in English and over the trained and the unseen languages. results.csv has all.
func (r Results) Parts() []Part {
	brief := []string{"accuracy", "correct_in_language", "off_target", "nats_per_token"}
	var parts []Part
	for _, row := range r.Rows {
		single := len(row.Lang) == 2 && row.Lang != "en" && !r.only(row)
		if single || row.Arm != "main" && !slices.Contains(brief, row.Metric) {
			continue
		}
		m := metricOf(row.Metric)
		number := func(x float64, sign string) string { return fmt.Sprintf("%"+sign+".*f", m.digits, m.scale*x) }
		line := Line{
			Metric: row.Metric, Lang: row.Lang,
			Before: number(row.Before, ""), After: number(row.After, ""), Counts: "no", N: row.N, Seeds: row.Seeds,
			Change: fmt.Sprintf("%s (%s … %s)", number(row.Difference, "+"), number(row.Low, "+"), number(row.High, "+")),
		}
		if row.Counts {
			line.Counts = "yes"
		}
		title := fmt.Sprintf("%s %s beside %s", row.Arm, row.Model, row.From)
		if len(parts) == 0 || parts[len(parts)-1].Title != title {
			parts = append(parts, Part{Title: title})
		}
		last := &parts[len(parts)-1]
		last.Lines = append(last.Lines, line)
	}
	return parts
}

// only says whether a metric is measured in one language beside English, or there is one such language, so that there
// is no mean over several.
func (r Results) only(row Result) bool {
	return !slices.ContainsFunc(r.Rows, func(x Result) bool {
		return x.Metric == row.Metric && (x.Lang == "trained" || x.Lang == "unseen")
	})
}

// Verdict says in words what the claim's comparison has come to.
func (r Results) Verdict() string {
	rows, holds, decided := r.Claim()
	if !decided {
		return fmt.Sprintf("the claim is not decided: it takes main and random-labels with three seeds each; missing: %s",
			strings.Join(r.Missing, ", "))
	}
	var parts []string
	for _, row := range rows {
		parts = append(parts, fmt.Sprintf("%+.1f ± %.1f points beside %s (p %.3g, over seeds ± %.1f)", 100*row.Difference,
			100*eval.Z95*row.SE, row.From, row.P, 100*row.SeedSE))
	}
	said := "the claim does not hold"
	if holds {
		said = "the claim holds"
	}
	return said + ": right in its language over the trained languages, " + strings.Join(parts, ", ")
}
