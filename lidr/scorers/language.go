package scorers

import (
	"context"
	"strings"
	"unicode/utf8"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/langid"
)

// Language is how far a sample is in the language of its prompt, l: by default p(l), the probability that the run's
// language identifier gives to l where l is the likeliest language, and 0 where another one is. It is a factor or a
// term beside other scores ([Product], [Sum]).
type Language struct {
	// Share is the share of words in l instead: of the words of the sample's sentences and lines whose language the
	// identifier can tell, those of sentences in l. It tells an answer that changes its language half-way from one that
	// does not.
	Share bool
}

// Name implements [lidr.Scorer].
func (s Language) Name() string {
	if s.Share {
		return "language-share"
	}
	return "language"
}

// Key implements [lidr.Scorer].
func (s Language) Key() string { return s.Name() + "/1" }

// Score implements [lidr.Scorer].
func (s Language) Score(_ context.Context, run *lidr.Run, _ *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	rows := make([]lidr.SampleScore, len(samples))
	for i, row := range samples {
		is := func(lang string) bool { return lang == row.Lang || lang == langid.Base(row.Lang) }
		if !s.Share {
			lang, p := run.Identify(row.Response)
			if lang == "" {
				rows[i] = nan("language undetermined")
			} else if is(lang) {
				rows[i].Score = p
			}
			continue
		}
		own, told := 0, 0
		for _, part := range sentences(row.Response) {
			lang, _ := run.Identify(part)
			if lang == "" {
				continue
			}
			told += words(part)
			if is(lang) {
				own += words(part)
			}
		}
		if told == 0 {
			rows[i] = nan("language undetermined")
			continue
		}
		rows[i].Score = float64(own) / float64(told)
	}
	return rows, nil
}

// sentences cuts a text at the ends of its sentences and lines.
func sentences(text string) []string {
	var out []string
	start := 0
	for i, r := range text {
		if !strings.ContainsRune(".!?。！？।\n", r) {
			continue
		}
		end := i + utf8.RuneLen(r)
		next, _ := utf8.DecodeRuneInString(text[end:])
		if r == '.' && end < len(text) && next != ' ' && next != '\n' { // 3.5, example.org
			continue
		}
		out, start = append(out, text[start:end]), end
	}
	return append(out, text[start:])
}

// words counts the words of a text; a script without spaces has one for every two characters.
func words(text string) int {
	n := 0
	for _, field := range strings.Fields(text) {
		n += max(1, spaceless(field)/2)
	}
	return n
}

// spaceless counts the characters of scripts that put no spaces between words.
func spaceless(text string) int {
	n := 0
	for _, r := range text {
		if r >= 0x0E00 && r < 0x0F00 || r >= 0x3040 && r < 0xA000 { // Thai and Lao; kana and Han
			n++
		}
	}
	return n
}
