package miniature

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"sync"
)

// Language is one language of the world.
type Language struct {
	Code string // "es"
	Name string // English name, as translation instructions say it: "Spanish"
	Role string // "dominant", "trained" (by LIDR) or "unseen" (by LIDR; pretraining has seen it)
}

// Languages returns the languages of the world, the dominant one first.
func Languages() []Language {
	var all []Language
	for _, l := range theWorld().languages {
		all = append(all, l.Language)
	}
	return all
}

//go:embed lang/*.json
var langFiles embed.FS

var theWorld = sync.OnceValue(func() *world {
	sub, err := fs.Sub(langFiles, "lang")
	if err == nil {
		var w *world
		if w, err = load(sub); err == nil {
			return w
		}
	}
	panic("miniature: embedded data: " + err.Error()) // a broken build; the package's tests load the same files
})

// languageFile is lang/CODE.json. Every list holds wordings of one sentence, and
// wording i means the same in every language. See template.go for placeholders.
type languageFile struct {
	Code        string `json:"code"`
	Name        string `json:"name"`
	Role        string `json:"role"`
	Order       int    `json:"order"` // place in Languages
	Pretraining struct {
		Problems        int     `json:"problems"`         // size of the finite set of problems that M0 sees
		SwitchedObjects int     `json:"switched_objects"` // objects about which most of these are answered in English
		Translations    float64 `json:"translations"`     // how often it is translated, relative to the other languages
	} `json:"pretraining"`
	// A word's forms by name. "class" is its gender or noun class. Forms named as
	// CLDR plural categories (one, few, many, other) are chosen by {word#number}.
	People  map[string]map[string]string `json:"people"`
	Objects map[string]map[string]string `json:"objects"`
	Words   map[string]map[string]string `json:"words"`
	// Agreement gives, by name and class, the word that agrees: {"she": {"f": "sie", "m": "er"}}.
	Agreement    map[string]map[string]string `json:"agreement"`
	Equation     string                       `json:"equation"`
	Start        []string                     `json:"start"`
	Boxes        []string                     `json:"boxes"`
	Moves        map[string][]string          `json:"moves"`
	Questions    map[string][]string          `json:"questions"`
	BoxesStep    []string                     `json:"boxes_step"`
	Steps        map[string][]string          `json:"steps"`
	TogetherStep []string                     `json:"together_step"`
	Answer       []string                     `json:"answer"`
}

// language is a loaded file: its templates compiled, by path ("moves.buy").
type language struct {
	Language
	file       languageFile
	categories [maxNumber + 1]string // plural category of each number
	templates  map[string][]template
	words      map[string]bool // every word of its prompts and answers in lower case, people's names left out
}

type world struct {
	languages []*language // by order; the first is the dominant one
	byCode    map[string]*language
	people    []string        // keys, sorted
	objects   []string        // keys, sorted
	names     map[string]bool // words of people's names in any language, which do not count in Identify
}

// load reads every *.json of fsys and checks it strictly, so that no rendering can
// fail later. Errors name the file and the field.
func load(fsys fs.FS) (*world, error) {
	files, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, err
	}
	w := &world{byCode: map[string]*language{}, names: map[string]bool{}}
	for _, name := range files {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		l := &language{}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&l.file); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if dec.More() {
			return nil, fmt.Errorf("%s: expected one JSON object, found more after it", name)
		}
		l.Language = Language{l.file.Code, l.file.Name, l.file.Role}
		if l.Code+".json" != name {
			return nil, fmt.Errorf("%s: code: is %q, expected the file's name without .json", name, l.Code)
		}
		if l.Name == "" {
			return nil, fmt.Errorf("%s: name: is empty, expected the language's English name", name)
		}
		w.languages = append(w.languages, l)
		w.byCode[l.Code] = l
	}
	sort.SliceStable(w.languages, func(i, j int) bool { return w.languages[i].file.Order < w.languages[j].file.Order })
	if len(w.languages) == 0 || w.languages[0].Role != "dominant" {
		return nil, fmt.Errorf("no dominant language: the file of lowest order must have role \"dominant\"")
	}
	model := w.languages[0]
	w.people = slices.Sorted(maps.Keys(model.file.People))
	w.objects = slices.Sorted(maps.Keys(model.file.Objects))
	if len(w.people) < 3 || len(w.objects) == 0 {
		return nil, fmt.Errorf("%s.json: people: expected at least 3 people and 1 object", model.Code)
	}
	for i, l := range w.languages {
		if l.Role != "trained" && l.Role != "unseen" && i > 0 {
			return nil, fmt.Errorf("%s.json: role: is %q, expected \"trained\" or \"unseen\"", l.Code, l.Role)
		}
		n := l.file.Pretraining
		if min(n.Problems, n.SwitchedObjects) < 0 || n.SwitchedObjects > len(w.objects) || n.Translations < 0 {
			return nil, fmt.Errorf("%s.json: pretraining: expected problems ≥ 0, 0 ≤ switched_objects ≤ %d and translations ≥ 0",
				l.Code, len(w.objects))
		}
		if err := w.compile(l, model); err != nil {
			return nil, fmt.Errorf("%s.json: %w", l.Code, err)
		}
	}
	for _, l := range w.languages {
		w.collectNames(l)
	}
	for _, l := range w.languages {
		w.collectWords(l)
	}
	return w, nil
}

// slots returns every list of templates of a file by its path, with the numbers and
// people that its sentences may have.
func (f *languageFile) slots() map[string]slot {
	s := map[string]slot{
		"equation":      {[]string{f.Equation}, []string{"x", "y", "z", "op"}, false},
		"start":         {f.Start, []string{"n"}, false},
		"boxes":         {f.Boxes, []string{"k", "m"}, false},
		"boxes_step":    {f.BoxesStep, []string{"eq"}, false},
		"together_step": {f.TogetherStep, []string{"eq"}, true},
		"answer":        {f.Answer, []string{"z"}, false},
	}
	for name, v := range verbs {
		s["moves."+name] = slot{f.Moves[name], []string{"n"}, v.partner}
		s["steps."+name] = slot{f.Steps[name], []string{"n", "eq"}, v.partner}
	}
	for _, q := range []string{"now", "together", "each"} {
		s["questions."+q] = slot{f.Questions[q], nil, q == "together"}
	}
	return s
}

type slot struct {
	wordings []string
	numbers  []string // number placeholders it may use
	other    bool     // whether a second person takes part
}

// compile checks l against the dominant language's inventory and compiles its templates.
func (w *world) compile(l, model *language) error {
	if err := sameKeys("people", l.file.People, model.file.People); err != nil {
		return err
	}
	if err := sameKeys("objects", l.file.Objects, model.file.Objects); err != nil {
		return err
	}
	for _, p := range w.people {
		if c := l.file.People[p]["class"]; c != "f" && c != "m" {
			return fmt.Errorf("people.%s.class: is %q, expected \"f\" or \"m\"", p, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.file.Moves)) {
		if _, ok := verbs[name]; !ok {
			return fmt.Errorf("moves.%s: unknown move; the moves are %v", name, slices.Sorted(maps.Keys(verbs)))
		}
	}
	l.categories = pluralCategories(l.Code)
	l.templates = map[string][]template{}
	want := model.file.slots()
	slots := l.file.slots()
	for _, path := range slices.Sorted(maps.Keys(slots)) {
		s := slots[path]
		if n := len(want[path].wordings); len(s.wordings) != n || n == 0 {
			return fmt.Errorf("%s: has %d wordings, expected %d as in %s.json (at least 1)",
				path, len(s.wordings), n, model.Code)
		}
		for i, text := range s.wordings {
			t, err := parseTemplate(text)
			if err == nil {
				err = l.checkTemplate(t, s)
			}
			if err != nil {
				return fmt.Errorf("%s[%d]: %w", path, i, err)
			}
			l.templates[path] = append(l.templates[path], t)
		}
	}
	return nil
}

func sameKeys(field string, got, want map[string]map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[k]; !ok {
			return fmt.Errorf("%s.%s: missing", field, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			return fmt.Errorf("%s.%s: not among those of the dominant language", field, k)
		}
	}
	return nil
}
