package tokenizer

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is an entry of added_tokens: text that is one token wherever it occurs.
type addedToken struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`     // the token includes the white space before it
	RStrip     bool   `json:"rstrip"`     // and after it
	Normalized bool   `json:"normalized"` // searched for after normalization, else before
	Special    bool   `json:"special"`
}

// matcher finds added tokens in text: the leftmost, and of those that begin at the same place the longest.
type matcher struct {
	tokens  map[string]*addedToken // by the text to search for
	lengths [256][]int             // of the tokens that begin with a byte, longest first
}

func newMatcher(tokens []addedToken) *matcher {
	m := &matcher{tokens: make(map[string]*addedToken, len(tokens))}
	for i := range tokens {
		m.add(tokens[i].Content, &tokens[i])
	}
	return m
}

func (m *matcher) add(text string, t *addedToken) {
	if text == "" || m.tokens[text] != nil {
		return
	}
	m.tokens[text] = t
	lengths := m.lengths[text[0]]
	if i, found := slices.BinarySearchFunc(lengths, len(text), func(a, b int) int { return cmp.Compare(b, a) }); !found {
		m.lengths[text[0]] = slices.Insert(lengths, i, len(text))
	}
}

func (m *matcher) remove(t *addedToken) {
	maps.DeleteFunc(m.tokens, func(_ string, other *addedToken) bool { return other == t })
}

// at returns the longest token that s begins with, and its length in s, or nil.
func (m *matcher) at(s string) (*addedToken, int) {
	for _, n := range m.lengths[s[0]] {
		if n <= len(s) {
			if t := m.tokens[s[:n]]; t != nil {
				return t, n
			}
		}
	}
	return nil, 0
}

// cut calls text for each stretch between tokens, with its place in s, and token for each token, in order. As in the
// tokenizers library (tokenizer/added_vocabulary.rs, find_matches), what a token strips was searched through before, so
// that it may be stripped and a token as well.
func (m *matcher) cut(s string, text func(stretch string, at int), token func(*addedToken)) {
	from := 0
	for i := 0; i < len(s); {
		t, n := m.at(s[i:])
		if t == nil {
			i++
			continue
		}
		start, end := i, i+n
		i = end
		if t.SingleWord && (endsInWord(s[:start]) || beginsWithWord(s[end:])) {
			continue
		}
		if t.LStrip {
			start = max(from, len(strings.TrimRightFunc(s[:start], unicode.IsSpace)))
		}
		if t.RStrip {
			end = len(s) - len(strings.TrimLeftFunc(s[end:], unicode.IsSpace))
		}
		if from < start {
			text(s[from:start], from)
		}
		token(t)
		from = end
	}
	if from < len(s) {
		text(s[from:], from)
	}
}

func endsInWord(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && isWord(r)
}

func beginsWithWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && isWord(r)
}

// isWord is \w as Unicode has it (UTS #18, annex C): alphabetic, marks, decimal digits, connectors and joiners.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.Is(unicode.Nd, r) || unicode.Is(unicode.Nl, r) ||
		unicode.Is(unicode.Pc, r) || unicode.Is(unicode.Other_Alphabetic, r) || unicode.Is(unicode.Join_Control, r)
}
