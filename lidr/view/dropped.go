package view

import (
	"slices"
	"strings"

	"lidrlab/lidr"
)

// lost is a pair that was not kept.
type lost struct {
	lidr.Pair
	model, why string
}

func (l lost) record() record {
	return record{ID: l.ID, Lang: l.Lang, Prompt: l.Prompt, Chosen: l.Chosen, Rejected: l.Rejected, Source: l.Source}
}

// lostPairs are the candidates of a model that were dropped, made anew from its answers and translations.
func (f *folder) lostPairs(model string) ([]lost, error) {
	key := "dropped " + model
	for _, kind := range []string{"pairs", "answers", "translations"} {
		x, err := f.index(kinds[kind], model)
		if err != nil {
			return nil, err
		}
		key += "\n" + x.version
	}
	if known, ok := f.lists.get(key); ok {
		return known.([]lost), nil
	}
	run, err := f.run()
	if err != nil {
		return nil, err
	}
	pairs, dropped, err := run.Candidates(model)
	if err != nil {
		return nil, err
	}
	var all []lost
	for i, p := range pairs {
		if dropped[i] != "" {
			all = append(all, lost{p, model, dropped[i]})
		}
	}
	f.lists.put(key, all)
	return all, nil
}

// droppedPage is a page of pairs that were not kept.
func (f *folder) droppedPage(b *listBody, q Query, models []string) (notes []string, err error) {
	var all []lost
	for _, m := range models {
		if q.Model != "" && m != q.Model || !f.has(m+"/pairs.jsonl") {
			continue
		}
		own, err := f.lostPairs(m)
		if err != nil {
			notes = append(notes, "The dropped pairs of "+m+" are not known: "+err.Error())
			continue
		}
		all = append(all, own...)
	}
	want := words(q.Text)
	var left []lost
	for _, l := range all {
		if !slices.Contains(b.Langs, l.Lang) {
			b.Langs = append(b.Langs, l.Lang)
		}
		if q.Lang != "" && q.Lang != l.Lang || q.ID != "" && q.ID != l.ID ||
			!holds([]string{l.ID, l.Prompt, l.Chosen, l.Rejected, l.why}, want) {
			continue
		}
		if q.Right != "" || q.Target != "" {
			c, err := f.checker(l.model)
			if err != nil {
				return notes, err
			}
			if !passes(c.check(l.record()).flags(), q) {
				continue
			}
		}
		left = append(left, l)
	}
	slices.Sort(b.Langs)
	sortLost(left, q.Sort)
	b.Total = len(left)
	from, to := b.window(q)
	for _, l := range left[from:to] {
		c, err := f.checker(l.model)
		if err != nil {
			return notes, err
		}
		rec := l.record()
		it := item{ID: l.ID, Lang: l.Lang, Model: l.model, File: l.model + "/responses",
			One:    "/browse?" + Query{Run: f.Name, Kind: "pairs", ID: l.ID, State: "dropped"}.String(),
			Prompt: said{Text: l.Prompt, Lang: l.Lang}}
		it.pair(rec, c.check(rec), l.why)
		b.Items = append(b.Items, it)
	}
	return notes, nil
}

func sortLost(all []lost, by string) {
	name, descending := strings.CutPrefix(by, "-")
	sorted(all, descending, func(l lost) float64 {
		switch name {
		case "length":
			return float64(chars(l.Chosen))
		case "difference":
			return float64(chars(l.Chosen) - chars(l.Rejected))
		}
		return 0
	})
}
