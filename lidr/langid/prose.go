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
