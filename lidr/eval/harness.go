package eval

import (
	"regexp"
	"strings"
)

// The readings of lm-evaluation-harness (tasks/mgsm/native_cot, commit 4e7e0d4): the same expressions and the same
// comparison, so that figures can be compared with those of other reports. They keep the harness's weaknesses: "18.00"
// becomes 1800, and a strict phrase that is followed by "$" is not found.

// strictPhrase has the harness's answer phrase of each language of MGSM with the number as a group. For Bengali the
// harness has the English phrase.
var strictPhrase = map[string]*regexp.Regexp{
	"bn": regexp.MustCompile(`The answer is (\-?[0-9\.\,]+)`),
	"de": regexp.MustCompile(`Die Antwort lautet (\-?[0-9\.\,]+)`),
	"en": regexp.MustCompile(`The answer is (\-?[0-9\.\,]+)`),
	"es": regexp.MustCompile(`La respuesta es (\-?[0-9\.\,]+)`),
	"fr": regexp.MustCompile(`La réponse est (\-?[0-9\.\,]+)`),
	"ja": regexp.MustCompile(`答えは(\-?[0-9\.\,]+)です。`),
	"ru": regexp.MustCompile(`Ответ — (\-?[0-9\.\,]+)`),
	"sw": regexp.MustCompile(`Jibu ni (\-?[0-9\.\,]+)`),
	"te": regexp.MustCompile(`సమాధానం (\-?[0-9\.\,]+)`),
	"th": regexp.MustCompile(`คำตอบคือ (\-?[0-9\.\,]+)`),
	"zh": regexp.MustCompile(`答案是 (\-?[0-9\.\,]+)。`),
}

var flexible = regexp.MustCompile(`(-?[$0-9.,]{2,})|(-?[0-9]+)`)

// StrictNumber returns the harness's "strict-match": the number after the first answer phrase of the language, "" if
// the phrase is missing or the language is not one of MGSM's.
func StrictNumber(answer, lang string) string {
	phrase, ok := strictPhrase[lang]
	if !ok {
		return ""
	}
	if m := phrase.FindStringSubmatch(answer); m != nil {
		return m[1]
	}
	return ""
}

// FlexibleNumber returns the harness's "flexible-extract": the last part of the answer that looks like a number, "" if
// there is none.
func FlexibleNumber(answer string) string {
	matches := flexible.FindAllString(answer, -1)
	if len(matches) == 0 {
		return ""
	}
	return matches[len(matches)-1]
}

// HarnessEqual reports the harness's exact match with ignore_case and ignore_punctuation: whether both are equal
// without ASCII punctuation. An extracted number of "" equals no gold answer.
func HarnessEqual(extracted, gold string) bool {
	return extracted != "" && withoutPunctuation(extracted) == withoutPunctuation(gold)
}

func withoutPunctuation(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}
