package miniature

import (
	"fmt"
	"strconv"
	"strings"
)

// Prompt returns the problem as text in a language: a few sentences and a question.
// It panics on a language that Languages does not list.
func (p Problem) Prompt(lang string) string {
	return strings.Join(p.promptSentences(mustLanguage(lang)), " ")
}

// Answer returns the worked answer in a language: one sentence with its equation
// for every step, then the answer sentence. It panics on a language that Languages
// does not list.
func (p Problem) Answer(lang string) string {
	return strings.Join(p.solution().sentences(mustLanguage(lang)), " ")
}

func mustLanguage(code string) *language {
	l := theWorld().byCode[code]
	if l == nil {
		panic(fmt.Sprintf("miniature: no language %q", code))
	}
	return l
}

// question names the template of the problem's question.
func (p Problem) question() string {
	switch p.Family() {
	case "comparison":
		return "together"
	case "sharing":
		return "each"
	}
	return "now"
}

func (p Problem) promptSentences(l *language) []string {
	s := scene{who: p.Person, object: p.Object, numbers: map[string]int{"n": p.Start, "k": p.Boxes, "m": p.PerBox}}
	var out []string
	add := func(path string) {
		// The wording depends on the problem and the sentence's place, not on the language.
		i := hash(p.ID+"/"+strconv.Itoa(len(out))) % uint64(len(l.templates[path]))
		out = append(out, l.render(path, int(i), s))
	}
	if p.Boxes > 0 {
		add("boxes")
	} else {
		add("start")
	}
	for _, m := range p.Moves {
		s.other, s.numbers = m.Other, map[string]int{"n": m.Number}
		add("moves." + m.Verb)
	}
	add("questions." + p.question())
	return out
}

// solution is a worked answer before it is put into words. Its numbers may be made
// wrong on purpose (see corrupt).
type solution struct {
	who, object string
	lines       []line
	result      int
}

type line struct {
	path  string // template
	other string
	n     int // the number of the sentence itself: "buys 15"
	step  Step
}

func (p Problem) solution() solution {
	s := solution{who: p.Person, object: p.Object, result: p.Result()}
	steps := p.Steps()
	if p.Boxes > 0 {
		s.lines = append(s.lines, line{path: "boxes_step", step: steps[0]})
		steps = steps[1:]
	}
	for i, m := range p.Moves {
		s.lines = append(s.lines, line{path: "steps." + m.Verb, other: m.Other, n: m.Number, step: steps[i]})
	}
	if p.Family() == "comparison" {
		s.lines = append(s.lines, line{path: "together_step", other: p.Moves[0].Other, step: steps[1]})
	}
	return s
}

func (s solution) sentences(l *language) []string {
	var out []string
	for _, x := range s.lines {
		numbers := map[string]int{"n": x.n}
		said := scene{who: s.who, other: x.other, object: s.object, numbers: numbers, step: x.step}
		out = append(out, l.render(x.path, 0, said))
	}
	return append(out, l.render("answer", 0, scene{who: s.who, object: s.object, step: Step{Z: s.result}}))
}
