package local

import (
	"bytes"

	"lidrlab/lidr/lm"
)

// answer collects the tokens of one item until it ends.
type answer struct {
	prompt  []int
	limit   int // tokens it may have
	sampler *sampler
	stream  *Stream // receives each token; nil in Generate
	endless bool    // an end-of-turn token is one among others

	tokens []int
	bytes  []byte // the text of the tokens
	ended  bool   // its queue knows
	finish string // lm.FinishStop or lm.FinishLength once it has ended
}

// add adds a drawn token. spelling are the bytes that it adds to the text, ends says whether it ends the turn.
func (a *answer) add(token int, spelling []byte, ends bool) {
	a.tokens = append(a.tokens, token)
	before := len(a.bytes)
	a.bytes = append(a.bytes, spelling...)
	if cut := findStop(a.bytes, before, a.sampler.Stop); ends && !a.endless || cut >= 0 {
		a.finish = lm.FinishStop
		if cut >= 0 {
			a.bytes = a.bytes[:cut]
		}
	} else if len(a.tokens) >= a.limit {
		a.finish = lm.FinishLength
	}
}

// findStop returns the index of the earliest stop text in b, or -1. No stop text ends before the byte fresh, but one
// may begin before it.
func findStop(b []byte, fresh int, stops []string) int {
	first := -1
	for _, stop := range stops {
		from := max(0, fresh-len(stop)+1)
		if i := bytes.Index(b[from:], []byte(stop)); i >= 0 && (first < 0 || from+i < first) {
			first = from + i
		}
	}
	return first
}
