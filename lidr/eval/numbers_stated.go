package eval

import (
	"math/big"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostGap bounds the bytes between an answer phrase and its number.
const mostGap = 300

// stated returns the number of the last answer phrase that a number follows in so many words.
func (t numbered) stated() (string, bool) {
	for _, p := range slices.Backward(t.phrases) {
		var number string
		var ok bool
		switch p.kind {
		case answerPhrase:
			if number, ok = t.answerBefore(p); !ok {
				number, ok = t.answer(p)
			}
		case headingPhrase:
			number, ok = t.heading(p.end)
		case boxPhrase:
			number, ok = boxed(braced(t.text[p.end:]), t.lang)
		}
		if ok {
			return number, true
		}
	}
	return "", false
}

// wholePower is all that a box may hold beside a number: a power of two whole numbers, 2^3.
var wholePower = regexp.MustCompile(`^\s*(\d{1,9})\s*\^\s*(?:(\d{1,3})|\{\s*(\d{1,3})\s*\})\s*$`)

// boxed returns the number of a box, which states nothing else.
func boxed(text, lang string) (string, bool) {
	if m := wholePower.FindStringSubmatch(text); m != nil {
		base, _ := new(big.Int).SetString(m[1], 10)
		exponent, _ := new(big.Int).SetString(m[2]+m[3], 10)
		if power := base.Exp(base, exponent, nil).String(); len(power) <= mostPlaces {
			return power, true
		}
	}
	t := numbered{text: text, lang: lang, numbers: numbersOf(text, lang)}
	if len(t.numbers) == 0 {
		return "", false
	}
	return t.result(0)
}

// braced returns a text up to the brace that closes one before it, or what may be read of it where none does.
func braced(text string) string {
	depth := 1
	for i := range min(len(text), mostGap) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return text[:i]
			}
		}
	}
	line, _, _ := strings.Cut(text[:min(len(text), mostGap)], "\n")
	return line
}

// heading returns the number behind "####", where it is no heading such as "#### 1. The eggs".
func (t numbered) heading(place int) (string, bool) {
	k := t.after(place)
	if k == len(t.numbers) || t.numbers[k].start > place+mostGap {
		return "", false
	}
	g := readGap(t.text[place:t.numbers[k].start], t.lang, true)
	if !g.known || t.marks(k) {
		return "", false
	}
	return t.result(k)
}

// label follows the number of an answer of several: "Answer 1: 18".
var label = regexp.MustCompile(`^\s*(?:[)\]]?\s*(?::(?:\D|$)|：)|[)\]])`)

// answer returns the number that follows the word for "answer".
func (t numbered) answer(p phrase) (string, bool) {
	end := p.end
	k := t.after(end)
	if k == len(t.numbers) || t.numbers[k].start > end+mostGap {
		return "", false
	}
	before := t.text[end:t.numbers[k].start]
	if !strings.ContainsAny(before, ":：=") && len(wordsOf(before)) == 0 && len(t.numbers[k].value) <= 2 {
		if m := label.FindString(t.text[t.numbers[k].end:]); m != "" {
			end = t.numbers[k].end
			k++
		}
	}
	if k == len(t.numbers) || t.numbers[k].start > end+mostGap {
		return "", false
	}
	g := readGap(t.text[end:t.numbers[k].start], t.lang, true)
	switch {
	case g.ended:
		return "", false
	case strings.Contains(t.text[end:t.numbers[k].start], "\n"):
		if !g.known || t.marks(k) || !t.alone(k) {
			return "", false
		}
	case g.direct || g.known && !g.linked && !g.loose && t.bare(p.start, k):
	case g.linked:
		return "", false
	default:
		if k = t.linkedLater(k); k < 0 {
			return "", false
		}
		g = gap{}
	}
	if k+1 < len(t.numbers) && t.numbers[k].value == "1" &&
		rate.MatchString(t.text[t.numbers[k].end:t.numbers[k+1].start]) &&
		!minutes.MatchString(t.text[t.numbers[k+1].end:]) {
		k++
	}
	number, ok := t.result(k)
	if g.negative && ok {
		number = signed(!strings.HasPrefix(number, "-"), strings.TrimPrefix(number, "-"))
	}
	return number, ok
}

// beforeAnswer stands between a number and the word for "answer" that it is said to be: "18 dollars is the answer".
var beforeAnswer = regexp.MustCompile(`(?i)^[^.\n,;:=!?]{0,40}(?:^|\P{L})(?:(?:is|are) (?:the|my|our)|` +
	`ist (?:die|meine)|es la|est la|è la|é a|— это|är|is het)\s+(?:(?:final|correct|right|endgültige|richtige|` +
	`правильный)\s+)*$|` +
	`^[^.\n,;:=!?。]{0,20}(?:就?是|が|이|가)\s*(?:最终|最終|最终的|最終的な|正确|正確)?的?\s*$`)

// answerBefore returns the number that is said to be the answer, where no number is linked to that word behind it.
func (t numbered) answerBefore(p phrase) (string, bool) {
	k := t.after(p.start) - 1
	if k < 0 || p.start-t.numbers[k].end > mostBetween {
		return "", false
	}
	between := t.text[t.numbers[k].end:p.start]
	if !beforeAnswer.MatchString(between) || strings.Contains(between, " not ") {
		return "", false
	}
	end := t.sentence(p.end)
	if next := k + 1; next < len(t.numbers) && t.numbers[next].start < end {
		if g := readGap(t.text[p.end:t.numbers[next].start], t.lang, true); g.linked {
			return "", false
		}
	}
	return t.whole(k), true
}

// rate stands between a one and the number of an answer, as in "1日あたり18ドル": for each day, 18 dollars.
var rate = regexp.MustCompile(`^\s*(?:日|時間|週間?|か月|ヶ月|年|人|個|台|天|小时|小時|周|个月|일|시간|주|개월|년|명)` +
	`(?:あたり|当たり|につき|に|で|당|에)?[\s約约약]*\p{Sc}?$`)

// minutes follow the second number of "1時間30分", which is an hour and a half and no rate.
var minutes = regexp.MustCompile(`^\s*(?:分|분)`)

// linkedLater returns the first number behind number k, in the same sentence, that follows a link ("the answer to
// question 3 is 18"), or -1.
func (t numbered) linkedLater(k int) int {
	const mostNumbers = 6
	for j := k + 1; j < min(len(t.numbers), k+mostNumbers); j++ {
		between := t.text[t.numbers[j-1].end:t.numbers[j].start]
		g := readGap(between, t.lang, false)
		if g.ended || len(between) > mostGap || strings.Contains(between, "\n") {
			return -1
		}
		if g.direct {
			return j
		}
	}
	return -1
}

// bare reports whether number k may be the answer though nothing links it to the word for "answer" at a place of the
// text: that is no verb, and the number does not count questions.
func (t numbered) bare(place, k int) bool {
	r, _ := utf8.DecodeRuneInString(t.text[place:])
	if unicode.Is(unicode.Hangul, r) || questions.MatchString(t.text[t.numbers[k].end:]) {
		return false
	}
	before := wordsOf(t.text[max(0, place-20):place])
	return len(before) == 0 || !subjects[before[len(before)-1]]
}

// alone reports whether number k, on a line behind its phrase, is that phrase's: nothing but a unit follows it there,
// or no number follows at all but in its own sentence.
func (t numbered) alone(k int) bool {
	const mostUnit = 40
	line, _, _ := strings.Cut(t.text[t.numbers[k].end:], "\n")
	only := k+1 == len(t.numbers) || t.numbers[k+1].start >= t.numbers[k].end+len(line)
	if only && len(line) <= mostUnit && len(wordsOf(line)) <= mostWords && !strings.ContainsAny(line, "=+×÷") {
		return true
	}
	return t.after(t.sentence(t.numbers[k].end)) == len(t.numbers)
}

// mostSentence bounds the bytes of a sentence.
const mostSentence = 1000

// sentence returns where the sentence ends in which a place of the text is. A line without a letter or a digit, such as
// the rest of a heading, does not end it.
func (t numbered) sentence(place int) int {
	empty := true
	limit := min(len(t.text), place+mostSentence)
	for i, r := range t.text[place:limit] {
		at := place + i
		switch {
		case r == '\n' && !empty, strings.ContainsRune("。！？।!?", r):
			return at
		case r == '.':
			behind := t.text[at+1 : min(len(t.text), at+20)]
			next := strings.TrimLeft(behind, " *_\"')")
			n, _ := utf8.DecodeRuneInString(next)
			short := at-place >= 2 && t.text[at-2] == ' ' && t.text[at-1] >= 'A' // "d. h.", "z. B."
			if next == "" || n == '\n' || len(next) < len(behind) && !unicode.IsLower(n) && !short {
				return at
			}
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			empty = false
		}
	}
	return limit
}
