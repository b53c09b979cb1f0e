package eval

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const hanNumeral = `[零〇一二两兩三四五六七八九十百千万萬亿億]+(?:[点點][零〇一二三四五六七八九]+)?`

// What is read of a numeral in Chinese characters.
var (
	hanNumerals = regexp.MustCompile(hanNumeral + `(?:分之` + hanNumeral + `)?`)
	// hanAnswer is the number that the words for "answer" and a link directly introduce.
	hanAnswer = regexp.MustCompile(`(?:答案|答え|こたえ|解答|回答|答|正解)(?:应该是|應該是|应为|應為|就是|等于|等於|是|为|為|は|[:：])` +
		`[\s$"「*_]*(` + hanNumeral + `(?:分之` + hanNumeral + `)?)`)
	// hanWord begins with a numeral and is none: 十分 is "very", 万一 "in case".
	hanWord = regexp.MustCompile(`^(?:十分[^之钟鐘]|万一|萬一|千万[别不要]|一百二十分|[一二三四五六七八九]月|四川)`)
)

// hanDigits replaces numerals in Chinese characters by digits: the one that the word for "answer" introduces, and all
// where a text has no digits. Beside digits, such numerals are mostly words ("一起", "三角形").
func hanDigits(text, lang string) string {
	if !strings.ContainsAny(text, "0123456789") {
		return replaceHan(text, hanNumerals.FindAllStringIndex(text, -1), lang, false)
	}
	var found [][]int
	for _, m := range hanAnswer.FindAllStringSubmatchIndex(text, -1) {
		found = append(found, m[2:4])
	}
	return replaceHan(text, found, lang, true)
}

// replaceHan replaces the numerals at places of a text that are numbers. A single character is one at the end of its
// clause alone where it stands beside digits.
func replaceHan(text string, places [][]int, lang string, beside bool) string {
	chinese := lang != "ja"
	var out strings.Builder
	done := 0
	for _, place := range places {
		numeral, rest := text[place[0]:place[1]], text[place[1]:]
		next, _ := utf8.DecodeRuneInString(rest)
		ends := rest == "" || strings.ContainsRune("。,.!?！？;；)\n 」*\"$、", next) || strings.HasPrefix(rest, "です")
		single := utf8.RuneCountInString(numeral) == 1
		if single && !ends && (beside || numeral == "一") || isDigit(text, place[1]) || hanWord.MatchString(text[place[0]:]) {
			continue
		}
		if value, ok := hanValue(numeral, chinese); ok {
			out.WriteString(text[done:place[0]])
			out.WriteString(value)
			done = place[1]
		}
	}
	return negativeWord.ReplaceAllString(out.String()+text[done:], "$1-$2")
}

// hanValue returns the number of a numeral in Chinese characters, or of a fraction such as 三分之二.
func hanValue(numeral string, chinese bool) (string, bool) {
	if below, above, ok := strings.Cut(numeral, "分之"); ok {
		b, okBelow := hanNumber(below, chinese)
		a, okAbove := hanNumber(above, chinese)
		return strconv.Itoa(a) + "/" + strconv.Itoa(b), okBelow && okAbove && b > 0
	}
	whole, decimals, _ := strings.Cut(strings.ReplaceAll(numeral, "點", "点"), "点")
	n, ok := hanNumber(whole, chinese)
	value := strconv.Itoa(n)
	if decimals != "" {
		value += "."
		for _, r := range decimals {
			value += strconv.Itoa(hanDigit[r])
		}
	}
	return value, ok
}

var (
	hanDigit = map[rune]int{'零': 0, '〇': 0, '一': 1, '二': 2, '两': 2, '兩': 2, '三': 3, '四': 4, '五': 5, '六': 6, '七': 7,
		'八': 8, '九': 9}
	hanUnit    = map[rune]int{'十': 10, '百': 100, '千': 1000}
	hanSection = map[rune]int{'万': 1e4, '萬': 1e4, '亿': 1e8, '億': 1e8}
)

// hanNumber returns a whole number below 10^12: of digits alone (二〇二四) or of digits and units that fall (一百二十).
// In Chinese a last digit counts tenths of the unit before it, 一百二 is 120, behind a zero ones, 一百零二.
func hanNumber(numeral string, chinese bool) (int, bool) {
	runes := []rune(numeral)
	if !strings.ContainsAny(numeral, "十百千万萬亿億") {
		n := 0
		for _, r := range runes {
			n = n*10 + hanDigit[r]
		}
		apart := len(runes) == 2 && !strings.ContainsAny(numeral, "零〇") // 三四 is three or four
		return n, len(runes) <= 12 && !apart
	}
	total, section, digit, tenth := 0, 0, -1, 1
	lastUnit, lastSection := 10_000, int(1e12)
	for i, r := range runes {
		switch d, isHanDigit := hanDigit[r]; {
		case isHanDigit && digit > 0:
			return 0, false
		case isHanDigit && d == 0:
			digit, tenth = d, 1
		case isHanDigit:
			digit = d
		case hanUnit[r] > 0:
			u := hanUnit[r]
			if u >= lastUnit || digit == 0 && u != 10 || digit < 0 && i > 0 && u == 100 {
				return 0, false
			}
			if digit <= 0 {
				digit = 1
			}
			section += digit * u
			digit, lastUnit, tenth = -1, u, u/10
		default:
			s := hanSection[r]
			section += max(digit, 0)
			if s >= lastSection || section == 0 {
				return 0, false
			}
			total += section * s
			section, digit, lastUnit, lastSection, tenth = 0, -1, 10_000, s, s/10
		}
	}
	if chinese && digit > 0 {
		digit *= tenth
	}
	return total + section + max(digit, 0), true
}
