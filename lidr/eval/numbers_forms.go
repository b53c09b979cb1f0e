package eval

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// extended returns the value of the number whose digits are text[start:end], and how many bytes behind them belong to
// it: a denominator ("/4") or a power of ten ("e6", " × 10^6").
func extended(text string, start, end int, negative bool, whole, decimals string) (value string, taken int) {
	value = normal(negative, whole, decimals)
	rest := text[end:]
	if decimals == "" && !strings.HasSuffix(text[:start], "/") {
		if over := denominator(rest); over != "" {
			return value + "/" + strings.TrimLeft(over, "0"), 1 + len(over)
		}
	}
	m := powerOfTen.FindStringSubmatch(rest)
	if before, _ := utf8.DecodeLastRuneInString(text[:start]); m != nil && m[1] != "" && unicode.IsLetter(before) {
		return value, 0 // the colour D7C6E0
	}
	if m == nil && whole == "10" && decimals == "" {
		m = exponent.FindStringSubmatch(rest)
		whole = "1"
	}
	if m == nil {
		return value, 0
	}
	places, err := strconv.Atoi(m[1] + m[2])
	if err != nil || places > mostPlaces || places < -mostPlaces {
		return value, 0
	}
	whole, decimals = shift(whole, decimals, places)
	return normal(negative, whole, decimals), len(m[0])
}

// mostPlaces bounds powers of ten: no answer to a problem has more digits.
const mostPlaces = 30

var (
	powerOfTen = regexp.MustCompile(
		`^(?:[eE]([+-]?[0-9]{1,3})\b|\s?[×x*·]\s?10\s?\^\s?[{(]?(-?[0-9]{1,3})[})]?)`)
	exponent = regexp.MustCompile(`^()\^[{(]?(-?[0-9]{1,3})[})]?`)
)

// shift moves the point of a number to the right, or to the left if places is negative.
func shift(whole, decimals string, places int) (string, string) {
	if places < 0 {
		whole = strings.Repeat("0", -places) + whole
		cut := len(whole) + places
		return whole[:cut], whole[cut:] + decimals
	}
	decimals += strings.Repeat("0", places)
	return whole + decimals[:places], decimals[places:]
}

// fraction is what makes a whole number before it a mixed number: "1 1/2".
var fraction = regexp.MustCompile(`^[ \x{A0}]([0-9]{1,3})/([0-9]{1,3})(?:[^0-9/]|$)`)

// mixedNumber returns the fraction that a whole number makes with the proper fraction behind it, and its size in bytes,
// 0 if there is none.
func mixedNumber(whole, rest string) (value string, size int) {
	m := fraction.FindStringSubmatchIndex(rest)
	if m == nil || len(whole) > 9 {
		return "", 0
	}
	w, _ := strconv.Atoi(whole) // digits only, and few of them
	above, _ := strconv.Atoi(rest[m[2]:m[3]])
	below, _ := strconv.Atoi(rest[m[4]:m[5]])
	if above == 0 || above >= below {
		return "", 0
	}
	return strconv.Itoa(w*below+above) + "/" + strconv.Itoa(below), m[5]
}
