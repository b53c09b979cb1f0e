package tokenizer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SentencePiece's BPE, as Llama 2 and Mistral use it: a space is written ▁ (U+2581), tokens start as characters, words
// are not cut apart, and a character outside the vocabulary falls back to its bytes, <0x00> to <0xFF>.

const spaceMark = "\u2581"

// spacing says how a Metaspace marks spaces before SentencePiece's BPE.
type spacing struct {
	// where a mark is put before a piece of text that begins with none: "always", "first" (only at the start of the text)
	// or "never"
	prepend string
}

func (s *spacing) apply(text string, atStart bool) string {
	text = strings.ReplaceAll(text, " ", spaceMark)
	if s.prepend == "always" || s.prepend == "first" && atStart {
		if !strings.HasPrefix(text, spaceMark) {
			text = spaceMark + text
		}
	}
	return text
}

// cutBeforeMarks is the splitter of a Metaspace that cuts words: they end before each mark.
func cutBeforeMarks(out []string, text string) []string {
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

// setMetaspace reads the spacing from the pre-tokenizer that newer files have in place of normalizers.
func (t *Tokenizer) setMetaspace(p part) (splitter, error) {
	if p.Replacement != spaceMark {
		return nil, fmt.Errorf("step Metaspace: replacement %q is not supported; expected %q", p.Replacement, spaceMark)
	}
	t.spacing = &spacing{prepend: p.PrependScheme}
	if t.spacing.prepend == "" { // as in files before tokenizers 0.15
		t.spacing.prepend = "never"
		if p.AddPrefixSpace == nil || *p.AddPrefixSpace {
			t.spacing.prepend = "always"
		}
	}
	if !slices.Contains([]string{"always", "first", "never"}, t.spacing.prepend) {
		return nil, fmt.Errorf("step Metaspace: prepend_scheme %q is not supported; expected always, first or never",
			t.spacing.prepend)
	}
	if p.Split != nil && !*p.Split {
		return nil, nil
	}
	return cutBeforeMarks, nil
}

// setWords lets the encoder work by words: text is cut before a mark behind a character at which no merge crosses,
// which are all in the vocabularies of Llama 2 and Gemma 2, and all but > in that of Gemma 3. The tokens are the same,
// and words are found in the cache. It is not so where a character may be left out, whose neighbours then merge.
func (t *Tokenizer) setWords(f *file) {
	m := f.Model
	if _, ok := m.Vocab[spaceMark]; !ok || m.IgnoreMerges || len(t.MissingBytes()) > 0 && t.bpe.unknown == none {
		return
	}
	crossed := map[rune]bool{}
	for _, ab := range m.Merges {
		if strings.HasPrefix(ab[1], spaceMark) && !strings.HasSuffix(ab[0], spaceMark) {
			last, _ := utf8.DecodeLastRuneInString(ab[0])
			crossed[last] = true
		}
	}
	t.splitters = append(t.splitters, func(out []string, text string) []string {
		from := 0
		for i := 0; i < len(text); {
			at := strings.Index(text[i:], spaceMark)
			if at < 0 {
				break
			}
			if at > 0 {
				last, _ := utf8.DecodeLastRuneInString(text[:i+at])
				if !crossed[last] {
					out = append(out, text[from:i+at])
					from = i + at
				}
			}
			i += at + len(spaceMark)
		}
		return append(out, text[from:])
	})
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
