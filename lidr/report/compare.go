package report

import (
	"fmt"
	"slices"
	"strings"
)

// Compare lays several runs side by side in one report: every run's models become columns of the same tables and bars
// of the same plots, and the settings that differ come first. names are the runs' short names, as in "A M1".
//
// Differences within a run are left to its own report. Differences between runs take both runs' items to test; a caller
// that has them adds them to Metrics.
func Compare(names []string, runs []Data) (Data, error) {
	if len(names) != len(runs) || len(runs) < 2 {
		return Data{}, fmt.Errorf("report: compare: %d names for %d runs; it takes at least two runs, each with a name",
			len(names), len(runs))
	}
	if len(ordered(len(names), func(i int) string { return names[i] })) < len(names) {
		return Data{}, fmt.Errorf("report: compare: the names %s are not distinct", strings.Join(names, ", "))
	}
	out := Data{
		Title:    strings.Join(names, ", ") + ": runs compared",
		Rubric:   runs[0].Rubric,
		Settings: comparedSettings(names, runs),
	}
	for i, d := range runs {
		of := func(s string) string { return names[i] + " " + s }
		out.Miniature = out.Miniature || d.Miniature
		out.Findings = append(out.Findings, names[i]+": "+d.Title)
		for _, m := range d.Models {
			out.Models = append(out.Models, Model{of(m.Name), m.Note})
		}
		codes := out.join(d.Languages, names[i])
		for _, m := range d.Metrics {
			at := slices.IndexFunc(out.Metrics, func(o Metric) bool { return o.Key == m.Key })
			if at < 0 {
				at = len(out.Metrics)
				out.Metrics = append(out.Metrics, Metric{
					Key: m.Key, Name: m.Name, What: m.What, Percent: m.Percent, LowerIsBetter: m.LowerIsBetter,
				})
			}
			for _, s := range m.Scores {
				s.Model, s.Lang = of(s.Model), codes[s.Lang]
				out.Metrics[at].Scores = append(out.Metrics[at].Scores, s)
			}
		}
		for _, h := range d.HeadToHead {
			h.A, h.B = of(h.A), of(h.B)
			out.HeadToHead = append(out.HeadToHead, h)
		}
		for _, m := range d.Measures {
			m.Key, m.Title = notInFileNames.ReplaceAllString(names[i], "-")+"-"+m.Key, names[i]+": "+m.Title
			out.Measures = append(out.Measures, m)
		}
		for _, c := range d.Counts {
			c.Round = of(c.Round)
			out.Counts = append(out.Counts, c)
		}
		for _, r := range d.RewardAccuracy {
			r.Round = of(r.Round)
			out.RewardAccuracy = append(out.RewardAccuracy, r)
		}
		for _, t := range d.Training {
			t.Round = of(t.Round)
			out.Training = append(out.Training, t)
		}
		for _, w := range d.Health {
			w.Where = strings.TrimSpace(of(w.Where))
			out.Health = append(out.Health, w)
		}
		out.Rerun = append(out.Rerun, d.Rerun...)
		out.Versions = append(out.Versions, named(names[i], d.Versions)...)
		out.Cost = append(out.Cost, named(names[i], d.Cost)...)
		out.Timing = append(out.Timing, named(names[i], d.Timing)...)
	}
	for _, s := range out.Settings {
		if s.Group == different {
			out.Findings = append(out.Findings, "Different setting: "+s.Name+" ("+s.Value+")")
		}
	}
	out.Rerun = ordered(len(out.Rerun), func(i int) string { return out.Rerun[i] })
	return out, nil
}

// join adds the languages of a run and returns what its codes have become. A mean over other languages than those of
// the runs before is another row: its code gets the run's name. A language that one run trains on and another does not
// has no role.
func (d *Data) join(languages []Language, run string) (codes map[string]string) {
	codes = map[string]string{}
	for _, l := range languages {
		own := l
		at := slices.IndexFunc(d.Languages, func(o Language) bool { return o.Code == l.Code })
		if at >= 0 && l.Role == "mean" && d.Languages[at].Name != l.Name {
			own.Code = l.Code + " of " + run
			at = slices.IndexFunc(d.Languages, func(o Language) bool { return o.Role == "mean" && o.Name == l.Name })
			if at >= 0 {
				own.Code = d.Languages[at].Code
			}
		}
		codes[l.Code] = own.Code
		switch {
		case at < 0:
			d.Languages = append(d.Languages, own)
		case d.Languages[at].Role != l.Role:
			d.Languages[at].Role = ""
		}
	}
	return codes
}

// different is the group of the settings that are not the same in all runs.
const different = "different"

// comparedSettings has the settings that differ, with every run's value, and then those that all runs share.
func comparedSettings(names []string, runs []Data) []Setting {
	var all []Setting
	for _, d := range runs {
		for _, s := range d.Settings {
			if !slices.ContainsFunc(all, func(o Setting) bool { return o.Group == s.Group && o.Name == s.Name }) {
				all = append(all, s)
			}
		}
	}
	var differ, same []Setting
	for _, s := range all {
		var values []string
		for _, d := range runs {
			value := "–"
			for _, o := range d.Settings {
				if o.Group == s.Group && o.Name == s.Name {
					value = o.Value
				}
			}
			values = append(values, value)
		}
		if len(ordered(len(values), func(i int) string { return values[i] })) == 1 {
			same = append(same, s)
			continue
		}
		for i := range values {
			values[i] = names[i] + ": " + values[i]
		}
		differ = append(differ, Setting{
			Group: different, Name: strings.TrimSpace(s.Group + " " + s.Name), Value: strings.Join(values, "; "),
		})
	}
	return append(differ, same...)
}

func named(name string, fields []Field) []Field {
	var out []Field
	for _, f := range fields {
		out = append(out, Field{name + ": " + f.Name, f.Value})
	}
	return out
}
