package langid

import (
	"strings"
	"unicode"
)

// The number of letters that a text must have: minLetters in the scripts that many languages share, Latin and Han, and
// minScriptLetters in the others. A character of Chinese, Japanese or Korean counts as two letters.
const (
	minLetters       = 8
	minScriptLetters = 3
)

// hanPerKana is the greatest ratio of Han to kana in a text that is taken for Japanese: Japanese prose has more kana,
// and a Chinese text may quote a few.
const hanPerKana = 10

// script is a script whose texts the identifier reads. Han and kana are one: Japanese has both.
type script struct {
	table  []*unicode.RangeTable
	weight int    // letters that a character counts as
	lang   string // its only language here, "" where the model decides
}

// scripts are in the order of how often a text is in them. A language that shares a script with one of the 176 of the
// model is left to the model (Assamese and Bengali, Yiddish and Hebrew).
var scripts = []script{
	{table: []*unicode.RangeTable{unicode.Latin}, weight: 1},
	{table: []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana}, weight: 2},
	{table: []*unicode.RangeTable{unicode.Cyrillic}, weight: 1},
	{table: []*unicode.RangeTable{unicode.Arabic}, weight: 1},
	{table: []*unicode.RangeTable{unicode.Devanagari}, weight: 1},
	{table: []*unicode.RangeTable{unicode.Bengali}, weight: 1},
	{table: []*unicode.RangeTable{unicode.Hebrew}, weight: 1},
	{table: []*unicode.RangeTable{unicode.Georgian}, weight: 1},
	{table: []*unicode.RangeTable{unicode.Myanmar}, weight: 1},
	{table: []*unicode.RangeTable{unicode.Hangul}, weight: 2, lang: "ko"},
	{table: []*unicode.RangeTable{unicode.Thai}, weight: 1, lang: "th"},
	{table: []*unicode.RangeTable{unicode.Greek}, weight: 1, lang: "el"},
	{table: []*unicode.RangeTable{unicode.Telugu}, weight: 1, lang: "te"},
	{table: []*unicode.RangeTable{unicode.Tamil}, weight: 1, lang: "ta"},
	{table: []*unicode.RangeTable{unicode.Kannada}, weight: 1, lang: "kn"},
	{table: []*unicode.RangeTable{unicode.Malayalam}, weight: 1, lang: "ml"},
	{table: []*unicode.RangeTable{unicode.Gujarati}, weight: 1, lang: "gu"},
	{table: []*unicode.RangeTable{unicode.Gurmukhi}, weight: 1, lang: "pa"},
	{table: []*unicode.RangeTable{unicode.Sinhala}, weight: 1, lang: "si"},
	{table: []*unicode.RangeTable{unicode.Armenian}, weight: 1, lang: "hy"},
	{table: []*unicode.RangeTable{unicode.Khmer}, weight: 1, lang: "km"},
	{table: []*unicode.RangeTable{unicode.Lao}, weight: 1, lang: "lo"},
}

const (
	latin = 0
	han   = 1
	other = -1
)

// scriptOf returns the index of a letter's script in scripts, or other.
func scriptOf(r rune) int {
	switch {
	case r <= unicode.MaxLatin1:
		return latin // of letters
	case unicode.Is(unicode.Inherited, r):
		return other
	}
	for i, s := range scripts {
		if unicode.In(r, s.table...) {
			return i
		}
	}
	return other
}

// isLetter includes marks: the vowels of Thai, Bengali and Hindi.
func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) }

// count is the letters of a text by script; the last one is all other scripts'.
type count struct {
	letters     []int // by index in scripts
	names       int   // of latin, the letters of words that begin with a capital
	kana, other int
}

func countLetters(text string) count {
	c := count{letters: make([]int, len(scripts))}
	inName, inWord := false, false
	for _, r := range text {
		if !isLetter(r) {
			inWord = inWord && (r == '\'' || r == '’')
			continue
		}
		if !inWord {
			inName = unicode.IsUpper(r)
		}
		inWord = true
		of := scriptOf(r)
		switch {
		case of == other && unicode.Is(unicode.Inherited, r):
		case of == other:
			c.other++
		default:
			c.letters[of] += scripts[of].weight
			if of == latin && inName {
				c.names++
			}
			if unicode.In(r, unicode.Hiragana, unicode.Katakana) {
				c.kana += scripts[of].weight
			}
		}
	}
	return c
}

// main returns the script that most letters are in and its share of the letters. Beside another script, the names and
// terms in Latin script have no vote: words with a capital.
func (c count) main() (best int, share float64) {
	total := c.other
	votes := func(i int) int {
		if i == latin {
			return c.letters[latin] - c.names
		}
		return c.letters[i]
	}
	foreign := c.other
	for i, n := range c.letters {
		if i != latin {
			foreign += n
		}
	}
	if foreign < minScriptLetters {
		return latin, float64(c.letters[latin]) / float64(max(1, c.letters[latin]+foreign))
	}
	for i := range c.letters {
		total += votes(i)
		if votes(i) > votes(best) {
			best = i
		}
	}
	if c.other >= votes(best) {
		return other, 0
	}
	return best, float64(votes(best)) / float64(total)
}

// only returns the text with a space for each word of another script.
func only(text string, of int) string {
	var kept strings.Builder
	fields := func(r rune) bool { return !isLetter(r) && r != '\'' && r != '’' && r != '-' }
	for _, word := range strings.FieldsFunc(text, fields) {
		own, foreign := 0, 0
		for _, r := range word {
			switch s := scriptOf(r); {
			case s == of:
				own++
			case isLetter(r) && s != other:
				foreign++
			}
		}
		switch {
		case own > 0 && foreign == 0:
			kept.WriteString(word)
			kept.WriteByte(' ')
		case own > 0: // Python语言 is one word
			for _, r := range word {
				if scriptOf(r) != of && scriptOf(r) != other {
					r = ' '
				}
				kept.WriteRune(r)
			}
			kept.WriteByte(' ')
		}
	}
	return kept.String()
}
