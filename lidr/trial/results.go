package trial

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"lidrlab/datasets"
	"lidrlab/lidr/eval"
	"lidrlab/lidr/ledger"
)

// Result is one metric of one arm's model beside another model on the same items, means over the arm's seeds.
type Result struct {
	Arm        string  `json:"arm"`
	Model      string  `json:"model"`
	From       string  `json:"from"` // "M0", or an arm whose model of that name is compared with
	Metric     string  `json:"metric"`
	Lang       string  `json:"lang"` // a code, or "trained" or "unseen": the mean over them
	Before     float64 `json:"before"`
	After      float64 `json:"after"`
	Difference float64 `json:"difference"`
	SE         float64 `json:"se"`   // paired, over items, of the means over seeds
	Low        float64 `json:"low"`  // of the interval of 95 %
	High       float64 `json:"high"` // by SE
	P          float64 `json:"p"`    // see [eval.ComparePaired]
	Counts     bool    `json:"counts"`
	More       int     `json:"more"` // items with a higher value after, and with a lower one: wins and losses
	Fewer      int     `json:"fewer"`
	N          int     `json:"n"`
	Seeds      int     `json:"seeds"`
	SeedSE     float64 `json:"seed_se"` // of the difference over seeds, NaN of one
	Same       bool    `json:"same"`    // whether the difference has one sign in all seeds
}

// Results are what is there and what is missing.
type Results struct {
	Rows    []Result
	Missing []string // cells of the plan, and rounds of cells that have begun, by name
	Kernels []string // that computed them: numbers of other kernels differ a little
}

// table holds the items of a cell's model by metric, language and id.
type table map[[3]string]float64

// Results compares every model that is there with M0 and, of main, with that of random labels, and writes results.json
// and results.csv.
func (t *Trial) Results() (Results, error) {
	var found Results
	records, err := t.records()
	if err != nil {
		return found, err
	}
	cells := map[string]map[int64]record{}
	for c, r := range records {
		if cells[c.Arm] == nil {
			cells[c.Arm] = map[int64]record{}
		}
		cells[c.Arm][c.Seed] = r
		found.Kernels = append(found.Kernels, r.Kernels...)
	}
	slices.Sort(found.Kernels)
	found.Kernels = slices.Compact(found.Kernels)
	for _, name := range Arms() {
		for seed := int64(1); seed < 100; seed++ {
			c := Cell{name, seed}
			a, err := c.arm()
			r, ok := records[c]
			switch {
			case err != nil:
				return found, err
			case ok && r.Rounds < t.settings(c, a).Rounds:
				found.Missing = append(found.Missing, fmt.Sprintf("%s after %s", c, r.Models[len(r.Models)-1]))
			case !ok && slices.Contains(t.Plan(), c):
				found.Missing = append(found.Missing, c.String())
			}
		}
	}
	greedy := cells["main"]
	for _, name := range Arms() {
		own := cells[name]
		if name == "majority" { // its M0 by vote, beside M0's one answer
			found.Rows = append(found.Rows, t.compare(own, greedy, name, "M0", "M0", "M0")...)
			continue
		}
		for _, model := range modelsOf(own) {
			if model != "M0" {
				found.Rows = append(found.Rows, t.compare(own, own, name, model, "M0", "M0")...)
			}
			if name == "main" && model != "M0" {
				random := "random-labels"
				if model != "M1" {
					random = "random-rounds"
				}
				found.Rows = append(found.Rows, t.compare(own, cells[random], name, model, model, random)...)
			}
		}
	}
	if len(found.Rows) == 0 {
		return found, nil
	}
	data, err := resultsJSON(found.Rows)
	if err != nil {
		return found, err
	}
	if err := ledger.WriteFile(t.path("results.json"), data); err != nil {
		return found, err
	}
	var csv bytes.Buffer
	if err := datasets.Frame(found.Rows).WriteCSV(&csv); err != nil {
		return found, err
	}
	return found, ledger.WriteFile(t.path("results.csv"), csv.Bytes())
}

// resultsJSON leaves out what is unknown, since JSON has no NaN.
func resultsJSON(rows []Result) ([]byte, error) {
	type row struct {
		Result
		P      *float64 `json:"p"`
		SE     *float64 `json:"se"`
		Low    *float64 `json:"low"`
		High   *float64 `json:"high"`
		SeedSE *float64 `json:"seed_se"`
	}
	known := func(x float64) *float64 {
		if math.IsNaN(x) {
			return nil
		}
		return &x
	}
	out := make([]row, len(rows))
	for i, r := range rows {
		out[i] = row{r, known(r.P), known(r.SE), known(r.Low), known(r.High), known(r.SeedSE)}
	}
	return ledger.EncodeJSON(out)
}

func tableOf(items []Item) table {
	own := table{}
	for _, item := range items {
		own[[3]string{item.Metric, item.Lang, item.ID}] = item.Value
	}
	return own
}

// modelsOf lists the models that every seed has.
func modelsOf(seeds map[int64]record) []string {
	var models []string
	for round := 0; len(seeds) > 0; round++ {
		name := fmt.Sprintf("M%d", round)
		for _, cell := range seeds {
			if !slices.Contains(cell.Models, name) {
				return models
			}
		}
		models = append(models, name)
	}
	return models
}

// compare compares model of the cells after with the model from of the cells before, seed by seed, where both have it.
func (t *Trial) compare(after, before map[int64]record, arm, model, from, name string) []Result {
	var a, b []table
	for seed := int64(1); seed < 100; seed++ {
		x, y := after[seed].items[model], before[seed].items[from]
		if x != nil && y != nil {
			a, b = append(a, tableOf(x)), append(b, tableOf(y))
		}
	}
	if len(a) == 0 {
		return nil
	}
	var rows []Result
	for _, metric := range metrics {
		for _, scope := range t.scopes() {
			r, ok := compareScope(a, b, metric, scope.langs)
			if ok {
				r.Arm, r.Model, r.From, r.Lang = arm, model, name, scope.name
				rows = append(rows, r)
			}
		}
	}
	return rows
}

type scope struct {
	name  string
	langs []string
}

func (t *Trial) scopes() []scope {
	var all []scope
	for _, lang := range t.languages() {
		all = append(all, scope{lang, []string{lang}})
	}
	if len(t.Trained) > 1 {
		all = append(all, scope{"trained", t.Trained})
	}
	if len(t.Unseen) > 1 {
		all = append(all, scope{"unseen", t.Unseen})
	}
	return all
}

// compareScope compares the means over languages and seeds of each id that all of them have: all seeds that were
// measured in these languages, since some are measured in fewer.
func compareScope(after, before []table, metric Metric, langs []string) (r Result, ok bool) {
	var both [2][]table
	for s := range after {
		if !slices.ContainsFunc(langs, func(lang string) bool {
			return len(idsOf(after[s], metric.Name, []string{lang})) == 0 ||
				len(idsOf(before[s], metric.Name, []string{lang})) == 0
		}) {
			both[0], both[1] = append(both[0], after[s]), append(both[1], before[s])
		}
	}
	if after, before = both[0], both[1]; len(after) == 0 {
		return r, false
	}
	ids := idsOf(after[0], metric.Name, langs)
	seeds := make([]float64, len(after))
	var x, y []float64
	for _, id := range ids {
		var a, b []float64
		for s := range after {
			for _, lang := range langs {
				key := [3]string{metric.Name, lang, id}
				va, hasA := after[s][key]
				vb, hasB := before[s][key]
				if hasA && hasB {
					a, b = append(a, va), append(b, vb)
				}
			}
		}
		if len(a) < len(after)*len(langs) { // not asked, or without a verdict, in one of them
			continue
		}
		x, y = append(x, eval.MeanSE(a).Mean), append(y, eval.MeanSE(b).Mean)
		for s := range seeds {
			n := len(langs)
			seeds[s] += eval.MeanSE(a[s*n:(s+1)*n]).Mean - eval.MeanSE(b[s*n:(s+1)*n]).Mean
		}
	}
	if len(x) < 2 {
		return r, false
	}
	binary := metric.binary && len(after) == 1 && len(langs) == 1 && allBinary(x, y)
	d, p, err := eval.ComparePaired(x, y, binary, 1)
	if err != nil {
		return r, false
	}
	r = Result{
		Metric: metric.Name, Before: eval.MeanSE(y).Mean, After: eval.MeanSE(x).Mean, Difference: d.Mean, SE: d.SE,
		Low: d.Mean - eval.Z95*d.SE, High: d.Mean + eval.Z95*d.SE, P: p, N: d.N, Seeds: len(after), SeedSE: math.NaN(),
	}
	for i := range x {
		if x[i] > y[i] {
			r.More++
		} else if x[i] < y[i] {
			r.Fewer++
		}
	}
	r.Counts = eval.Change{Difference: d.Mean, SE: d.SE, P: p, N: d.N}.Significant()
	r.Same = true
	for s := range seeds {
		seeds[s] /= float64(len(x))
		r.Same = r.Same && seeds[s]*seeds[0] > 0
	}
	if len(seeds) > 1 {
		r.SeedSE = eval.MeanSE(seeds).SE
	}
	return r, true
}

// allBinary says whether all values are zeros and ones: a vote may be shared.
func allBinary(lists ...[]float64) bool {
	for _, list := range lists {
		if slices.ContainsFunc(list, func(x float64) bool { return x != 0 && x != 1 }) {
			return false
		}
	}
	return true
}

// idsOf lists the ids of a metric in the first of the languages, sorted.
func idsOf(items table, metric string, langs []string) []string {
	var ids []string
	for key := range items {
		if key[0] == metric && key[1] == langs[0] {
			ids = append(ids, key[2])
		}
	}
	slices.Sort(ids)
	return ids
}

// Claim is the comparison of the plan: after one round, arithmetic that is right and in its language, the mean over the
// trained languages, has changed more in main than in random-labels, and from M0. It holds where both differences are
// above none at [eval.Significance], with one sign in every seed.
func (r Results) Claim() (rows []Result, holds, decided bool) {
	for _, row := range r.Rows {
		if row.Arm == "main" && row.Model == "M1" && (row.From == "M0" || row.From == "random-labels") &&
			row.Metric == "correct_in_language" && row.Lang == "trained" {
			rows = append(rows, row)
		}
	}
	decided = len(rows) == 2
	holds = decided
	for _, row := range rows {
		decided = decided && row.Seeds >= 3
		holds = holds && row.Counts && row.Difference > 0 && row.Same
	}
	return rows, holds && decided, decided
}
