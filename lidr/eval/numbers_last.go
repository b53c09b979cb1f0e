package eval

import (
	"regexp"
	"strconv"
	"strings"
)

// stepWord stands before the number of a step.
var stepWord = regexp.MustCompile(`(?i)(?:step|schritt|paso|[ée]tape|passo|passaggio|шаг|крок|hatua|stap|krok|steg|` +
	`langkah|bước|adım|ステップ|步骤|步驟|단계|ขั้นตอนที่|ขั้นที่|ধাপ|चरण|దశ|الخطوة|خطوة)\s*$`)

// contrast stands before a number that an answer sets its own apart from, "3 apples, not 5", or takes it out of, "7
// apples left out of 15".
var contrast = regexp.MustCompile(`(?i)(?:[,;(—–]\s*(?:(?:and|but|und|y|et|e|и|а)\s+)?(?:not|nicht|pas|non|` +
	`não|не|niet|inte|ikke|si|وليس)|,\s*而?不是|\bout of(?: the| a total of)?|\bde un total de|` +
	`\bsur un total de|\bvon insgesamt)\s*\p{Sc}?$`)

// contrasts reports whether number k is one that the number before it, in the same clause, is set apart from.
func (t numbered) contrasts(k int) bool {
	if k == 0 {
		return false
	}
	between := t.text[t.numbers[k-1].end:t.numbers[k].start]
	if len(between) > mostBetween || strings.ContainsAny(between, ".\n=!?。") {
		return false
	}
	return contrast.MatchString(between) || t.lang == "es" && contrastSpanish.MatchString(between)
}

// contrastSpanish is apart, since "no 5" is number five elsewhere.
var contrastSpanish = regexp.MustCompile(`(?i)[,;(]\s*(?:y\s+)?no\s*\p{Sc}?$`)

// last returns the last number of the text that is no mark of an item, a step or a heading and none that the answer is
// set apart from, or else its last number.
func (t numbered) last() (string, bool) {
	for k := len(t.numbers) - 1; k >= 0; k-- {
		if t.contrasts(k) {
			continue
		}
		if !t.marks(k) && !stepWord.MatchString(t.text[max(0, t.numbers[k].start-40):t.numbers[k].start]) {
			return t.whole(k), true
		}
	}
	if n := len(t.numbers); n > 0 {
		return t.numbers[n-1].value, true
	}
	return "", false
}

// arithmetic stands between two numbers of a calculation.
var arithmetic = regexp.MustCompile(`^[^\n,;.(]*(?:[×*·÷=]|\s[-+−x]\s)[^\n,;.(]*$`)

// whole returns the number that the calculation with number k as its last operand is about: 18 of "18 = 9 × 2" and of
// "18 (9 × 2)", or else number k.
func (t numbered) whole(k int) string {
	from := k
	for from > 0 && k-from < mostTerms {
		between := t.text[t.numbers[from-1].end:t.numbers[from].start]
		if len(between) > mostBetween || !arithmetic.MatchString(between) {
			break
		}
		from--
	}
	if result, next, ok := t.equation(from); ok && next == k+1 {
		return result
	}
	if from == k || from == 0 || strings.Contains(t.text[t.numbers[from].end:t.numbers[k].start], "=") {
		return t.numbers[k].value
	}
	before := t.text[t.numbers[from-1].end:t.numbers[from].start]
	if strings.HasSuffix(before, "(") && !strings.Contains(before, "\n") && len(before) <= mostBetween {
		return t.numbers[from-1].value
	}
	return t.numbers[k].value
}

var afterMark = regexp.MustCompile(`^(?:[.)、．]|[ \t]*[:：]|\.\))(?:[^\d\n]|\n|$)`)

// marks reports whether number k marks an item of a list or a heading: "2. 9 × 2 = 18", "#### 1. The eggs". A number
// alone on the last line is a mark if the one before it in the list is there: "18." is an answer.
func (t numbered) marks(k int) bool {
	n := t.numbers[k]
	value, err := strconv.Atoi(n.value)
	if err != nil || value < 0 || value > 99 || !t.beginsLine(n.start) || !afterMark.MatchString(t.text[n.end:]) {
		return false
	}
	line, _, _ := strings.Cut(t.text[n.end+1:], "\n")
	if strings.Trim(line, " \t.)*_:：。") != "" || k+1 < len(t.numbers) {
		return true
	}
	for j := k - 1; j >= 0; j-- {
		if t.numbers[j].value == strconv.Itoa(value-1) && t.beginsLine(t.numbers[j].start) {
			return afterMark.MatchString(t.text[t.numbers[j].end:])
		}
	}
	return false
}

// beginsLine reports whether nothing but the signs of a heading or a quotation is before a place of the text in its
// line.
func (t numbered) beginsLine(place int) bool {
	const most = 40
	from := max(0, place-most)
	before := t.text[from:place]
	i := strings.LastIndexByte(before, '\n')
	return (i >= 0 || from == 0) && strings.Trim(before[i+1:], " \t#>*_") == ""
}
