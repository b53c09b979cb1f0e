package datasets

import "strings"

const (
	openThought  = "<think>"
	closeThought = "</think>"
)

// SplitThought returns what a model thought before its answer and the answer itself, each without white space around
// it, from a text that has the thought between <think> and </think>. The opening tag may be missing, as it is where the
// chat template opened the thought. A text without tags is all answer, returned as it is. ok is false for a thought
// that was never closed: it is no answer, whatever it says.
func SplitThought(text string) (thought, answer string, ok bool) {
	if before, after, closed := cutLast(text, closeThought); closed {
		thought = strings.TrimPrefix(strings.TrimSpace(before), openThought)
		return strings.TrimSpace(thought), strings.TrimSpace(after), true
	}
	if thought, opened := strings.CutPrefix(strings.TrimSpace(text), openThought); opened {
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
