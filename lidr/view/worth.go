package view

import (
	"encoding/json"
	"fmt"
	"math"
	"path"
	"strings"

	"lidrlab/lidr"
)

// worth is what is known of the two sides of pairs beside their texts: a judge's ratings, or a scorer's scores.
type worth struct {
	chosen, rejected []float64 // of each line of an index, NaN where it is not known
}

// worthFile is the file of a model that orders pairs by "judge" or "margin", "" where there is none.
func (f *folder) worthFile(by, model string) string {
	files := f.present(path.Join(model, "pairs.ratings.jsonl"))
	if by == "margin" {
		files = f.linesIn(path.Join(model, "scores"))
	}
	if len(files) == 0 {
		return ""
	}
	return files[0] // of several scorers the first by name
}

// worthFiles are the files by which an index' pairs are ordered by "judge" or "margin", by their models, and what tells
// them from what they were before.
func (f *folder) worthFiles(x *index, by string) (files map[string]string, version string) {
	files = map[string]string{}
	for _, p := range x.parts {
		name := f.worthFile(by, p.model)
		if name == "" {
			continue
		}
		files[p.model] = name
		read := []string{name}
		if by == "margin" { // whose scores are of answers
			read = append(read, f.linesIn(path.Join(p.model, "responses"))...)
		}
		for _, name := range read {
			size, changed, _ := f.stat(name)
			version += fmt.Sprintln(name, size, changed)
		}
	}
	return files, version
}

// worth returns what the sides of an index' pairs are worth by "judge" or "margin", and whether any of it is known.
func (f *folder) worth(x *index, by string) (worth, bool, error) {
	files, version := f.worthFiles(x, by)
	key := "worth " + by + "\n" + x.version + version
	if len(files) == 0 {
		return worth{}, false, nil
	}
	if known, ok := f.lists.get(key); ok {
		return known.(worth), true, nil
	}
	all := map[string][]float64{} // of a text or a pair, in the order of the file
	for model, name := range files {
		var err error
		if by == "judge" {
			err = f.ratingsOf(model, name, all)
		} else {
			err = f.scoresOf(model, name, all)
		}
		if err != nil {
			return worth{}, false, err
		}
	}
	w := worth{chosen: make([]float64, len(x.rows)), rejected: make([]float64, len(x.rows))}
	err := f.each(x, x.all(), nil, func(i int, rec record) {
		model := x.parts[x.rows[i].part].model
		w.chosen[i], w.rejected[i] = math.NaN(), math.NaN()
		if by == "margin" {
			w.chosen[i] = first(all[sideKey(model, rec, rec.Chosen)])
			w.rejected[i] = first(all[sideKey(model, rec, rec.Rejected)])
			return
		}
		key := pairKey(model, rec)
		if rated := all[key]; len(rated) > 1 { // several pairs of one prompt are rated in their order
			w.chosen[i], w.rejected[i], all[key] = rated[0], rated[1], rated[2:]
		}
	})
	if err == nil {
		f.lists.put(key, w)
	}
	return w, true, err
}

func first(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return values[0]
}

// worthChips are what the sides of an index' pairs are worth, for its pages.
type worthChips struct {
	worth
	by string
}

// worthsShown is a judge's ratings, and what the page is ordered by.
func (f *folder) worthsShown(x *index, q Query) ([]worthChips, error) {
	var all []worthChips
	for _, by := range []string{"judge", "margin"} {
		if by == "margin" && strings.TrimPrefix(q.Sort, "-") != by {
			continue // all answers would have to be read for it
		}
		w, known, err := f.worth(x, by)
		if err != nil {
			return nil, err
		}
		if known {
			all = append(all, worthChips{w, by})
		}
	}
	return all, nil
}

// chip tells what both sides of a line are worth.
func (w worthChips) chip(i int32) chip {
	say := func(v float64) string {
		if math.IsNaN(v) {
			return "none"
		}
		return strings.Replace(fmt.Sprintf("%.3g", v), "-", "−", 1)
	}
	name := map[string]string{"judge": "judge", "margin": "scorer"}[w.by]
	return chip{Text: fmt.Sprintf("%s: %s and %s", name, say(w.chosen[i]), say(w.rejected[i])),
		Title: "of the chosen and of the rejected side"}
}

func pairKey(model string, rec record) string {
	return strings.Join([]string{model, rec.ID, rec.Lang, rec.Source}, "\x00")
}

func sideKey(model string, rec record, text string) string {
	return strings.Join([]string{model, rec.ID, rec.Lang, text}, "\x00")
}

// ratingsOf adds a judge's ratings of a model's pairs: two of each.
func (f *folder) ratingsOf(model, name string, all map[string][]float64) error {
	return f.eachLine(name, func(line []byte) error {
		var r struct {
			ID, Lang, Source string
			Chosen, Rejected *float64
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		key := pairKey(model, record{ID: r.ID, Lang: r.Lang, Source: r.Source})
		all[key] = append(all[key], orNaN(r.Chosen), orNaN(r.Rejected))
		return nil
	})
}

// scoresOf adds a scorer's scores of a model's answers, by their texts.
func (f *folder) scoresOf(model, name string, all map[string][]float64) error {
	type sample struct {
		id, lang string
		n        int
	}
	scores := map[sample]float64{}
	err := f.eachLine(name, func(line []byte) error {
		var s lidr.SampleScore
		if err := json.Unmarshal(line, &s); err != nil {
			return err
		}
		scores[sample{s.ID, s.Lang, s.Sample}] = s.Score
		return nil
	})
	for _, responses := range f.linesIn(path.Join(model, "responses")) {
		if err != nil {
			return err
		}
		err = f.eachLine(responses, func(line []byte) error {
			rec, err := decode(line)
			if score, ok := scores[sample{rec.ID, rec.Lang, rec.Sample}]; ok && err == nil {
				key := sideKey(model, rec, rec.Response)
				all[key] = append(all[key], score)
			}
			return err
		})
	}
	return err
}

func orNaN(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}
