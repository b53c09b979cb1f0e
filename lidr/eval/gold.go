package eval

import (
	"fmt"
	"regexp"
	"strings"
)

// goldNumber is a number as MGSM and GSM8K write their gold answers, after [plainDigits]: a sign, a dollar sign, digits
// (in threes with commas, or without), decimals after a point; or a fraction of two whole numbers.
var goldNumber = regexp.MustCompile(
	`^([-+]?)\$?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+)|/(0*[1-9][0-9]*))?$`)

// Gold returns a gold answer in the normal form of [Number]. It takes one finite number in the forms of MGSM and GSM8K
// ("18", "-5", "1,000", "1.5", "$18", in every language) or a fraction ("1/2"), and nothing beside it. The error
// quotes what else the gold answer is: a gold that an answer can never equal would count every answer as wrong.
func Gold(text string) (string, error) {
	m := goldNumber.FindStringSubmatch(plainDigits(strings.TrimSpace(text)))
	if m == nil {
		return "", fmt.Errorf("gold answer %q is no number; write it in digits and without a unit, "+
			`as in "18", "-5", "1,000" or "1.5"`, clip(text))
	}
	number := normal(m[1] == "-", strings.ReplaceAll(m[2], ",", ""), m[3])
	if over := m[4]; over != "" {
		number += "/" + strings.TrimLeft(over, "0")
	}
	return number, nil
}

// clip shortens a text for an error to its first 60 characters.
func clip(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
