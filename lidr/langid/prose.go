package langid

import (
	"regexp"
	"strings"
	"unicode"
)

var (
	fenced  = regexp.MustCompile("(?s)```.*?(?:```|$)")
	inline  = regexp.MustCompile("`[^`\n]*`")
	address = regexp.MustCompile(`(?:https?://|www\.)\S+|\S+@\S+\.\S+`)
	command = regexp.MustCompile(`\\[A-Za-z]+`) // LaTeX
	tag     = regexp.MustCompile(`</?[A-Za-z][^<>\n]*>`)
	gloss   = regexp.MustCompile(`[(（][\p{Latin}\P{L}]*?[)）]`) // in brackets, of no letters but Latin ones
)

// Prose returns a text without code, addresses, LaTeX and tags, and whether it has enough letters to identify its
// language: 8 in the scripts that several languages share, Latin and Han, and 3 in the others. An identifier that
// begins with Prose leaves the same texts undetermined as [Default] does for lack of letters.
func Prose(text string) (prose string, enough bool) {
	prose = proseOf(text)
	shared, single := 0, 0 // letters of scripts of several languages, and of one
	for _, r := range prose {
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			switch s := scriptOf(r); s {
			case other:
				single++
			case latin, han:
				if unicode.In(r, unicode.Hiragana, unicode.Katakana) {
					single += scripts[s].weight
				} else {
					shared += scripts[s].weight
				}
			default:
				single += scripts[s].weight
			}
		}
	}
	if single < shared {
		return prose, shared >= minLetters
	}
	return prose, single >= minScriptLetters
}

// A line is taken for prose if it has more than lettersPerMark letters for each mark of code punctuation.
const lettersPerMark = 5

// proseOf returns a text without what is in no language: fenced and inline code, addresses, LaTeX commands, tags, and
// lines with much code punctuation.
func proseOf(text string) string {
	for _, notProse := range []*regexp.Regexp{fenced, inline, address, command, tag} {
		text = notProse.ReplaceAllString(text, " ")
	}
	var prose strings.Builder
	for line := range strings.Lines(text) {
		letters, marks := 0, 0
		for _, r := range line {
			switch {
			case unicode.IsLetter(r):
				letters++
			case strings.ContainsRune("{}[]();=<>_/\\|#&+", r):
				marks++
			}
		}
		if marks*lettersPerMark < letters {
			prose.WriteString(line)
		}
	}
	return prose.String()
}

// withoutGlosses returns a text in another script than Latin without what it says in Latin script in brackets: names,
// units, and terms in English.
func withoutGlosses(text string) string {
	rest := gloss.ReplaceAllString(text, " ")
	letters := countLetters(rest)
	foreign := letters.other
	for i, n := range letters.letters {
		if i != latin {
			foreign += n
		}
	}
	if foreign < minLetters || foreign < letters.letters[latin]-letters.names {
		return text
	}
	return rest
}
