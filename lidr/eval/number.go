package eval

import (
	"regexp"
	"strings"
	"unicode"
)

// Number returns the final number of an answer in a normal form: an optional minus, no separators, and a point only
// before decimals that are not all zero ("5600", "-3", "0.5"; fractions stay fractions, "1/2"). ok is false if the
// answer has no number.
//
// The final number is the one after the last answer phrase on its line ("Die Antwort ist", "Ответ:", "答えは", "####",
// \boxed{, …), or the last number of the text if there is none. If an equation follows the phrase, it is the number
// after the last "=". It may be written in the decimal digits of any script, with a currency sign, "%" or trailing
// dots.
//
// Separators are read by the language. German, Spanish, French, Italian, Portuguese and Russian write 1.234,5 or 1
// 234,5; the other languages write 1,234.5. In the former, a single separator before exactly three digits separates
// thousands, whichever it is ("80.000" and "80,000" are eighty thousand in German): models write both, and the answers
// of grade-school problems have no thousandths. In English "80.000" is 80.
func Number(answer, lang string) (number string, ok bool) {
	text := plainDigits(answer)
	style := commaStyle(commaLanguage[lang])
	phrases := answerPhrase.FindAllStringIndex(text, -1)
	for i := len(phrases) - 1; i >= 0; i-- {
		line, _, _ := strings.Cut(text[phrases[i][1]:], "\n")
		if number, ok = introduced(line, style); ok {
			return number, true
		}
	}
	return last(style.numerals(text))
}

// EqualNumbers reports whether the number of an answer equals a gold answer as [Gold] reads it. A gold answer that is no
// number equals none.
func EqualNumbers(number, gold string) bool {
	want, err := Gold(gold)
	return err == nil && number == want
}

// commaLanguage holds the languages that write decimals after a comma.
var commaLanguage = map[string]bool{"de": true, "es": true, "fr": true, "it": true, "pt": true, "ru": true}

// answerPhrase is a marker of the final answer with the word that links it to the number. A link comes before those
// that it begins with ("ist" before "is").
var answerPhrase = regexp.MustCompile(
	`(?i)(?:answer|antwort|respuesta|réponse|risposta|resposta|ответ|jibu|答え|答案|답|คำตอบ|উত্তর|उत्तर)` +
		`(?:[^\p{L}\p{Nd}\n]{0,5}(?:lautet|ist|is|est de|est|es|è|é|равен|равно|это|ni|` +
		`は|是|为|為|은|는|คือ|হলো|হল|है))?|####|\\boxed\{`)

// What may follow the first number after an answer phrase: the rest of an equation ("9 eggs × $2 = $18", before any
// stop or bracket), or an operation without its result.
var (
	equation  = regexp.MustCompile(`^(?:[^=.,;(]|[.,]\d)*[+\-×*·/÷](?:[^=.,;(]|[.,]\d)*=`)
	operation = regexp.MustCompile(`^\s*[+\-×*·/÷]\s*[$€£]?\d`)
)

// introduced returns the number after an answer phrase, of which line is the rest. There must be no letter between
// them.
func introduced(line string, style commaStyle) (string, bool) {
	found := style.numerals(line)
	if len(found) == 0 || strings.ContainsFunc(line[:found[0].start], unicode.IsLetter) {
		return "", false
	}
	switch rest := line[found[0].end:]; {
	case equation.MatchString(rest):
		equals := strings.LastIndexByte(line, '=')
		for _, n := range found {
			if n.start > equals {
				return n.value, true
			}
		}
		return "", false
	case operation.MatchString(rest):
		return "", false
	}
	return found[0].value, true
}

func last(found []numeral) (string, bool) {
	if len(found) == 0 {
		return "", false
	}
	return found[len(found)-1].value, true
}

// plainDigits replaces the digits, signs and separators of all scripts and of LaTeX by ASCII. Thin and non-breaking
// spaces, which are separators inside a number, become U+00A0.
func plainDigits(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '−', '－', '‐', '‑':
			return '-'
		case '．', '٫':
			return '.'
		case '，', '٬':
			return ','
		case '’', '＇':
			return '\''
		case '＝':
			return '='
		case '\u202f', '\u2009', '\u2007':
			return '\u00a0'
		}
		if r > unicode.MaxASCII && unicode.Is(unicode.Nd, r) {
			return digit(r)
		}
		return r
	}, latex.Replace(s))
}

var latex = strings.NewReplacer("{,}", ",", `\,`, "\u00a0", `\$`, "$", `\%`, "%")

// digit returns the ASCII form of a decimal digit. Unicode has the ten digits of a script in a row, and a range may
// hold those of several scripts.
func digit(r rune) rune {
	for _, span := range unicode.Nd.R16 {
		if rune(span.Lo) <= r && r <= rune(span.Hi) {
			return '0' + (r-rune(span.Lo))%10
		}
	}
	for _, span := range unicode.Nd.R32 {
		if rune(span.Lo) <= r && r <= rune(span.Hi) {
			return '0' + (r-rune(span.Lo))%10
		}
	}
	return r
}
