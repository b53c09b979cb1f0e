package datasets

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	openThought  = "<think>"
	closeThought = "</think>"
)

// thoughtTags are those that models put around a thought, in small letters; a chat template opens the first for them.
// The last are gpt-oss's, whose answer begins where the other channel does.
var thoughtTags = [][2]string{
	{openThought, closeThought}, {"<thinking>", "</thinking>"}, {"<thought>", "</thought>"}, {"[think]", "[/think]"},
	{"<seed:think>", "</seed:think>"}, {"<reasoning>", "</reasoning>"}, {"◁think▷", "◁/think▷"},
	{"<|begin_of_thought|>", "<|end_of_thought|>"}, {"<|channel|>analysis<|message|>", "<|channel|>final<|message|>"},
}

// SplitThought returns what a model thought before its answer and the answer itself, each without white space around
// it, from a text that has the thought between <think> and </think>, or begins with one of a few tags like it, in
// letters of any case. The opening <think> may be missing, as it is where the chat template opened the thought. A text
// without tags is all answer, returned as it is. ok is false for a thought that was never closed, where it begins the
// text or with <think> on a line of its own: it is no answer, whatever it says.
func SplitThought(text string) (thought, answer string, ok bool) {
	trimmed := strings.TrimSpace(strings.TrimLeftFunc(text, unseen))
	tags := thoughtTags[0]
	for _, t := range thoughtTags {
		if strings.HasPrefix(smallASCII(trimmed), t[0]) {
			tags = t
		}
	}
	begun := func(text string) (rest string, ok bool) {
		if strings.HasPrefix(smallASCII(text), tags[0]) {
			return text[len(tags[0]):], true
		}
		return text, false
	}
	if i := strings.LastIndex(smallASCII(trimmed), tags[1]); i >= 0 {
		thought, _ = begun(trimmed[:i])
		return strings.TrimSpace(thought), strings.TrimSpace(trimmed[i+len(tags[1]):]), true
	}
	if thought, opened := begun(trimmed); opened {
		return strings.TrimSpace(thought), "", false
	}
	if at := thoughtLine.FindStringIndex(trimmed); at != nil {
		return strings.TrimSpace(trimmed[at[1]:]), "", false
	}
	return "", text, true
}

// thoughtLine is an opening tag on a line of its own.
var thoughtLine = regexp.MustCompile(`(?im)^<think>[ \t\r]*$`)

// unseen says whether a character does not show, such as a byte order mark.
func unseen(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// smallASCII returns text with A to Z in small letters, in as many bytes.
func smallASCII(text string) string {
	small := []byte(text)
	for i, b := range small {
		if 'A' <= b && b <= 'Z' {
			small[i] += 'a' - 'A'
		}
	}
	return string(small)
}
