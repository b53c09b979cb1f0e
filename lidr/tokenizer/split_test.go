package tokenizer

import (
	"slices"
	"testing"
	"unicode/utf8"
)

// regexes returns the splitters that scanWords is compared with, by their number of digits.
func regexes(t testing.TB) map[int]splitter {
	t.Helper()
	m := map[int]splitter{}
	for digits, pattern := range map[int]string{1: QwenPattern, 3: LlamaPattern} {
		s, err := regexSplitter(pattern, false)
		if err != nil {
			t.Fatal(err)
		}
		m[digits] = s
	}
	return m
}

// TestScanWordsIsTheExpression compares both on every string of up to five characters over one character of each kind
// that the expression tells apart.
func TestScanWordsIsTheExpression(t *testing.T) {
	alphabet := []rune{'\'', 's', 'L', 'é', '1', ' ', '\u00a0', '\n', '\r', '!', '\u0301'}
	for digits, re := range regexes(t) {
		var got, want []string
		var try func(s string, left int)
		try = func(s string, left int) {
			got, want = scanWords(got[:0], s, digits), re(want[:0], s)
			if !slices.Equal(got, want) {
				t.Fatalf("scanWords(%q, %d) = %q; the expression gives %q", s, digits, got, want)
			}
			if left > 0 {
				for _, r := range alphabet {
					try(s+string(r), left-1)
				}
			}
		}
		try("", 5)
	}
	// The alphabet above has one contraction; here are all of them, and near misses, in every case.
	for digits, re := range regexes(t) {
		for _, a := range "sStTrRvVmMlLdDeEſx1 \n" {
			for _, b := range "eElLsx' 1" {
				s := "a'" + string(a) + string(b) + "z"
				if got, want := scanWords(nil, s, digits), re(nil, s); !slices.Equal(got, want) {
					t.Fatalf("scanWords(%q, %d) = %q; the expression gives %q", s, digits, got, want)
				}
			}
		}
	}
}

func TestClassesAreTheExpressions(t *testing.T) {
	want := map[class]splitter{}
	for c, pattern := range map[class]string{letter: `\p{L}`, number: `\p{N}`, space: `\s`, other: `[^\s\p{L}\p{N}]`} {
		s, err := regexSplitter(pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		want[c] = s
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r == 0x3400 { // the large blocks of one class each, CJK to Hangul, are sampled at their ends
			r = 0x4db0
		} else if r == 0x4e10 {
			r = 0x9ff0
		} else if r == 0xac10 {
			r = 0xd790
		} else if r == 0xd800 {
			r = 0xe000
		} else if r == 0xe010 {
			r = 0xf8f0
		} else if r == 0x20010 {
			r = 0x10fff0
		}
		if c := classOf(r); len(want[c](nil, string(r))) != 1 {
			t.Fatalf("%U is not in the expression's class %d", r, c)
		}
	}
}

func FuzzScanWords(f *testing.F) {
	texts := []string{"It's 10:45; they'LL say \r\n\r\n so  ", "日本 12345 ٣٤ \u2028x\u0301", "'s'T're ''ve\t\n!\n"}
	for _, s := range texts {
		f.Add(s)
	}
	res := regexes(f)
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		for digits, re := range res {
			if got, want := scanWords(nil, s, digits), re(nil, s); !slices.Equal(got, want) {
				t.Fatalf("scanWords(%q, %d) = %q; the expression gives %q", s, digits, got, want)
			}
		}
	})
}
