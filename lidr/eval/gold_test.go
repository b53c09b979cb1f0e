package eval

import (
	"strings"
	"testing"
)

func TestGold(t *testing.T) {
	for gold, number := range map[string]string{
		"18": "18", "-5": "-5", "1,000": "1000", "1,234,567": "1234567", "1.5": "1.5", "18.00": "18", "$18": "18",
		"-$1,000.50": "-1000.5", " 18\n": "18", "007": "7", "-0": "0", "1/2": "1/2", "-3/04": "-3/4", "2125": "2125",
		"80.000": "80", "−5": "-5", "১৮": "18", "+5": "5", "123456789012345678901234567890": "123456789012345678901234567890",
	} {
		if got, err := Gold(gold); got != number || err != nil {
			t.Errorf("gold %q: %q, %v, expected %q", gold, got, err, number)
		}
		if !EqualNumbers(number, gold) {
			t.Errorf("%q does not equal the gold answer %q", number, gold)
		}
	}
	for _, equal := range [][2]string{{"36/2", "18"}, {"1/2", "0.5"}, {"3/2", "1.5"}, {"0.5", "1/2"}, {"-3/2", "-1.5"}} {
		if !EqualNumbers(equal[0], equal[1]) || EqualNumbers(equal[0], "7") {
			t.Errorf("%s does not equal the gold answer %s, or equals 7", equal[0], equal[1])
		}
	}
	for _, gold := range []string{
		"", " ", "three", "50%", "NaN", "nan", "Inf", "-Infinity", "+inf", "∞", "18 dollars", "about 18", "#### 18", "1,00",
		"1,2,3", "1000,000", "5 600", "1.234,5", "1.2.3", "1/0", "1/2/3", "3:30", "1e3", "0x12", "--5", "-", "$", ".", "18.",
		"3-5", "5, 6", "18\n19", "x = 18", `\boxed{18}`, "²", "Ⅷ", "十八", strings.Repeat("no number ", 50),
	} {
		got, err := Gold(gold)
		if got != "" || err == nil || len(err.Error()) > 300 {
			t.Errorf("gold %q: %q, %v, expected an error", gold, got, err)
		}
		if EqualNumbers("", gold) || EqualNumbers("18", gold) || EqualNumbers("50", gold) {
			t.Errorf("an answer equals the gold answer %q", gold)
		}
	}
}
