package view

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"lidrlab/datasets"
)

// judgement is a verdict on two answers, of a judge or of a person. Its files are arrays, alpaca_eval's form, and are
// read whole: judges are asked of thousands of answers, not of millions.
type judgement struct {
	datasets.Annotation
	comparison, lang, file string
	n                      int // in the file, from 1
}

// id is the annotation's own, or one made of the instruction, under which its other verdicts are found too.
func (j judgement) id() string {
	var own string
	if json.Unmarshal(j.Others["id"], &own) == nil && own != "" {
		return own
	}
	return textKey(j.Instruction)[:12]
}

// outcome is that of the first model of the comparison.
func (j judgement) outcome() string {
	switch {
	case math.IsNaN(j.Preference):
		return "failed"
	case j.Preference > 1.5:
		return "win"
	case j.Preference < 1.5:
		return "lose"
	}
	return "tie"
}

// comparisons are the names of what was judged, such as M2-M0.
func (f *folder) comparisons() []string {
	return slices.DeleteFunc(f.names("judged"), func(name string) bool { return !pairName.MatchString(name) })
}

// annotationFiles are those of a comparison, or of all where it is "": a judge's, and those of the people who rated.
func (f *folder) annotationFiles(comparison string) []string {
	var all []string
	for _, name := range f.comparisons() {
		if comparison != "" && name != comparison {
			continue
		}
		dirs := []string{path.Join("judged", name, "annotations")}
		for _, person := range f.names(path.Join("judged", name, "people")) {
			dirs = append(dirs, path.Join("judged", name, "people", person, "annotations"))
		}
		for _, dir := range dirs {
			for _, file := range f.names(dir) {
				if lang, ok := strings.CutSuffix(file, ".json"); ok && langCode.MatchString(lang) {
					all = append(all, path.Join(dir, file))
				}
			}
		}
	}
	return all
}

// judgements are the verdicts of a comparison, or of all, and what the reader must know of their files.
func (f *folder) judgements(comparison string) (all []judgement, notes []string) {
	hashes := f.listed()
	for _, name := range f.annotationFiles(comparison) {
		size, changed, _ := f.stat(name)
		key := fmt.Sprintln("judged", name, size, changed)
		own, known := f.lists.get(key)
		if !known {
			data, err := f.read(name)
			var said []datasets.Annotation
			if err == nil {
				err = json.Unmarshal(data, &said)
			}
			if err != nil {
				notes = append(notes, fmt.Sprintf("%s: %v", name, err))
				continue
			}
			sum := sha256.Sum256(data)
			own = annotated{said, hex.EncodeToString(sum[:])}
			f.lists.put(key, own)
		}
		file := own.(annotated)
		notes = append(notes, (&part{name: name, sum: file.sum}).notes(hashes)...)
		lang := strings.TrimSuffix(path.Base(name), ".json")
		for i, one := range file.said {
			all = append(all, judgement{one, strings.Split(name, "/")[1], lang, name, i + 1})
		}
	}
	return all, notes
}

// annotated is a file of verdicts with the SHA-256 of its bytes.
type annotated struct {
	said []datasets.Annotation
	sum  string
}

// judgedPage is a page of verdicts.
func (f *folder) judgedPage(b *listBody, q Query) (notes []string, err error) {
	all, notes := f.judgements(q.Model)
	want := words(q.Text)
	var left []judgement
	for _, j := range all {
		if !slices.Contains(b.Langs, j.lang) {
			b.Langs = append(b.Langs, j.lang)
		}
		if q.Lang != "" && q.Lang != j.lang || q.ID != "" && q.ID != j.id() || q.State != "" && q.State != j.outcome() {
			continue
		}
		if holds([]string{j.id(), j.Instruction, j.Output1, j.Output2, j.Annotator}, want) {
			left = append(left, j)
		}
	}
	slices.Sort(b.Langs)
	sortJudged(left, q.Sort)
	b.Total = len(left)
	from, to := b.window(q)
	for _, j := range left[from:to] {
		b.Items = append(b.Items, j.item(f.Name))
	}
	return notes, nil
}

func sortJudged(all []judgement, by string) {
	name, descending := strings.CutPrefix(by, "-")
	sorted(all, descending, func(j judgement) float64 {
		switch name {
		case "judge":
			return j.Preference
		case "length":
			return float64(chars(j.Output2))
		}
		return 0
	})
}

func (j judgement) item(run string) item {
	it := item{ID: j.id(), Lang: j.lang, Model: j.comparison, File: fmt.Sprintf("%s:%d", j.file, j.n),
		One:    "/browse?" + Query{Run: run, Kind: "judged", ID: j.id()}.String(),
		Prompt: said{Text: j.Instruction, Lang: j.lang}}
	ours := said{Label: cmp.Or(j.Generator2, "response"), Text: j.Output2, Lang: j.lang}
	theirs := said{Label: cmp.Or(j.Generator1, "reference"), Text: j.Output1, Lang: j.lang}
	verdict := verdictOn(j.outcome(), &ours, &theirs)
	if !math.IsNaN(j.Preference) {
		verdict.Title = preferenceTitle(j.Preference, ours, theirs)
	}
	it.Texts = []said{ours, theirs}
	it.Chips = []chip{verdict, {Text: j.Annotator, Title: "whose verdict it is"}}
	it.After = j.words()
	return it
}

// words are what the judge said, once for each order of the answers that it was shown.
func (j judgement) words() []said {
	var answers []struct{ Text string }
	if json.Unmarshal(j.RawCompletion, &answers) != nil { // of another program
		if text := strings.TrimSpace(string(j.RawCompletion)); text != "" && text != "null" {
			return []said{{Label: "The judge", Text: text}}
		}
		return nil
	}
	var all []said
	for i, a := range answers {
		label := "The judge"
		if len(answers) > 1 {
			label = fmt.Sprintf("The judge, order %d", i+1)
		}
		all = append(all, said{Label: label, Text: a.Text})
	}
	return all
}
