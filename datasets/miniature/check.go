package miniature

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Verdict is the result of Check for one response.
type Verdict struct {
	Number       int    // the number of the last answer sentence, whatever its language
	HasNumber    bool   // there is an answer sentence
	Correct      bool   // Number is the problem's result
	StepsCorrect bool   // the equations are those of the worked answer, all of them and in order
	Language     string // the response's language as Identify sees it; "" if undetermined
	OnTarget     bool   // Language is the one asked for
}

var equation = regexp.MustCompile(`([0-9]+) ([-+*/]) ([0-9]+) = ([0-9]+)`)

// Check returns the verdict on a response to p asked in lang. The response may be any text.
func Check(response string, p Problem, lang string) Verdict {
	var v Verdict
	if all := answerSentence().FindAllStringSubmatch(response, -1); all != nil {
		for _, group := range all[len(all)-1][1:] {
			if n, err := strconv.Atoi(group); err == nil { // one group per language, one of them filled
				v.Number, v.HasNumber = n, true
			}
		}
	}
	v.Correct = v.HasNumber && v.Number == p.Result()
	var steps []Step
	for _, f := range equation.FindAllStringSubmatch(response, -1) {
		x, _ := strconv.Atoi(f[1]) // a number too long for an int equals no step's
		y, _ := strconv.Atoi(f[3])
		z, _ := strconv.Atoi(f[4])
		steps = append(steps, Step{x, f[2], y, z})
	}
	v.StepsCorrect = slices.Equal(steps, p.Steps())
	v.Language = Identify(response)
	v.OnTarget = v.Language == lang && lang != ""
	return v
}

// answerSentence matches the answer sentence of every language, each number in a group of its own.
var answerSentence = sync.OnceValue(func() *regexp.Regexp {
	var alternatives []string
	for _, l := range theWorld().languages {
		var b strings.Builder
		for _, p := range l.templates["answer"][0] {
			if p.entity == "" {
				b.WriteString(regexp.QuoteMeta(p.text))
			} else {
				b.WriteString(`([0-9]{1,9})`)
			}
		}
		alternatives = append(alternatives, b.String())
	}
	return regexp.MustCompile(strings.Join(alternatives, "|"))
})

// languageShare is the share of a text's words that must be words of a language for the text to be in
// it. An answer of three sentences with one in another language is below it.
const languageShare = .9

// Identify returns the code of the language that at least nine in ten of the text's words belong to,
// by the world's own word lists; names of people do not count. It returns "" if there is no such
// language, or if two languages have the most words.
func Identify(text string) string {
	w := theWorld()
	total := 0
	counts := make([]int, len(w.languages))
	for _, word := range wordsOf(text) {
		if w.names[word] {
			continue
		}
		total++
		for i, l := range w.languages {
			if l.words[word] {
				counts[i]++
			}
		}
	}
	best, second := 0, 0
	code := ""
	for i, n := range counts {
		if n > best {
			best, second, code = n, best, w.languages[i].Code
		} else if n > second {
			second = n
		}
	}
	if total == 0 || best == second || float64(best) < languageShare*float64(total) {
		return ""
	}
	return code
}

// wordsOf returns the runs of letters of a text, in lower case.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), notLetter)
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }

// collectNames adds the names of people in all their forms. The forms may have other words, such as
// the "de" of "de Clara", which begin with a small letter and are left out.
func (w *world) collectNames(l *language) {
	for _, forms := range l.file.People {
		for form, text := range forms {
			for _, word := range strings.FieldsFunc(text, notLetter) {
				if first, _ := utf8.DecodeRuneInString(word); form != "class" && !unicode.IsLower(first) {
					w.names[strings.ToLower(word)] = true
				}
			}
		}
	}
}

// collectWords renders every sentence with every object in every number, and with
// every person, and keeps the words.
func (w *world) collectWords(l *language) {
	var numbers []int // one of each plural category
	seen := map[string]bool{}
	for n := minNumber; n <= maxNumber; n++ {
		if c := l.categories[n]; !seen[c] {
			seen[c] = true
			numbers = append(numbers, n)
		}
	}
	l.words = map[string]bool{}
	for i := range len(numbers) * max(len(w.objects), len(w.people)) {
		n := numbers[i%len(numbers)]
		s := scene{
			// Neighbours in the list of people pair the same and different genders.
			who: w.people[i%len(w.people)], other: w.people[(i+1)%len(w.people)],
			object:  w.objects[i/len(numbers)%len(w.objects)],
			numbers: map[string]int{"n": n, "k": n, "m": n}, step: Step{X: n, Op: "+", Y: n, Z: n},
		}
		for _, wordings := range l.templates {
			for _, t := range wordings {
				for _, word := range wordsOf(l.fill(t, s)) {
					l.words[word] = true
				}
			}
		}
	}
}
