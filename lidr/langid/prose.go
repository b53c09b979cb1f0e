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
)

// Prose returns what of a text is in a language, code, addresses, LaTeX and tags being taken out, and whether that is
// enough to tell which: 8 letters where several languages share the script, Latin and Han, and 3 elsewhere. Another
// identifier that begins with Prose leaves the same texts undetermined as [Default] does for want of letters.
func Prose(text string) (prose string, enough bool) {
	prose = proseOf(text)
	shared, own := 0, 0
	for _, r := range prose {
		if unicode.IsLetter(r) || unicode.IsMark(r) {
			if script, weight := scriptOf(r); script == "latin" || script == "zh" {
				shared += weight
			} else {
				own += weight
			}
		}
	}
	if own < shared {
		return prose, shared >= minLetters
	}
	return prose, own >= minScriptLetters
}

// proseOf takes out what is in no language: fenced and inline code, addresses, LaTeX commands, tags, and lines in
// which code punctuation stands beside every fifth letter or more.
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
		if marks*5 < letters {
			prose.WriteString(line)
		}
	}
	return prose.String()
}
