package datasets

import (
	"math/big"
	"regexp"
	"strings"
	"unicode"
)

// numberText is a number with separators of thousands and decimals, of which the language decides which is which.
var numberText = regexp.MustCompile(`^-?[0-9]+([.,'][0-9]+)*$`)

// fraction is one of two whole numbers.
var fraction = regexp.MustCompile(`^-?[0-9]{1,30}/0*[1-9][0-9]{0,30}$`)

// grouped is a whole number in thousands, or in India's lakhs.
var grouped = regexp.MustCompile(`^-?[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}$`)

// differentNumbers reports whether two gold answers are numbers that no reading of their separators makes equal:
// "5,600" and "5.600" agree, "5" and "-5" do not. Texts that are no numbers may differ, since each is in its language.
func differentNumbers(a, b string) bool {
	as, bs := numberReadings(a), numberReadings(b)
	if len(as) == 0 || len(bs) == 0 {
		return false
	}
	for _, x := range as {
		for _, y := range bs {
			if x.Cmp(y) == 0 {
				return false
			}
		}
	}
	return true
}

// numberReadings are the values that a gold answer may have, none for one that is no number.
func numberReadings(text string) []*big.Rat {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), strings.ContainsRune("$€£¥%", r):
			return -1
		case r == '\u2212' || r == '\u2013' || r == '\uff0d': // minus, en dash, full-width
			return '-'
		case r == '’':
			return '\''
		case unicode.Is(unicode.Nd, r):
			return rune('0' + digitValue(r))
		}
		return r
	}, text)
	text = strings.TrimPrefix(strings.Replace(text, "-+", "-", 1), "+")
	if value, ok := new(big.Rat).SetString(text); ok && fraction.MatchString(text) {
		return []*big.Rat{value}
	}
	if !numberText.MatchString(text) {
		return nil
	}
	text = strings.ReplaceAll(text, "'", "")
	var out []*big.Rat
	for _, separators := range [][2]string{{",", "."}, {".", ","}} { // of thousands, of decimals
		whole, decimals, _ := strings.Cut(text, separators[1])
		if strings.Contains(whole, separators[0]) && !grouped.MatchString(strings.ReplaceAll(whole, separators[0], ",")) {
			continue
		}
		plain := strings.ReplaceAll(whole, separators[0], "") + "." + decimals
		if value, ok := new(big.Rat).SetString(strings.TrimSuffix(plain, ".")); ok && len(plain) < 100 {
			out = append(out, value)
		}
	}
	return out
}

// digitValue is the value of a decimal digit of any script: each script has its ten in order.
func digitValue(r rune) int {
	const mathematical = '\U0001d7ce' // five styles, one after another
	if r >= mathematical && r < mathematical+50 {
		return int(r-mathematical) % 10
	}
	value := 0
	for unicode.Is(unicode.Nd, r-1) && value < 9 {
		r--
		value++
	}
	return value
}
