package tokenizer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SentencePiece's BPE, as Llama 2 and Mistral use it: a space is written ▁ (U+2581), tokens start as characters, words
// are not cut apart, and a character outside the vocabulary falls back to its bytes, <0x00> to <0xFF>.

const spaceMark = "\u2581"

// spacing says how spaces are marked before SentencePiece's BPE.
type spacing struct {
	// where a mark is put before a piece of text: "always", "first" (only at the start of the text) or "never"
	prepend string
	twice   bool // also before text that begins with a mark
	cut     bool // words end before each mark
}

func (s *spacing) apply(text string, atStart bool) string {
	text = strings.ReplaceAll(text, " ", spaceMark)
	if s.prepend == "always" || s.prepend == "first" && atStart {
		if s.twice || !strings.HasPrefix(text, spaceMark) {
			text = spaceMark + text
		}
	}
	return text
}

// words is the splitter of a Metaspace that cuts words.
func (s *spacing) words(out []string, text string) []string {
	for {
		_, first := utf8.DecodeRuneInString(text)
		i := strings.Index(text[first:], spaceMark)
		if i < 0 {
			return append(out, text)
		}
		out = append(out, text[:first+i])
		text = text[first+i:]
	}
}

// setSpacing reads the spacing from normalizers: Prepend, which has no exceptions, and Replace.
func (t *Tokenizer) setSpacing(parts []part) error {
	s := &spacing{prepend: "never"}
	if len(parts) == 2 && parts[0].Type == "Prepend" && parts[0].Prepend == spaceMark {
		s.prepend, s.twice, parts = "always", true, parts[1:]
	}
	if len(parts) != 1 || parts[0].Type != "Replace" || parts[0].Content != spaceMark ||
		parts[0].Pattern.String == nil || *parts[0].Pattern.String != " " {
		return fmt.Errorf("not supported with byte_fallback; expected Prepend %q and Replace of spaces by %q", spaceMark,
			spaceMark)
	}
	t.spacing = s
	return nil
}

// setMetaspace reads the spacing from the pre-tokenizer that newer files have in place of normalizers.
func (t *Tokenizer) setMetaspace(p *part) error {
	if p == nil && t.spacing != nil {
		return nil
	}
	if p == nil || t.spacing != nil || p.Type != "Metaspace" || p.Replacement != spaceMark {
		return fmt.Errorf("not supported with byte_fallback; expected Metaspace, or a normalizer that replaces spaces")
	}
	s := &spacing{prepend: p.PrependScheme, cut: p.Split == nil || *p.Split}
	if s.prepend == "" { // as in files before tokenizers 0.15
		s.prepend = "never"
		if p.AddPrefixSpace {
			s.prepend = "always"
		}
	}
	if s.cut {
		t.splitters = []splitter{s.words}
	}
	t.spacing = s
	return nil
}

// pieceBytes returns the bytes of a token.
func pieceBytes(token string) string {
	if len(token) == 6 && strings.HasPrefix(token, "<0x") && token[5] == '>' {
		if b, err := strconv.ParseUint(token[3:5], 16, 8); err == nil {
			return string([]byte{byte(b)})
		}
	}
	return strings.ReplaceAll(token, spaceMark, " ")
}
