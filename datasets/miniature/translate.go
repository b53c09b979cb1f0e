package miniature

import (
	"regexp"
	"strconv"
	"strings"
)

var number = regexp.MustCompile(`[0-9]+`)

// Translate returns an answer to p in another language, exactly and with its mistakes, whatever its numbers and
// whichever steps it leaves out. The text must consist of sentences of worked answers to p; ok is false for any other
// text.
func (p Problem) Translate(text, from, to string) (translation string, ok bool) {
	source, target := mustLanguage(from), mustLanguage(to)
	var out []string
	for _, sentence := range strings.SplitAfter(text, ".") {
		if sentence = strings.TrimSpace(sentence); sentence == "" {
			continue
		}
		translated, ok := p.translateSentence(sentence, source, target)
		if !ok {
			return "", false
		}
		out = append(out, translated)
	}
	return strings.Join(out, " "), len(out) > 0
}

// translateSentence tries each sentence of the worked answer with the numbers of the given one put in their places. It
// is the right one if it then equals the given sentence word for word.
func (p Problem) translateSentence(sentence string, source, target *language) (string, bool) {
	read := number.FindAllString(sentence, -1)
	template := p.solution()
	for i := range len(template.lines) + 1 {
		s := solution{who: template.who, object: template.object}
		slots := []*int{&s.result}
		if i < len(template.lines) {
			s.lines = []line{template.lines[i]}
			x := &s.lines[0]
			slots = []*int{&x.n, &x.step.X, &x.step.Y, &x.step.Z}
		}
		for k, slot := range slots {
			*slot = maxNumber - k // to find the order in which the sentence has them
		}
		of := func(l *language) string { // the line, or without one the answer sentence
			return s.sentences(l)[0]
		}
		shown := number.FindAllString(of(source), -1)
		if len(shown) != len(read) {
			continue
		}
		for j, place := range shown {
			k, _ := strconv.Atoi(place)
			n, err := strconv.Atoi(read[j])
			if err != nil || n > maxNumber {
				return "", false // the world has no words for it
			}
			*slots[maxNumber-k] = n
		}
		if of(source) == sentence {
			return of(target), true
		}
	}
	return "", false
}
