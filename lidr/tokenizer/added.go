package tokenizer

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
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
type matcher struct{ byFirst [256][]addedToken }

func newMatcher(tokens []addedToken) *matcher {
	m := &matcher{}
	for _, t := range tokens {
		m.byFirst[t.Content[0]] = append(m.byFirst[t.Content[0]], t)
	}
	for _, l := range m.byFirst {
		slices.SortStableFunc(l, func(a, b addedToken) int { return cmp.Compare(len(b.Content), len(a.Content)) })
	}
	return m
}

// at returns the longest token that s begins with, or nil.
func (m *matcher) at(s string) *addedToken {
	l := m.byFirst[s[0]]
	for i := range l {
		if strings.HasPrefix(s, l[i].Content) {
			return &l[i]
		}
	}
	return nil
}

// cut calls text for each stretch between tokens and token for each token, in order.
func (m *matcher) cut(s string, text func(string), token func(*addedToken)) {
	from := 0
	for i := 0; i < len(s); {
		t := m.at(s[i:])
		if t == nil {
			i++
			continue
		}
		before, end := s[from:i], i+len(t.Content)
		if t.LStrip {
			before = strings.TrimRightFunc(before, unicode.IsSpace)
		}
		if before != "" {
			text(before)
		}
		token(t)
		if t.RStrip {
			end = len(s) - len(strings.TrimLeftFunc(s[end:], unicode.IsSpace))
		}
		from, i = end, end
	}
	if from < len(s) {
		text(s[from:])
	}
}
