package datasets

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
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
// letters of any case. The opening <think> may be missing, as it is where the chat template opened the thought. A
// closing tag that the text only speaks of, in quotation marks, in code or within a sentence, ends none. A text with no
// other is all answer, and so is one without tags, returned as it is. ok is false for a thought that was never closed,
// where it begins the text or with <think> on a line of its own: it is no answer, whatever it says.
func SplitThought(text string) (thought, answer string, ok bool) {
	trimmed := strings.TrimSpace(strings.TrimLeftFunc(text, unseen))
	if thought, answer, ok, found := splitChannels(trimmed); found {
		return thought, answer, ok
	}
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
	_, opened := begun(trimmed)
	if i := closing(trimmed, tags[1], opened); i >= 0 {
		thought, _ = begun(trimmed[:i])
		return strings.TrimSpace(thought), strings.TrimSpace(trimmed[i+len(tags[1]):]), true
	}
	if thought, opened := begun(trimmed); opened {
		return strings.TrimSpace(thought), "", false
	}
	if at := thoughtLine.FindStringIndex(trimmed); at != nil && !inCode(trimmed[:at[0]]) {
		return strings.TrimSpace(trimmed[at[1]:]), "", false
	}
	return "", text, true
}

// closing returns where the closing tag of a thought is, -1 if nowhere: the last that is no quotation, or where the
// thought was opened and there is no such, the last that is not in quotation marks, or the last.
func closing(text, tag string, opened bool) int {
	small := smallASCII(text)
	last, unquoted, plain := -1, -1, -1
	for at := 0; ; {
		next := strings.Index(small[at:], tag)
		if next < 0 {
			break
		}
		at += next
		last = at
		before, after := text[:at], text[at+len(tag):]
		at += len(tag)
		if quotedBefore.MatchString(before[max(0, len(before)-8):]) || inCode(before) {
			continue
		}
		unquoted = last
		inside := strings.TrimRight(before, " ")
		if len(inside) < len(before) && inside != "" && strings.HasPrefix(after, " ") && !sentenceEnd.MatchString(inside) {
			continue
		}
		plain = last
	}
	switch {
	case plain >= 0 || !opened:
		return plain
	case unquoted >= 0:
		return unquoted
	}
	return last
}

// inCode reports whether a block of code is open at the end of a text.
func inCode(before string) bool { return strings.Count(before, "```")%2 == 1 }

// What stands before a closing tag that a text quotes, and before one that ends a thought.
var (
	quotedBefore = regexp.MustCompile("[`\"'“„«‘「『(\\[]$")
	sentenceEnd  = regexp.MustCompile(`[.!?:;。！？\n)\]*$]$`)
)

// The channels of gpt-oss as a server writes them that leaves special tokens out.
const (
	openChannel  = "analysis"
	finalChannel = "assistantfinal"
)

// splitChannels splits a text that begins with gpt-oss's channel of analysis, without the tokens around its name. found
// is false for any other text: an ordinary word is followed by a space.
func splitChannels(text string) (thought, answer string, ok, found bool) {
	rest, begun := strings.CutPrefix(text, openChannel)
	if !begun {
		return "", "", false, false
	}
	if i := strings.LastIndex(rest, finalChannel); i >= 0 {
		return strings.TrimSpace(rest[:i]), strings.TrimSpace(rest[i+len(finalChannel):]), true, true
	}
	if r, _ := utf8.DecodeRuneInString(rest); unicode.IsUpper(r) {
		return strings.TrimSpace(rest), "", false, true
	}
	return "", "", false, false
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
