package view

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lidrlab/datasets"
	"lidrlab/lidr/ledger"
)

// A person's ratings lie beside a judge's verdicts, in the same form, alpaca_eval's annotations.json:
//
//	judged/M2-M0/people/NAME/annotations/LANG.json
//
// Output 2 is the answer of the first model, output 1 that of the second, and a preference is 1, 1.5 or 2. The file is
// written anew with each rating, whole or not at all, and read when rating goes on.

var (
	raterName = regexp.MustCompile(`^[\pL\pN][\pL\pN_-]{0,40}$`)
	pairName  = regexp.MustCompile(`^[\pL\pN_][\pL\pN_.]*-[\pL\pN_][\pL\pN_.]*$`)
)

// question is two answers to one prompt, to be rated.
type question struct {
	id, lang          string
	prompt            string
	response          string // of the first model
	reference         string
	responseLang      string // as identified
	referenceLang     string
	points, otherwise float64 // of the checker, NaN where there is none
	judged            float64 // the judge's preference, NaN where there is none
}

// key is of the texts: a rating of other texts is none of these.
func (q question) key() string { return textKey(q.prompt, q.reference, q.response) }

func textKey(texts ...string) string {
	sum := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(sum, "%d %s", len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// draw is a number of a question and the seed, by which questions are ordered and their sides are chosen.
func (q question) draw(what string, seed int64) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%s/%s/%s", seed, what, q.id, q.lang)
	x := h.Sum64() // FNV's low bits follow the last letters: mixed as splitmix64 does
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// swapped says that the first model's answer stands on the left.
func (q question) swapped(seed int64) bool { return q.draw("side", seed)&1 == 1 }

// questions are the problems on which two models gave different answers, and the pairs that a judge has compared of
// the same two names, in the order drawn; same counts those whose answers are equal.
func (f *folder) questions(a, b string, seed int64) (all []question, same int, err error) {
	q := Query{Run: f.Name, Kind: "verdicts", Model: a, Beside: b}
	models := f.models()
	if slices.Contains(models, a) && slices.Contains(models, b) {
		t, _, err := f.findBeside(q)
		if err != nil {
			return nil, 0, err
		}
		ours, err := f.lines(t.x, t.rows)
		if err != nil {
			return nil, 0, err
		}
		theirs, err := f.lines(t.beside, t.others)
		if err != nil {
			return nil, 0, err
		}
		texts, _ := f.problems() // where they cannot be had, the id stands for the problem
		for i, rec := range ours {
			if rec.Response == theirs[i].Response {
				same++
				continue
			}
			prompt := cmp.Or(textOf(texts, rec), rec.ID)
			all = append(all, question{
				id: rec.ID, lang: rec.Lang, prompt: prompt, response: rec.Response, reference: theirs[i].Response,
				responseLang: rec.Language, referenceLang: theirs[i].Language,
				points: pointsOf(rec), otherwise: pointsOf(theirs[i]), judged: math.NaN(),
			})
		}
	}
	all, err = f.judged(a, b, all)
	slices.SortStableFunc(all, func(x, y question) int {
		switch i, j := x.draw("order", seed), y.draw("order", seed); {
		case i < j:
			return -1
		case i > j:
			return 1
		}
		return strings.Compare(x.id+x.lang, y.id+y.lang)
	})
	return all, same, err
}

// judged adds what a judge said of the same texts, and the questions that only it was asked.
func (f *folder) judged(a, b string, all []question) ([]question, error) {
	known := map[string]int{}
	for i, q := range all {
		known[q.lang+q.key()] = i
	}
	dir := path.Join("judged", a+"-"+b, "annotations")
	for _, name := range f.names(dir) {
		lang, ok := strings.CutSuffix(name, ".json")
		if !ok || !langCode.MatchString(lang) {
			continue
		}
		said, err := f.annotations(path.Join(dir, name))
		if err != nil {
			return all, err
		}
		for _, one := range said {
			key := lang + textKey(one.Instruction, one.Output1, one.Output2)
			if i, ok := known[key]; ok {
				all[i].judged = one.Preference
				continue
			}
			if one.Output1 == one.Output2 {
				continue
			}
			all = append(all, question{id: key[len(lang):], lang: lang, prompt: one.Instruction, response: one.Output2,
				reference: one.Output1, responseLang: lang, referenceLang: lang, points: math.NaN(), otherwise: math.NaN(),
				judged: one.Preference})
		}
	}
	return all, nil
}

// annotations reads a file of verdicts; one that is not there has none.
func (f *folder) annotations(name string) ([]datasets.Annotation, error) {
	data, err := f.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var said []datasets.Annotation
	if err := json.Unmarshal(data, &said); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return said, nil
}

// ratings are a person's preferences, by language and texts.
func (f *folder) ratings(a, b, rater string) (map[string]float64, error) {
	all := map[string]float64{}
	dir := peopleDir(a, b, rater)
	for _, name := range f.names(dir) {
		lang, ok := strings.CutSuffix(name, ".json")
		if !ok {
			continue
		}
		said, err := f.annotations(path.Join(dir, name))
		if err != nil {
			return nil, err
		}
		for _, one := range said {
			all[lang+textKey(one.Instruction, one.Output1, one.Output2)] = one.Preference
		}
	}
	return all, nil
}

func peopleDir(a, b, rater string) string {
	return path.Join("judged", a+"-"+b, "people", rater, "annotations")
}

// save writes a rating, in the place of an earlier one of the same texts, or of what the models answered to the same
// problem before another evaluation.
func (f *folder) save(a, b, rater string, q question, preference float64) error {
	if !langCode.MatchString(q.lang) { // it is a part of the file's name, and was read from a file of the run
		return fmt.Errorf("problem %.60q is in a language %.60q, expected a code of letters, digits, - and _; correct it in "+
			"the run's eval/problems", q.id, q.lang)
	}
	dir := peopleDir(a, b, rater)
	name := path.Join(dir, q.lang+".json")
	said, err := f.annotations(name)
	if err != nil {
		return err
	}
	id, err := json.Marshal(q.id)
	if err != nil {
		return err
	}
	now := datasets.Annotation{Instruction: q.prompt, Output1: q.reference, Generator1: b, Output2: q.response,
		Generator2: a, Annotator: "person: " + rater, Preference: preference,
		Others: map[string]json.RawMessage{"id": id}}
	said = slices.DeleteFunc(said, func(one datasets.Annotation) bool {
		return textKey(one.Instruction, one.Output1, one.Output2) == q.key() ||
			one.Instruction == q.prompt && string(one.Others["id"]) == string(id)
	})
	data, err := datasets.EncodeAnnotations(append(said, now))
	if err != nil {
		return err
	}
	if err := f.root.MkdirAll(dir, 0o755); err != nil { // not by a link out of the folder
		return err
	}
	return ledger.WriteFile(filepath.Join(f.Dir, filepath.FromSlash(name)), data)
}
