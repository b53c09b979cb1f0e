package eval

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// commaStyle is how a language writes numbers: 1.234,5 if true, else 1,234.5. Both may write 1 234 too.
type commaStyle bool

// numeral is one number of a text.
type numeral struct {
	start, end int    // in bytes
	value      string // in the normal form of [Number]
}

// numerals returns all numbers of a text that [plain] has made plain. Exponents and indices are no numbers of their
// own: "18 m^2" has one.
func (s commaStyle) numerals(text string) []numeral {
	var found []numeral
	for i := 0; i < len(text); {
		if !isDigit(text, i) && !(text[i] == '.' && isDigit(text, i+1) && !isDigit(text, i-1)) {
			i++
			continue
		}
		groups, separators := s.run(text, i)
		negative, raised := hasMinus(text[:i]), attached.MatchString(text[max(0, i-8):i])
		for len(groups) > 0 {
			n, whole, decimals := s.number(groups, separators)
			start := i
			for g := range n {
				i += len(groups[g])
				if g < n-1 {
					i += len(separators[g])
				}
			}
			value, taken := normal(negative, whole, decimals), 0
			switch {
			case n == len(groups):
				value, taken = extended(text, start, i, negative, whole, decimals)
			case n == len(groups)-1 && decimals == "":
				if mixed, size := mixedNumber(whole, text[i:]); size > 0 {
					value, taken = signed(negative, mixed), size
					n++
				}
			}
			i += taken
			if !raised {
				found = append(found, numeral{start, i, value})
			}
			if n < len(groups) {
				i += len(separators[n-1])
				separators = separators[n:]
			}
			groups, negative, raised = groups[n:], false, false
		}
	}
	return found
}

// attached is what stands before an exponent or the index of a variable.
var attached = regexp.MustCompile(`(?:\^|(?:^|[^\pL\d])\pL_)[{(]?-?$`)

// run cuts the digits from i on into groups with one separator between each two. ".5" begins with an empty group.
func (s commaStyle) run(text string, i int) (groups, separators []string) {
	for {
		start := i
		for isDigit(text, i) {
			i++
		}
		groups = append(groups, text[start:i])
		size := 0
		switch {
		case strings.HasPrefix(text[i:], "\u00a0"):
			size = len("\u00a0")
		case i < len(text) && strings.IndexByte(".,' ", text[i]) >= 0:
			size = 1
		}
		if size == 0 || !isDigit(text, i+size) {
			return groups, separators
		}
		separators = append(separators, text[i:i+size])
		i += size
	}
}

// maxGroups is the greatest number of groups of digits in one number. It bounds the work on a long list such as
// 1,1,1,….
const maxGroups = 12

// number reads one number from the beginning of a run. It returns how many groups belong to it, its whole part and its
// decimals. Most runs are one number; "1,2,3" in English is a list of three.
func (s commaStyle) number(groups, separators []string) (n int, whole, decimals string) {
	for n = min(len(groups), maxGroups); n > 1; n-- {
		if s.thousands(groups[:n], separators[:n-1]) {
			return n, strings.Join(groups[:n], ""), ""
		}
		point := separators[n-2]
		if (point == "." || point == "," && (bool(s) || n > 2)) &&
			(n == 2 || point != separators[0] && grouped(groups[:n-1], separators[:n-2])) {
			return n, strings.Join(groups[:n-1], ""), groups[n-1]
		}
	}
	return 1, groups[0], ""
}

// thousands reports whether every separator of the groups separates thousands.
func (s commaStyle) thousands(groups, separators []string) bool {
	if !grouped(groups, separators) {
		return false
	}
	return len(groups) > 2 || separators[0] != "." || bool(s)
}

// grouped reports whether digits are grouped as thousands are: one to three digits, then groups of three with the same
// separator throughout. In the Indian way the groups before the last have two digits.
func grouped(groups, separators []string) bool {
	if len(groups[0]) < 1 || len(groups[0]) > 3 || groups[0][0] == '0' {
		return false
	}
	for i, g := range groups[1:] {
		indian := len(g) == 2 && len(groups[0]) <= 2 && i < len(groups)-2
		if len(g) != 3 && !indian || separators[i] != separators[0] {
			return false
		}
	}
	return true
}

// normal writes a number without separators, leading zeros and trailing zeros of the decimals.
func normal(negative bool, whole, decimals string) string {
	whole = strings.TrimLeft(whole, "0")
	decimals = strings.TrimRight(decimals, "0")
	if whole == "" {
		whole = "0"
	}
	if decimals != "" {
		whole += "." + decimals
	}
	return signed(negative, whole)
}

func signed(negative bool, number string) string {
	if negative && number != "0" {
		return "-" + number
	}
	return number
}

// denominator returns the digits after a fraction's slash at the beginning of the rest, "" if there are none, if they
// are zero, or if another slash follows, as in a date.
func denominator(rest string) string {
	if !strings.HasPrefix(rest, "/") {
		return ""
	}
	end := 1
	for isDigit(rest, end) {
		end++
	}
	if strings.Trim(rest[1:end], "0") == "" || strings.HasPrefix(rest[end:], "/") {
		return ""
	}
	return rest[1:end]
}

// hasMinus reports whether the text before a number ends in a minus sign, which a currency sign may follow. A hyphen
// after a digit, a bracket or a letter of a script with spaces is no sign: "5-3" has the numbers 5 and 3.
func hasMinus(before string) bool {
	before = trimCurrency(before)
	if !strings.HasSuffix(before, "-") {
		return false
	}
	before = trimCurrency(strings.TrimSuffix(before, "-"))
	r, _ := utf8.DecodeLastRuneInString(before)
	return before == "" || copula.MatchString(before[max(0, len(before)-12):]) ||
		!unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(")]-", r)
}

// copula ends in a link of a script without spaces: "答案是-5". After other words there a hyphen makes a range: "3日-5日".
var copula = regexp.MustCompile(`(?:[是为為得はが은는]|คือ|เป็น)$`)

// trimCurrency removes a currency sign from the end of a text, and the space behind it.
func trimCurrency(s string) string {
	trimmed := strings.TrimRight(s, " \u00a0")
	if r, size := utf8.DecodeLastRuneInString(trimmed); unicode.Is(unicode.Sc, r) {
		return trimmed[:len(trimmed)-size]
	}
	return s
}

func isDigit(s string, i int) bool { return i >= 0 && i < len(s) && '0' <= s[i] && s[i] <= '9' }
