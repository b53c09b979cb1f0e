package datasets

import "strings"

const (
	openThought  = "<think>"
	closeThought = "</think>"
)

// thoughtTags are those that models put around a thought; a chat template opens the first for them.
var thoughtTags = [][2]string{
	{openThought, closeThought}, {"<thinking>", "</thinking>"}, {"<thought>", "</thought>"}, {"[THINK]", "[/THINK]"},
	{"<seed:think>", "</seed:think>"},
}

// SplitThought returns what a model thought before its answer and the answer itself, each without white space around
// it, from a text that has the thought between <think> and </think>, or begins with one of a few tags like it. The
// opening <think> may be missing, as it is where the chat template opened the thought. A text without tags is all
// answer, returned as it is. ok is false for a thought that was never closed: it is no answer, whatever it says.
func SplitThought(text string) (thought, answer string, ok bool) {
	trimmed := strings.TrimSpace(text)
	tags := thoughtTags[0]
	for _, t := range thoughtTags {
		if strings.HasPrefix(trimmed, t[0]) {
			tags = t
		}
	}
	if before, after, closed := cutLast(text, tags[1]); closed {
		thought = strings.TrimPrefix(strings.TrimSpace(before), tags[0])
		return strings.TrimSpace(thought), strings.TrimSpace(after), true
	}
	if thought, opened := strings.CutPrefix(trimmed, tags[0]); opened {
		return strings.TrimSpace(thought), "", false
	}
	return "", text, true
}

func cutLast(text, mark string) (before, after string, found bool) {
	if i := strings.LastIndex(text, mark); i >= 0 {
		return text[:i], text[i+len(mark):], true
	}
	return text, "", false
}
