package eval

import (
	"math/big"
	"regexp"
	"strings"

	"lidrlab/lidr/langid"
)

// Number returns the final number of an answer in a normal form: an optional minus, no separators, and a point only
// before decimals that are not all zero ("5600", "-3", "0.5"; fractions stay fractions, "1/2"). ok is false if the
// answer has no number.
//
// The final number is the one that the last answer phrase states ("Die Antwort ist", "Ответ:", "答えは", "####",
// \boxed{…}): on its line or on the next, behind a link and words for a unit, and before what else the sentence tells
// ("18 dollars for 9 eggs"). Of an equation there it is the result ("9 × 2 = 18"). Without a phrase it is the last
// number of the text that marks no item, step or heading. It may be written in the decimal digits of any script, with a
// currency, "%" or trailing dots, in Markdown or LaTeX, as a mixed number ("1 1/2") or with a power of ten.
//
// Separators are read by the language. Most languages of Europe, Indonesian, Turkish and Vietnamese write 1.234,5; the
// others write 1,234.5; and each may write 1 234. In the former, a single separator before exactly three digits
// separates thousands, whichever it is ("80.000" and "80,000" are eighty thousand in German): models write both, and
// the answers of grade-school problems have no thousandths. In English "80.000" is 80.
func Number(answer, lang string) (number string, ok bool) {
	lang = numberLanguage(lang)
	text := plain(answer)
	if lang == "zh" || lang == "ja" || lang == "yue" {
		text = hanDigits(text, lang)
	}
	if cut := nextQuestion(text); cut > 0 {
		t := numbered{text[:cut], lang, numbersOf(text[:cut], lang), findPhrases(text[:cut])}
		if number, ok = t.stated(); ok {
			return number, true
		}
	}
	t := numbered{text, lang, numbersOf(text, lang), findPhrases(text)}
	if number, ok = t.stated(); ok {
		return number, true
	}
	if number, ok = t.told(); ok {
		return number, true
	}
	return t.last()
}

// EqualNumbers reports whether the number of an answer equals a gold answer as [Gold] reads it: "36/2" equals "18", and
// "1/2" equals "0.5". A gold answer that is no number equals none.
func EqualNumbers(number, gold string) bool {
	want, err := Gold(gold)
	if err != nil || number == want {
		return err == nil
	}
	const longest = 100 // digits of a number that is no answer's
	if len(number) > longest || len(want) > longest {
		return false
	}
	a, isNumber := new(big.Rat).SetString(number)
	b, isGold := new(big.Rat).SetString(want)
	return isNumber && isGold && a.Cmp(b) == 0
}

// commaLanguage holds the languages that write decimals after a comma.
var commaLanguage = words(`de es fr it pt ru nl pl cs sk sl hr sr bs sv da no nb nn fi is et lv lt hu ro bg mk uk be el
	ca gl eu sq tr az id vi hy ka kk af`)

// numberLanguage returns the language of a code, by which its numbers are read: those of pt-BR as those of pt. Spanish
// of Mexico, of its neighbours and of the USA has a point before decimals and stays apart.
func numberLanguage(code string) string {
	switch code {
	case "es-MX", "es-US", "es-419", "es-GT", "es-HN", "es-NI", "es-SV", "es-PR", "es-DO", "es-PA", "es-PE":
		return code
	}
	return langid.Base(code)
}

// numbered is a text with its numbers.
type numbered struct {
	text, lang string
	numbers    []numeral
	phrases    []phrase
}

func numbersOf(text, lang string) []numeral {
	return magnify(text, lang, commaStyle(commaLanguage[lang]).numerals(text))
}

// after returns the index of the first number that begins at a place of the text or behind it.
func (t numbered) after(place int) int {
	low, high := 0, len(t.numbers)
	for low < high {
		if middle := (low + high) / 2; t.numbers[middle].start < place {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// newQuestion begins a further problem, as a model writes it that does not stop at its answer.
var newQuestion = regexp.MustCompile(`(?im)^[ \t]*(?:[#>]+ *)?(?:question|problem|frage|aufgabe|pregunta|problema|` +
	`problème|вопрос|задача|питання|domanda|pergunta|swali|vraag|問題|问题|質問|질문|문제|প্রশ্ন|प्रश्न|ప్రశ్న|คำถาม|โจทย์|سؤال|` +
	`السؤال|q) ?[:：]`)

// nextQuestion returns where a further problem begins, 0 if nowhere. A text that begins with a problem may go from one
// to the next on its own way.
func nextQuestion(text string) int {
	found := newQuestion.FindStringIndex(text)
	if found == nil || strings.TrimSpace(text[:found[0]]) == "" {
		return 0
	}
	return found[0]
}
