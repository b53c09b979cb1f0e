package view

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"lidrlab/lidr/eval"
)

// byPoints is the checker's preference: more points win.
func (q question) byPoints() float64 {
	switch d := q.points - q.otherwise; {
	case d > 0:
		return 2
	case d < 0:
		return 1
	case d == 0:
		return 1.5
	}
	return math.NaN()
}

// agreementTable is what a person's ratings say, and how far others say the same: each other rater on the questions
// that both have answered.
func (f *folder) agreementTable(a, b, rater string, all []question, own map[string]float64) (table, error) {
	t := table{ID: "agreement",
		Caption: fmt.Sprintf("%s against %s, as rated by %s, and agreement beyond chance (Fleiss's κ of win, tie and lose)",
			a, b, rater),
		Columns: []column{{Head: "rater"}, {"rated", "", true}, {"win", "of " + a, true}, {"tie", "", true},
			{"lose", "", true}, {"both", "questions that both have answered", true}, {"the same", "share of them", true},
			{"κ", "± its standard error, by the jackknife", true}}}
	mine := func(q question) float64 {
		if p, ok := own[q.lang+q.key()]; ok {
			return p
		}
		return math.NaN()
	}
	add := func(name string, says func(question) float64) error {
		var votes [3]int
		var counts [][]int
		same := 0
		for _, q := range all {
			k, m := eval.Outcome(says(q)), eval.Outcome(mine(q))
			if k < 0 {
				continue
			}
			votes[k]++
			if m >= 0 {
				row := make([]int, 3)
				row[k]++
				row[m]++
				counts = append(counts, row)
				if k == m {
					same++
				}
			}
		}
		n := votes[0] + votes[1] + votes[2]
		if n == 0 {
			return nil
		}
		row := tableRow{Cells: []cell{{Text: name}, {Text: fmt.Sprint(n)}}}
		for _, k := range []int{2, 1, 0} {
			low, high := eval.Wilson(votes[k], n, eval.Z95)
			row.Cells = append(row.Cells, cell{Text: fmt.Sprintf("%.0f %%", 100*float64(votes[k])/float64(n)),
				Sort:  fmt.Sprint(votes[k]),
				Title: fmt.Sprintf("%d of %d, 95 %% interval %.0f to %.0f %%", votes[k], n, 100*low, 100*high)})
		}
		row.Cells = append(row.Cells, cell{Text: fmt.Sprint(len(counts))})
		if name == rater || len(counts) == 0 {
			row.Cells = append(row.Cells, cell{Text: "–"}, cell{Text: "–"})
		} else {
			e, err := eval.FleissKappa(counts)
			if err != nil {
				return err
			}
			row.Cells = append(row.Cells, cell{Text: fmt.Sprintf("%.0f %%", 100*float64(same)/float64(len(counts)))},
				cell{Text: kappaText(e), Title: fmt.Sprintf("n = %d", e.N)})
		}
		t.Rows = append(t.Rows, row)
		return nil
	}
	if err := add(rater, mine); err != nil {
		return t, err
	}
	if err := add("checker (points)", question.byPoints); err != nil {
		return t, err
	}
	if err := add("judge", func(q question) float64 { return q.judged }); err != nil {
		return t, err
	}
	for _, other := range f.names(path.Join("judged", a+"-"+b, "people")) {
		if other == rater || !raterName.MatchString(other) {
			continue
		}
		theirs, err := f.ratings(a, b, other)
		if err != nil {
			return t, err
		}
		says := func(q question) float64 {
			if p, ok := theirs[q.lang+q.key()]; ok {
				return p
			}
			return math.NaN()
		}
		if err := add(other, says); err != nil {
			return t, err
		}
	}
	return t, nil
}

// kappaText is κ with its standard error, as far as they are known.
func kappaText(e eval.Estimate) string {
	if math.IsNaN(e.Mean) {
		return "not told"
	}
	text := fmt.Sprintf("%.2f", e.Mean)
	if !math.IsNaN(e.SE) {
		text += fmt.Sprintf(" ± %.2f", e.SE)
	}
	return strings.ReplaceAll(text, "-", "−")
}

// pairsToRate are the comparisons that can be rated: of each model with M0 and the one before it, and those that a
// judge has made.
func (f *folder) pairsToRate() []string {
	var all []string
	add := func(name string) {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	var evaluated []string
	for _, m := range f.models() {
		if len(f.linesIn(path.Join(m, "eval", "problems"))) > 0 {
			evaluated = append(evaluated, m)
		}
	}
	for i := len(evaluated) - 1; i > 0; i-- {
		add(evaluated[i] + "-" + evaluated[0])
		add(evaluated[i] + "-" + evaluated[i-1])
	}
	for _, name := range f.names("judged") {
		if pairName.MatchString(name) {
			add(name)
		}
	}
	return all
}
