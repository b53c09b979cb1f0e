package eval

import (
	"regexp"
	"strings"
)

// What may stand between two numbers of an equation.
var (
	equals = regexp.MustCompile(`(?i)=|[→⇒]|equals?\b|\bgleich\b|égale?\b|\bigual\b|\buguale\b|равн[оа]|равняется|等于|等於|` +
		`イコール|เท่ากับ|\bsawa na\b|সমান|बराबर|సమానం|يساوي|تساوي`)
	// isNumber links the two sides of an equation only behind an operator: "9 times 2 is $18".
	isNumber = regexp.MustCompile(`(?i)(?:^|\P{L})(?:is|makes|gives|ist|sind|ergibt|macht|es|son|da|est|font|fait|fa|` +
		`sono|é|dá|это|будет|получится|ni|हुआ|है|হয়)\s*:?\s*\p{Sc}?\s*$|(?:は|是|得|คือ|는|은)\s*\p{Sc}?\s*$`)
	operator = regexp.MustCompile(`(?i)[+\-−–*×·/÷^%]|\}\s*\{|^\s*:\s*$|` +
		`(?:^|\P{L})(?:times|multiplied by|divided by|plus|minus|over|mal|durch|por|entre|más|menos|fois|divisé par|` +
		`multiplié par|moins|per|più|meno|diviso|vezes|mais|умножить на|разделить на|плюс|минус|mara|kugawanywa kwa|` +
		`jumlisha|ongeza|toa|kwa|গুণ|গুণন|ভাগ|যোগ|বিয়োগ|गुणा|भाग|जोड़|घटा|गुना|ضرب|في|على|زائد|ناقص)(?:\P{L}|$)|` +
		`[乘加减減除]|かける|割る|足す|引く|곱하기|나누기|더하기|빼기|คูณ|หาร|บวก|ลบ`)
	// times is an operator between two numbers, and a variable before an equals sign.
	times = regexp.MustCompile(`(?i)(?:^|\P{L})[xх](?:\P{L}|$)`)
	// sum joins two amounts before an equals sign: "3 hours and 30 minutes = 210 minutes".
	sum = regexp.MustCompile(`(?i)^\s*(?:\pL+\s+)?(?:and|und|y|et|и|e|na|和)\s*\p{Sc}?\s*$`)
	// clock joins hours and minutes before an equals sign, which may have no word between them.
	clock = regexp.MustCompile(`(?i)^\s*(?:hours?|hrs?|h|minutes?|mins?|days?|weeks?|feet|ft|stunden?|std|minuten?|min|` +
		`tage?|horas?|minutos?|días?|dias?|heures?|jours?|ore|ora|minuti|giorni|час(?:а|ов)?|минут[аы]?|д(?:ень|ня|ней)|` +
		`小时|小時|個小時|个小时|时|時間|時|分钟|分鐘|分|天|日|시간|분|일|ชั่วโมง|นาที)\.?\s*$`)
	// thatIs says an amount of hours and minutes again in one number: "3 hours 30 minutes, that is 210 minutes".
	thatIs = regexp.MustCompile(`(?i)^\s*\pL*\.?\s*(?:[,，、(]\s*)?(?:i\.\s?e\.|that is|or|d\.\s?h\.|das heißt|oder|` +
		`also|es decir|o sea|soit|c'est-à-dire|cioè|ossia|ou seja|то есть|т\.\s?е\.|即|也就是|就是|合计|つまり|すなわち|즉)` +
		`[,:]?\s*$`)
	// operation is a term without its result.
	operation = regexp.MustCompile(`^\s*[+\-×*·/÷]\s*\p{Sc}?\d`)
	// stop ends an equation.
	stop = regexp.MustCompile(`[.,;(](?:\D|$)|[\n。、！？।!?|≤≥≠]|[<>]=`)
	// bracket opens a term and stops none: "2 × (3 + 4) = 14".
	bracket = regexp.MustCompile(`[+\-*×·/÷]\s*\(\s*\p{Sc}?$`)
	// reason ends the search for a further equation.
	reason = regexp.MustCompile(`(?i)[(\n]|(?:^|\P{L})(?:because|since|where|weil|denn|porque|car|parce que|` +
		`puisque|perché|poiché|pois|так как|потому|kwani|kwa sababu|কারণ|क्योंकि|ఎందుకంటే|لأن)(?:\P{L}|$)|因为|因為|왜냐하면|เพราะ`)
)

// The bounds on an equation: the bytes between two of its numbers, the words between a number and the sign behind it,
// and its numbers.
const (
	mostBetween = 80
	mostWords   = 4
	mostTerms   = 60
)

// side is one side of an equation: its first number, and whether it has an operator.
type side struct {
	value string
	term  bool
}

// equation returns the result of the equation that begins with number k of the text, and the index of the number behind
// it; ok is false if there is none. The result is the last side that is a single number: 18 of "9 × 2 = 18", "x = 18"
// and "18 = 9 × 2".
func (t numbered) equation(k int) (result string, next int, ok bool) {
	sides := []side{{value: t.numbers[k].value}}
	next = k + 1
	clocked := false // the last two numbers are hours and minutes, or the like
	for ; next < len(t.numbers) && next < k+mostTerms; next++ {
		between := t.text[t.numbers[next-1].end:t.numbers[next].start]
		last := &sides[len(sides)-1]
		if clocked && thatIs.MatchString(between) {
			return t.numbers[next].value, next + 1, true
		}
		if len(between) > mostBetween || stop.MatchString(between) && !bracket.MatchString(between) {
			break
		}
		cut := equals.FindStringIndex(between)
		if cut == nil && anyTerm(sides) {
			cut = isNumber.FindStringIndex(between)
		}
		if cut == nil {
			joined := operator.MatchString(between) || times.MatchString(between)
			if !joined && len(sides) == 1 { // behind an equals sign, "and" begins something else
				clocked = clock.MatchString(between)
				joined = sum.MatchString(between) || clocked
			}
			if !joined || len(wordsOf(between)) > mostWords {
				break
			}
			last.term = true
			continue
		}
		before := wordsOf(between[:cut[0]])
		last.term = last.term || operator.MatchString(between[:cut[0]])
		if len(before) > mostWords || !last.term && !unit(before) {
			break
		}
		sides = append(sides, side{value: t.numbers[next].value, term: operator.MatchString(between[cut[1]:])})
	}
	if len(sides) == 1 {
		return "", next, false
	}
	for i := len(sides) - 1; i >= 0; i-- {
		if !sides[i].term {
			return sides[i].value, next, true
		}
	}
	return sides[len(sides)-1].value, next, true
}

func anyTerm(sides []side) bool {
	for _, s := range sides {
		if s.term {
			return true
		}
	}
	return false
}

// unit reports whether words can be the unit between a number and an equals sign: "2 hours = 120 minutes" is an
// equation, "18 dollars where x = 9" is none.
func unit(before []string) bool {
	const mostUnitWords = 2
	return len(before) <= mostUnitWords && (len(before) == 0 || len([]rune(before[len(before)-1])) > 1)
}

// result returns the number of a statement that begins with number k: that of its equation, of which a line may have
// several, or else number k itself. An operation without its result has none.
func (t numbered) result(k int) (string, bool) {
	value, next, ok := t.equation(k)
	if !ok {
		if operation.MatchString(t.text[t.numbers[k].end:]) {
			return "", false
		}
		value = t.numbers[k].value
		if next == k+1 {
			return value, true
		}
	}
	for next < len(t.numbers) && !reason.MatchString(t.text[t.numbers[next-1].end:t.numbers[next].start]) {
		further, end, ok := t.equation(next)
		if ok && strings.ContainsAny(t.text[t.numbers[next].end:t.numbers[end-1].start], "+-*×·/÷") {
			value = further
		}
		next = end
	}
	return value, true
}
