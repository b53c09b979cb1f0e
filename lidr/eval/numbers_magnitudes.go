package eval

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// magnitude is a word or a sign behind a number that multiplies it by a power of ten.
type magnitude struct {
	places int
	after  *regexp.Regexp // the magnitude is group 1
}

// magnitudes are those of any language, and magnitudesOf those that mean something else in other languages.
var (
	magnitudes = []magnitude{
		{3, spelled(`thousand|tausend|tsd|duizend|tusen|tusind|tysiące|tysięcy|tys|tisíce?|mii|ezer|тысяч[аи]?|тыс|` +
			`тисяч[аі]?|тис|হাজার|हज़ार|हजार|వేల|వేలు|ألف|آلاف|ribu|nghìn`)},
		{3, regexp.MustCompile(`^(k)(?:[^\pL\d]|$)`)},
		{11, regexp.MustCompile(`^\s?(千[亿億])`)},
		{10, regexp.MustCompile(`^\s?(百[亿億])`)},
		{7, regexp.MustCompile(`^\s?(千[万萬])`)},
		{6, regexp.MustCompile(`^\s?(百[万萬])`)},
		{7, counted(`천만`)},
		{6, counted(`백만`)},
		{3, regexp.MustCompile(`^\s?(千|พัน)(?:[^米克瓦卡ธ]|$)`)},
		{3, counted(`천`)},
		{3, regexp.MustCompile(`^(천)(?:입니다|[.,]?\s*$)`)},
		{2, regexp.MustCompile(`^(百)(?:[^分科]|$)`)},
		{2, counted(`백`)},
		{4, regexp.MustCompile(`^\s?([万萬]|หมื่น)`)},
		{4, counted(`만`)},
		{5, spelled(`lakhs?|লাখ|লক্ষ|लाख|లక్షలు?`)},
		{5, regexp.MustCompile(`^\s?(แสน)`)},
		{6, spelled(`millions?|millionen|millón|millones|milhão|milhões|` +
			`milione|milioni|milions?|mio|miljoen|miljoner|millioner|` +
			`miliony|milionów|milion[uyů]|mln|milioane|millió|миллион(?:а|ов)?|мільйон(?:и|ів)?|млн|মিলিয়ন|` +
			`मिलियन|మిలియన్|مليون|ملايين|juta|triệu|milyon`)},
		{6, regexp.MustCompile(`^\s?(ล้าน)`)},
		{7, spelled(`crores?|কোটি|करोड़|కోట్లు?`)},
		{8, regexp.MustCompile(`^\s?([亿億])`)},
		{8, counted(`억`)},
		{9, spelled(`billions?|mrd|miljard|miljarder|milliarder|miliard(?:y|ów)?|mld|` +
			`milliarden?|milliards?|miliardi|миллиард(?:а|ов)?|млрд|বিলিয়ন|مليار`)},
	}
	magnitudesOf = map[string]magnitude{
		"es": {3, spelled(`mil`)}, "pt": {3, spelled(`mil`)}, "fr": {3, spelled(`mille`)},
		"it": {3, spelled(`mila|mille`)}, "tr": {3, spelled(`bin`)},
	}
)

// spelled matches one of the words behind a number, whole.
func spelled(list string) *regexp.Regexp {
	return regexp.MustCompile(`^(?i)[ \x{A0}](` + list + `)(?:[^\pL\pM]|$)`)
}

// counted matches a Korean sign of a power of ten before what is counted or further digits: the same syllables begin
// other words.
func counted(sign string) *regexp.Regexp {
	return regexp.MustCompile(`^(` + sign + `)\s?(?:원|달러|명|엔|유로|위안|대|톤|\d)`)
}

// magnify multiplies numbers by the magnitudes behind them: "5 million", "70k", "7万", "1万2000".
func magnify(text, lang string, numbers []numeral) []numeral {
	var out []numeral
	open := false // the last number ends in a sign of a power of ten, which further digits may follow
	for _, n := range numbers {
		power := false
		whole, decimals, _ := strings.Cut(strings.TrimPrefix(n.value, "-"), ".")
		if places, size := magnitudeOf(text[n.end:], lang); size > 0 && !strings.Contains(n.value, "/") {
			whole, decimals = shift(whole, decimals, places)
			n.value = normal(strings.HasPrefix(n.value, "-"), whole, decimals)
			n.end += size
			power = true
		}
		if last := len(out) - 1; open && touches(text[:out[last].end], text[out[last].end:n.start]) {
			sum, ok := appended(raised(out[last].value, text[:n.end], power), n.value)
			if ok {
				out[last] = numeral{out[last].start, n.end, sum}
				open = power
				continue
			}
		}
		out = append(out, n)
		r, _ := utf8.DecodeLastRuneInString(text[:n.end])
		open = power && unicode.In(r, unspaced...)
	}
	return out
}

// raised returns a number with its thousands and hundreds raised to the 万 or 亿 that the text ends in: those of
// "1亿2千3百万", read so far as 100002000, are 120000000.
func raised(value, text string, power bool) string {
	places := 0
	switch r, _ := utf8.DecodeLastRuneInString(text); r {
	case '万', '萬':
		places = 4
	case '亿', '億':
		places = 8
	}
	if !power || places == 0 || strings.Trim(value, "0123456789") != "" {
		return value
	}
	value = strings.Repeat("0", places) + value
	high, low := value[:len(value)-places], strings.TrimLeft(value[len(value)-places:], "0")
	low += strings.Repeat("0", places)
	if strings.Trim(high, "0") == "" {
		return low
	}
	if zeros := len(high) - len(strings.TrimRight(high, "0")) + places; len(low) > zeros {
		return strings.TrimLeft(value, "0")
	}
	high = strings.TrimLeft(high, "0") + strings.Repeat("0", places)
	return high[:len(high)-len(low)] + low
}

// touches reports whether what stands between two numbers leaves them one: nothing, or Korean's space. In Chinese and
// Japanese a space ends a number: "1万 5人" has 10000 and 5.
func touches(before, between string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	return between == "" || between == " " && unicode.Is(unicode.Hangul, r)
}

// appended returns the sum of a number of some power of ten and of a smaller one that follows its sign: 12000 of 1万2000
// and of 1万2千.
func appended(value, digits string) (string, bool) {
	zeros := len(value) - len(strings.TrimRight(value, "0"))
	if len(digits) > zeros || strings.Trim(digits, "0123456789") != "" {
		return "", false
	}
	return value[:len(value)-len(digits)] + digits, true
}

// magnitudeOf returns the decimal places that what follows a number moves its point by, and the size of that in bytes,
// 0 if nothing does.
func magnitudeOf(rest, lang string) (places, size int) {
	r, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest[:min(len(rest), 8)], " \u00a0"))
	if !unicode.IsLetter(r) {
		return 0, 0
	}
	if m := magnitudesOf[lang]; m.after != nil {
		if found := m.after.FindStringSubmatchIndex(rest); found != nil {
			return m.places, found[3]
		}
	}
	for _, m := range magnitudes {
		if found := m.after.FindStringSubmatchIndex(rest); found != nil {
			return m.places, found[3]
		}
	}
	return 0, 0
}
