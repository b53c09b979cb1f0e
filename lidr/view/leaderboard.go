package view

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// entry is a model of a run on the leaderboard.
type entry struct {
	folder *folder
	model  string
	set    lidr.Settings
	scores []eval.Score
}

func (e entry) name() string { return e.folder.Name + "/" + e.model }

// entries are the evaluated models of all runs.
func entries(folders []*folder) (all []entry, notes []string) {
	for _, f := range folders {
		s, err := f.settings()
		if err != nil {
			notes = append(notes, f.Name+": "+err.Error())
			continue
		}
		for _, m := range f.models() {
			name := path.Join(m, "eval", "scores.json")
			if !f.has(name) {
				continue
			}
			e := entry{folder: f, model: m, set: s}
			if err := f.json(name, &e.scores); err != nil {
				notes = append(notes, f.Name+": "+err.Error())
				continue
			}
			all = append(all, e)
		}
	}
	return all, notes
}

// metricNames are the metrics in words; of others the key is shown.
var metricNames = map[string]string{
	"accuracy": "Accuracy", "off_target": "Off-target rate",
	"correct_in_language": "Correct and in the problem's language",
	"steps_correct":       "Every step right", "correct_off_target": "Correct, in another language",
	"strict": "Accuracy, strict reading", "flexible": "Accuracy, flexible reading",
	"undetermined":     "Language undetermined",
	"translation_to":   "Exact translations out of the dominant language",
	"translation_from": "Exact translations into the dominant language",
}

// lowerIsBetter are the metrics of which less is better; of metrics that are in neither list no change is good or bad.
var lowerIsBetter = []string{"off_target", "correct_off_target", "undetermined"}

func metricName(key string) string { return cmp.Or(metricNames[key], key) }

// metricsOf lists the metrics of some models, in their order in the files.
func metricsOf(all []entry) []string {
	var metrics []string
	for _, e := range all {
		for _, s := range e.scores {
			if !slices.Contains(metrics, s.Metric) {
				metrics = append(metrics, s.Metric)
			}
		}
	}
	return metrics
}

// scope is a column of scores: a language, or a mean over several.
type scope struct{ scope, lang string }

func (s scope) String() string {
	if s.scope == "mean" {
		return "mean, " + s.lang
	}
	return s.lang
}

// scopesOf lists what a metric is known of: means first.
func scopesOf(all []entry, metric string) []scope {
	var means, langs []scope
	for _, e := range all {
		for _, s := range e.scores {
			to := &langs
			if s.Scope == "mean" {
				to = &means
			}
			if at := (scope{s.Scope, s.Lang}); s.Metric == metric && !slices.Contains(*to, at) && len(*to) < 100 {
				*to = append(*to, at)
			}
		}
	}
	return append(means, langs...)
}

// scoreTable is the leaderboard of one metric: a model a row, a language a column.
func scoreTable(all []entry, metric string) table {
	t := table{ID: "scores", Caption: metricName(metric) + ", % ± standard error",
		Columns: []column{{Head: "run"}, {Head: "model"}}}
	scopes := scopesOf(all, metric)
	for _, s := range scopes {
		what := lidr.LanguageName(s.lang)
		if s.scope == "mean" {
			what = "mean over the " + s.lang + " languages of each run"
		}
		t.Columns = append(t.Columns, column{s.String(), what, true})
	}
	t.Columns = append(t.Columns, column{"n", "problems a language", true})
	for _, e := range all {
		row := tableRow{Cells: []cell{
			{Text: e.folder.Name, Link: runLink(e.folder.Name)},
			{Text: e.model, Link: "/browse?" + Query{Run: e.folder.Name, Kind: "verdicts", Model: e.model}.String()},
		}}
		n := 0
		for _, s := range scopes {
			c := cell{Text: "–", Sort: "-1e9"}
			for _, score := range e.scores {
				if score.Metric != metric || score.Scope != s.scope || score.Lang != s.lang {
					continue
				}
				low, high := score.Interval()
				c = cell{
					Text: fmt.Sprintf("%.1f ± %.1f", 100*score.Value, 100*score.SE), Sort: fmt.Sprint(score.Value),
					Title: fmt.Sprintf("95 %% interval %.1f to %.1f %%, n = %d", 100*max(0, low), 100*min(1, high), score.N),
				}
				if s.scope == "mean" {
					c.Title += ", over " + strings.Join(meanOver(e.set, s.lang), " ")
				}
				n = score.N
			}
			row.Cells = append(row.Cells, c)
		}
		t.Rows = append(t.Rows, tableRow{Cells: append(row.Cells, cell{Text: fmt.Sprint(n)})})
	}
	return t
}

func meanOver(s lidr.Settings, name string) []string {
	if name == "unseen" {
		return s.Unseen
	}
	return s.Trained
}

// changeTable sets all models beside one on the same problems: within a run by [lidr.Compare], between runs likewise,
// where both were asked the same problems in the same languages.
func changeTable(ctx context.Context, all []entry, base entry, metric string) (table, []string) {
	t := table{ID: "changes", Caption: fmt.Sprintf("%s: change from %s in points ± standard error, on the same problems",
		metricName(metric), base.name()), Columns: []column{{Head: "run"}, {Head: "model"}}}
	scopes := scopesOf([]entry{base}, metric)
	for _, s := range scopes {
		t.Columns = append(t.Columns, column{s.String(), lidr.LanguageName(s.lang), true})
	}
	var notes []string
	tested, significant := 0, 0
	for _, e := range all {
		if e.name() == base.name() {
			continue
		}
		changes, err := e.changes(ctx, base)
		row := tableRow{Cells: []cell{{Text: e.folder.Name}, {Text: e.model}}}
		for _, s := range scopes {
			c := cell{Text: "–", Sort: "-1e9", Title: "not compared on the same problems"}
			for _, change := range changes {
				if change.Metric == metric && change.Scope == s.scope && change.Lang == s.lang {
					c = changeCell(change)
					tested++
					if change.Significant() {
						significant++
					}
				}
			}
			row.Cells = append(row.Cells, c)
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s is not compared with %s: %v", e.name(), base.name(), err))
			row.Faint = true
		}
		t.Rows = append(t.Rows, row)
	}
	if tested > 0 {
		t.Note = fmt.Sprintf("A mark says p < %g for that one comparison. Of these %d comparisons %d have it; were there no "+
			"change anywhere, %.1f would have it by chance.", eval.Significance, tested, significant,
			float64(tested)*eval.Significance)
	}
	return t, notes
}

func changeCell(c eval.Change) cell {
	out := cell{Text: fmt.Sprintf("%+.1f ± %.1f", 100*c.Difference, 100*c.SE), Sort: fmt.Sprint(c.Difference)}
	out.Text = strings.ReplaceAll(out.Text, "-", "−")
	p := "not tested"
	if !math.IsNaN(c.P) {
		p = fmt.Sprintf("p = %.3g (%s)", c.P, c.Test())
	}
	out.Title = fmt.Sprintf("95 %% interval %.1f to %.1f points; %s; %d problems for it, %d against, n = %d",
		100*(c.Difference-eval.Z95*c.SE), 100*(c.Difference+eval.Z95*c.SE), p, c.OnlyTo, c.OnlyFrom, c.N)
	if c.Significant() {
		better := c.Difference > 0
		if slices.Contains(lowerIsBetter, c.Metric) {
			better = !better
		}
		out.Tone = "bad"
		if better {
			out.Tone = "good"
		}
	}
	return out
}

// changes compares a model with another, of any run, on the same problems.
func (e entry) changes(ctx context.Context, base entry) ([]eval.Change, error) {
	key := fmt.Sprintf("changes %s %s %s %s", e.name(), base.name(), e.version(), base.version())
	if known, ok := e.folder.lists.get(key); ok {
		return known.([]eval.Change), nil
	}
	var changes []eval.Change
	if e.folder == base.folder {
		run, err := e.folder.run()
		if err != nil {
			return nil, err
		}
		frame, err := lidr.Compare(ctx, run, base.model, e.model)
		if err != nil {
			return nil, err
		}
		if err := datasets.Rows(frame, &changes); err != nil {
			return nil, err
		}
	} else {
		var err error
		if changes, err = e.between(base); err != nil {
			return nil, err
		}
	}
	e.folder.lists.put(key, changes)
	return changes, nil
}

// version is of what a model's verdicts lie in.
func (e entry) version() string {
	_, changed, _ := e.folder.stat(path.Join(e.model, "eval", "scores.json"))
	return changed.String()
}
