package view

import (
	"fmt"
	"slices"

	"lidrlab/lidr"
	"lidrlab/lidr/eval"
)

// hits are the metrics that are read off a verdict, by their keys.
var hits = map[string]func(lidr.Verdict) bool{
	"accuracy":            func(v lidr.Verdict) bool { return v.Correct },
	"correct_in_language": func(v lidr.Verdict) bool { return v.Correct && v.OnTarget },
	"off_target":          func(v lidr.Verdict) bool { return !v.OnTarget },
	"steps_correct":       func(v lidr.Verdict) bool { return v.Steps },
	"strict":              func(v lidr.Verdict) bool { return v.Strict },
	"flexible":            func(v lidr.Verdict) bool { return v.Flexible },
}

// between compares models of two runs on the same problems: in the languages that both were asked in, and in the means
// that are over the same languages in both. Problems that differ are an error.
func (e entry) between(base entry) ([]eval.Change, error) {
	before, err := base.verdicts()
	if err != nil {
		return nil, err
	}
	after, err := e.verdicts()
	if err != nil {
		return nil, err
	}
	scopes := []scope{}
	over := map[scope][]string{}
	for _, lang := range base.set.AllLanguages() {
		if before[lang] == nil || after[lang] == nil {
			continue
		}
		if err := sameProblems(before[lang], after[lang]); err != nil {
			return nil, fmt.Errorf("in %s %w", lang, err)
		}
		s := scope{"language", lang}
		scopes, over[s] = append(scopes, s), []string{lang}
	}
	if len(scopes) == 0 {
		return nil, fmt.Errorf("they have no language in common")
	}
	for _, name := range []string{"trained", "unseen"} {
		langs := meanOver(base.set, name)
		if s := (scope{"mean", name}); len(langs) > 0 && slices.Equal(langs, meanOver(e.set, name)) {
			scopes, over[s] = append(scopes, s), langs
		}
	}
	var out []eval.Change
	for _, metric := range metricsOf([]entry{base}) {
		hit := hits[metric]
		if hit == nil {
			continue
		}
		for _, s := range scopes {
			if !base.knows(metric, s) || !e.knows(metric, s) { // a run of older files, or without any answer there
				continue
			}
			b, a := hitShares(before, over[s], hit), hitShares(after, over[s], hit)
			difference, p, err := eval.ComparePaired(a, b, s.scope == "language", base.set.Evaluate.Seed)
			if err != nil {
				return nil, err
			}
			change := eval.Change{From: base.name(), To: e.name(), Metric: metric, Lang: s.lang, Scope: s.scope,
				Difference: difference.Mean, SE: difference.SE, P: p, N: len(a)}
			for i := range a {
				switch {
				case a[i] > b[i]:
					change.OnlyTo++
				case a[i] < b[i]:
					change.OnlyFrom++
				}
			}
			out = append(out, change)
		}
	}
	return out, nil
}

// knows says whether the evaluation gave a number of a metric in a column: what it did not is no 0.
func (e entry) knows(metric string, s scope) bool {
	return slices.ContainsFunc(e.scores, func(score eval.Score) bool {
		return score.Metric == metric && scope{score.Scope, score.Lang} == s
	})
}

// verdicts are those on a model, by language; a language without is an error.
func (e entry) verdicts() (map[string][]lidr.Verdict, error) {
	run, err := e.folder.run()
	if err != nil {
		return nil, err
	}
	all := map[string][]lidr.Verdict{}
	for _, lang := range e.set.AllLanguages() {
		rows, err := run.Verdicts(e.model, lang)
		if err != nil {
			return nil, err
		}
		all[lang] = rows
	}
	return all, nil
}

func sameProblems(a, b []lidr.Verdict) error {
	if len(a) != len(b) {
		return fmt.Errorf("%d and %d problems were asked", len(a), len(b))
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].Gold != b[i].Gold {
			return fmt.Errorf("problem %d is %.60q in one and %.60q in the other", i+1, a[i].ID, b[i].ID)
		}
	}
	return nil
}

// hitShares are, for each problem, the share of the languages in which its answer is a hit.
func hitShares(all map[string][]lidr.Verdict, langs []string, hit func(lidr.Verdict) bool) []float64 {
	out := make([]float64, len(all[langs[0]]))
	for _, lang := range langs {
		for i, v := range all[lang] {
			if hit(v) && i < len(out) {
				out[i] += 1 / float64(len(langs))
			}
		}
	}
	return out
}
