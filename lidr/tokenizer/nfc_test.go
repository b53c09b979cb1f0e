package tokenizer

import "testing"

// Expected are the tokenizers library's: U+0898 is a mark since Unicode 14 and orders nothing in Unicode 9's tables.
func TestNFC(t *testing.T) {
	for in, want := range map[string]string{
		"e\u0301":              "é",
		"E\u0301\u0323":        "\u1eb8\u0301",
		"E\u0898\u0323":        "E\u0898\u0323",
		"e\u0301\u0898e\u0301": "é\u0898é",
		"\xffe\u0301\xff":      "\xffé\xff",
	} {
		if got := nfc(in); got != want {
			t.Errorf("nfc(%q) = %q; expected %q", in, got, want)
		}
	}
}
