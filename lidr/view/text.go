package view

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"lidrlab/lidr"
	"lidrlab/lidr/printable"
)

// piece is a part of a text: what was searched for is marked.
type piece struct {
	Text string
	Hit  bool
}

// shown cuts a text into pieces at the words that were searched for. Control characters, which could turn the text
// around it, are written out.
func shown(text, searched string) []piece {
	text = printable.Text(text)
	want := words(searched)
	if len(want) == 0 {
		return []piece{{Text: text}}
	}
	for i := range want {
		want[i] = regexp.QuoteMeta(want[i])
	}
	hit := regexp.MustCompile("(?i)" + strings.Join(want, "|"))
	var pieces []piece
	at := 0
	for _, place := range hit.FindAllStringIndex(text, 1000) {
		if place[0] > at {
			pieces = append(pieces, piece{Text: text[at:place[0]]})
		}
		pieces = append(pieces, piece{text[place[0]:place[1]], true})
		at = place[1]
	}
	return append(pieces, piece{Text: text[at:]})
}

// plain is a text of one line without control characters.
func plain(s string) string { return printable.Line(s) }

// langTag is a language for the attribute lang: "" for what is none.
func langTag(code string) string {
	tag, err := language.Parse(code)
	if err != nil {
		return ""
	}
	return tag.String()
}

// languageName is a language in English, its code where it has no name.
func languageName(code string) string {
	if name := lidr.LanguageName(code); name != "" {
		return name
	}
	return code
}

// shortened is a text of at most so many characters, and how many it lacks.
func shortened(s string, most int) (short string, rest int) {
	n := utf8.RuneCountInString(s)
	if n <= most {
		return s, 0
	}
	i := 0
	for at := range s {
		if i == most {
			return s[:at], n - most
		}
		i++
	}
	return s, 0
}
