package tokenizer

import (
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// Expected are the tokenizers library's: U+0898 is a mark since Unicode 14 and orders nothing in Unicode 9's tables.
func TestNFC(t *testing.T) {
	for in, want := range map[string]string{
		"e\u0301":              "é",
		"E\u0301\u0323":        "\u1eb8\u0301",
		"E\u0898\u0323":        "E\u0898\u0323",
		"e\u0301\u0898e\u0301": "é\u0898é",
		strings.Repeat("e\u0301", 2) + strings.Repeat("\u0301\u0323", 40): "éẹ" + strings.Repeat("\u0323", 39) +
			strings.Repeat("\u0301", 41),
		"\xffe\u0301\xff": "\xffé\xff",
	} {
		if got := nfc(in); got != want {
			t.Errorf("nfc(%q) = %q; expected %q", in, got, want)
		}
	}
}

// Composing by hand is what package norm does, where no text has many marks in a row.
func TestComposedByHand(t *testing.T) {
	alphabet := []rune("aeEoAcĉẹé\u0301\u0323\u0302\u0327\u0338=각가\u11a8\u1100\u1161" +
		"क\u093c\u0958わ\u3099\u0d46\u0d3e \u00c5\u212b")
	r := rand.New(rand.NewPCG(2, 3))
	for range 20000 {
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		if got, want := composedByHand(b.String()), norm.NFC.String(b.String()); got != want {
			t.Fatalf("%+q is composed to %+q; package norm has %+q", b.String(), got, want)
		}
	}
}
