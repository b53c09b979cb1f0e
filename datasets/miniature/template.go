package miniature

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/feature/plural"
	xlanguage "golang.org/x/text/language"
)

// A template is a sentence with placeholders:
//
//	{n} {k} {m} {x} {y} {z} {op} {eq}   a number, an operator, the whole equation
//	{who.gen}                           a form of a word; {who} is {who.nom}
//	{object#n}                          the form that goes with the number n (CLDR plural rules)
//	{object:how_many}                   the agreement word for the object's class
//
// where the word is who, other, both (for agreement only), object, or a key of
// "words". A sentence's first letter becomes a capital.
type template []piece

type piece struct {
	text   string // literal text when entity is ""
	entity string
	kind   byte // '.' form, '#' number, ':' agreement, 0 plain number
	arg    string
}

var numberNames = []string{"n", "k", "m", "x", "y", "z", "op", "eq"}

func parseTemplate(text string) (template, error) {
	var t template
	if text == "" {
		return nil, fmt.Errorf("empty sentence")
	}
	for text != "" {
		open := strings.IndexAny(text, "{}")
		if open < 0 {
			t = append(t, piece{text: text})
			break
		}
		if open > 0 {
			t = append(t, piece{text: text[:open]})
		}
		shut := strings.IndexByte(text, '}')
		if text[open] == '}' || shut < 0 {
			return nil, fmt.Errorf("unbalanced brace at %q", text[open:])
		}
		body := text[open+1 : shut]
		text = text[shut+1:]
		p := piece{entity: body}
		if i := strings.IndexAny(body, ".#:"); i >= 0 {
			p = piece{entity: body[:i], kind: body[i], arg: body[i+1:]}
		} else if !slices.Contains(numberNames, body) {
			p = piece{entity: body, kind: '.', arg: "nom"}
		}
		t = append(t, p)
	}
	return t, nil
}

// lexicon returns the words that may replace an entity; nil if there is no such entity.
func (l *language) lexicon(entity string) map[string]map[string]string {
	switch entity {
	case "who", "other", "both":
		return l.file.People
	case "object":
		return l.file.Objects
	}
	if forms, ok := l.file.Words[entity]; ok {
		return map[string]map[string]string{entity: forms}
	}
	return nil
}

// checkTemplate makes sure that t can be rendered for every person, object and number of the world.
func (l *language) checkTemplate(t template, s slot) error {
	for _, p := range t {
		if p.entity == "" {
			continue
		}
		if p.kind == 0 {
			if !slices.Contains(s.numbers, p.entity) {
				return fmt.Errorf("{%s}: not known in this sentence, which has %v", p.entity, s.numbers)
			}
			continue
		}
		words := l.lexicon(p.entity)
		if words == nil || (p.entity == "other" || p.entity == "both") && !s.other {
			return fmt.Errorf("{%s}: no such word in this sentence", p.entity)
		}
		if p.entity == "both" && p.kind != ':' {
			return fmt.Errorf("{both%c%s}: both is for agreement only, as in {both:they}", p.kind, p.arg)
		}
		if p.kind == '#' && !slices.Contains(s.numbers, p.arg) {
			return fmt.Errorf("{%s#%s}: not a number of this sentence, which has %v", p.entity, p.arg, s.numbers)
		}
		for _, key := range slices.Sorted(maps.Keys(words)) {
			var forms []string
			from, field := words[key], key
			switch p.kind {
			case '.':
				forms = []string{p.arg}
			case '#':
				for n := minNumber; n <= maxNumber; n++ {
					forms = append(forms, l.categories[n])
				}
			case ':':
				forms = []string{from["class"]}
				from, field = l.file.Agreement[p.arg], "agreement."+p.arg
			}
			for _, form := range forms {
				if from[form] == "" {
					return fmt.Errorf("{%s%c%s}: %s has no form %q", p.entity, p.kind, p.arg, field, form)
				}
			}
		}
	}
	return nil
}

// pluralCategories returns the CLDR plural category ("one", "few", "many", "other" …) of
// every number of the world in a language. A language that is not in CLDR has
// "other" alone.
func pluralCategories(code string) [maxNumber + 1]string {
	names := map[plural.Form]string{
		plural.Zero: "zero", plural.One: "one", plural.Two: "two",
		plural.Few: "few", plural.Many: "many", plural.Other: "other",
	}
	tag, _ := xlanguage.Parse(code)
	var out [maxNumber + 1]string
	for n := range out {
		out[n] = names[plural.Cardinal.MatchPlural(tag, n, 0, 0, 0, 0)]
	}
	return out
}

// scene has the subjects of a sentence: keys of people and of an object, and numbers.
type scene struct {
	who, other, object string
	numbers            map[string]int // n, k, m
	step               Step           // x, op, y, z
}

// render fills wording i of a template path.
func (l *language) render(path string, i int, s scene) string {
	return capitalise(l.fill(l.templates[path][i], s))
}

func (l *language) fill(t template, s scene) string {
	var b strings.Builder
	for _, p := range t {
		if p.entity == "" {
			b.WriteString(p.text)
			continue
		}
		forms := l.file.Words[p.entity]
		switch p.entity {
		case "who":
			forms = l.file.People[s.who]
		case "other":
			forms = l.file.People[s.other]
		case "both": // women only: f; else m
			forms = l.file.People[s.who]
			if forms["class"] == "f" {
				forms = l.file.People[s.other]
			}
		case "object":
			forms = l.file.Objects[s.object]
		}
		switch p.kind {
		case '.':
			b.WriteString(forms[p.arg])
		case '#':
			b.WriteString(forms[l.categories[s.number(p.arg)]])
		case ':':
			b.WriteString(l.file.Agreement[p.arg][forms["class"]])
		default:
			switch p.entity {
			case "op":
				b.WriteString(s.step.Op)
			case "eq":
				b.WriteString(l.fill(l.templates["equation"][0], s))
			default:
				b.WriteString(strconv.Itoa(s.number(p.entity)))
			}
		}
	}
	return b.String()
}

func (s scene) number(name string) int {
	switch name {
	case "x":
		return s.step.X
	case "y":
		return s.step.Y
	case "z":
		return s.step.Z
	}
	return s.numbers[name]
}

// capitalise turns the first letter into a capital ("¿cuántas" → "¿Cuántas").
func capitalise(s string) string {
	i := strings.IndexFunc(s, unicode.IsLetter)
	if i < 0 {
		return s
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	return s[:i] + string(unicode.ToUpper(r)) + s[i+n:]
}
