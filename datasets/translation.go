package datasets

import "strings"

// The tags of the translation step. The text to translate stands between <sentence> tags, the assistant's turn begins
// with <translated>, and the translation is what stands before </translated> (the reference code of LIDR, section 3 of
// the paper's summary).
const (
	openTranslated  = "<translated>"
	closeTranslated = "</translated>"
)

// ExtractTranslation cuts the translation out of a completion. The completion may begin inside the tag, as it does
// when the assistant's turn was prefilled with <translated>, or open the tag itself; what stands before the opening
// and after the first closing tag is dropped, and so is white space around the text.
//
// It fails, with a reason in words, where the closing tag is missing (the answer was cut off or ignored the form),
// where the tag is opened more than once, where a <sentence> tag of the instruction came back, or where nothing stands
// inside. A failed translation is recorded and its prompt dropped for that language; no text is ever guessed.
//
// A model must therefore not stop at "</translated>" as a stop string: the tag is the proof that the text is whole.
func ExtractTranslation(completion string) (text string, ok bool, reason string) {
	inside, _, closed := strings.Cut(completion, closeTranslated)
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
	if text == "" {
		return "", false, "nothing between the tags"
	}
	return text, true, ""
}
