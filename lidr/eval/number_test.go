package eval

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestThreeReadings(t *testing.T) {
	for _, c := range endings {
		number, ok := Number(c.answer, c.lang)
		strict, flexible := StrictNumber(c.answer, c.lang), FlexibleNumber(c.answer)
		if strict != c.strict || flexible != c.flexible || number != c.number || ok != (number != "") {
			t.Errorf("%s %q: strict %q flexible %q number %q, expected %q %q %q",
				c.lang, c.answer, strict, flexible, number, c.strict, c.flexible, c.number)
		}
	}
}

// lm-evaluation-harness takes punctuation out before it compares, decimals and all.
func TestHarnessEqual(t *testing.T) {
	for _, c := range []struct {
		extracted, gold string
		equal           bool
	}{{"$5,600.", "5,600", true}, {"18.00", "18", false}, {"-3", "3", true}, {"", "", false}} {
		if HarnessEqual(c.extracted, c.gold) != c.equal {
			t.Errorf("%q and %q: expected equal %v", c.extracted, c.gold, c.equal)
		}
	}
}

// FuzzNumber: no text makes the readers panic, and a number is in normal form, which reads as itself.
func FuzzNumber(f *testing.F) {
	for _, c := range endings {
		f.Add(c.answer, c.lang)
	}
	for _, c := range append(englishReadings, otherReadings...) {
		f.Add(c.answer, c.lang)
	}
	f.Fuzz(func(t *testing.T, answer, lang string) {
		StrictNumber(answer, lang)
		FlexibleNumber(answer)
		n, ok := Number(answer, lang)
		if ok != (n != "") || !utf8.ValidString(n) || strings.Trim(n, "-0123456789./") != "" {
			t.Fatalf("%q: number %q, ok %v", answer, n, ok)
		}
		if again, _ := Number(n, "en"); again != n {
			t.Fatalf("%q: number %q reads as %q", answer, n, again)
		}
		if gold, err := Gold(n); ok && (err != nil || gold != n) {
			t.Fatalf("%q: number %q is the gold answer %q, %v", answer, n, gold, err)
		}
	})
}
