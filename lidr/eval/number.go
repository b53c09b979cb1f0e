package eval

import (
	"regexp"
	"strings"
	"unicode"
)

// Number reads the final number of an answer and returns it in one normal form: an optional minus, no separators, and
// a point only before decimals that are not all zero ("5600", "-3", "0.5"; fractions stay fractions, "1/2"). ok is
// false where the answer has no number.
//
// The number is the one that the last answer phrase introduces on its line ("Die Antwort ist", "Ответ:", "答えは",
// "####", \boxed{, …; of an equation there, what stands behind its last "="), or else the last one in the text. It may
// be written in the decimal digits of any script, with a currency sign, "%" or trailing dots.
//
// Separators follow the language. German, Spanish, French, Italian, Portuguese and Russian write 1.234,5 or 1 234,5;
// the other languages write 1,234.5. In the former, one separator before exactly three digits separates thousands,
// whichever it is ("80.000" and "80,000" are eighty thousand in German): models write both, and the answers of
// grade-school problems have no thousandths. In English "80.000" is 80.
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

// EqualNumbers reports whether the number of an answer equals a gold answer as MGSM and GSM8K write it ("5,600", in
// every language).
func EqualNumbers(number, gold string) bool {
	want, ok := Number(gold, "en")
	return ok && number == want
}

// commaLanguage holds the languages that write decimals behind a comma.
var commaLanguage = map[string]bool{"de": true, "es": true, "fr": true, "it": true, "pt": true, "ru": true}

// answerPhrase is a marker of the final answer with the word that links it to the number. What comes after a link
// must stand before those that begin like it ("ist" before "is").
var answerPhrase = regexp.MustCompile(`(?i)(?:answer|antwort|respuesta|réponse|risposta|resposta|ответ|jibu|答え|答案|답|คำตอบ|উত্তর|उत्तर)` +
	`(?:[^\p{L}\p{Nd}\n]{0,5}(?:lautet|ist|is|est de|est|es|è|é|равен|равно|это|ni|は|是|为|為|은|는|คือ|হলো|হল|है))?|####|\\boxed\{`)

// What may follow the first number behind an answer phrase: the rest of an equation ("9 eggs × $2 = $18", before any
// stop or bracket), or an operation whose result is not there.
var (
	equation  = regexp.MustCompile(`^(?:[^=.,;(]|[.,]\d)*[+\-×*·/÷](?:[^=.,;(]|[.,]\d)*=`)
	operation = regexp.MustCompile(`^\s*[+\-×*·/÷]\s*[$€£]?\d`)
)

// introduced reads the number that an answer phrase introduces: nothing but signs may stand between them.
func introduced(line string, style commaStyle) (string, bool) {
	found := style.numerals(line)
	if len(found) == 0 || strings.ContainsFunc(line[:found[0].start], unicode.IsLetter) {
		return "", false
	}
	switch rest := line[found[0].end:]; {
	case equation.MatchString(rest):
		at := strings.LastIndexByte(line, '=')
		for _, n := range found {
			if n.start > at {
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

// plainDigits brings the digits, signs and separators of all scripts and of LaTeX to ASCII; thin and unbreakable
// spaces, which inside a number can only separate, become U+00A0.
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

// digit is the ASCII form of a decimal digit: Unicode has each script's ten in a row, and runs of them side by side.
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
