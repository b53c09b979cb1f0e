package datasets

import "strings"

// The tags of the translation step. The text to translate is put between <sentence> tags, the assistant's turn begins
// with <translated>, and the translation ends before </translated> (the reference code of LIDR, section 3 of the
// paper's summary).
const (
	openTranslated  = "<translated>"
	closeTranslated = "</translated>"
)

// ExtractTranslation returns the translation in a completion. The completion may begin inside the tag, as it does when
// the assistant's turn was prefilled with <translated>, or open the tag itself. Text before the opening tag and after
// the first closing tag is dropped, and so is white space around the translation. What a model thought before it
// answered ([SplitThought]) is no part of the completion, whatever tags it speaks of.
//
// It fails, with a reason in words, if the closing tag is missing (the answer was cut off or ignored the form), if the
// tag is opened more than once, if the text has a <sentence> tag of the instruction, if it is empty, or if a thought
// does not end, or ends where it may as well be text that the translation quotes. A failed translation is recorded and
// its prompt dropped for that language; no text is ever guessed.
//
// A model must therefore not stop at "</translated>" as a stop string: the tag proves that the text is complete.
func ExtractTranslation(completion string) (text string, ok bool, reason string) {
	_, answer, ended := SplitThought(completion)
	if !ended {
		return "", false, "no closing </think>"
	}
	small := smallASCII(strings.TrimLeftFunc(completion, unseen))
	begun := strings.HasPrefix(small, openThought)
	if strings.Contains(small, closeThought) && !begun && !strings.Contains(answer, openTranslated) {
		return "", false, "a </think> that nothing opened, and no <translated> after it"
	}
	inside, _, closed := strings.Cut(answer, closeTranslated)
	if !closed {
		return "", false, "no closing </translated>"
	}
	if strings.Count(inside, openTranslated) > 1 {
		return "", false, "more than one <translated>"
	}
	if _, after, opened := strings.Cut(inside, openTranslated); opened {
		inside = after
	}
	if strings.Contains(inside, "<sentence>") || strings.Contains(inside, "</sentence>") {
		return "", false, "a <sentence> tag of the instruction in the text"
	}
	text = strings.TrimSpace(inside)
	if strings.TrimLeftFunc(text, unseen) == "" {
		return "", false, "nothing between the tags"
	}
	return text, true, ""
}
