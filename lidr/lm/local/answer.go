package local

import (
	"bytes"
	"slices"

	"lidrlab/lidr/lm"
)

// answer collects the tokens of one item until it ends.
type answer struct {
	prompt  []int
	limit   int // tokens it may have
	sampler *sampler
	stream  *Stream // receives each token; nil in Generate
	endless bool    // an end-of-turn token is one among others

	pages  []int32   // of the cache, in the order of the text
	read   int       // tokens whose keys and values they hold
	shared int       // tokens of the prompt that had been read for others
	twins  []*answer // to the same prompt, while it is being read

	tokens []int
	bytes  []byte // the text of the tokens
	ended  bool   // its queue knows
	finish string // lm.FinishStop or lm.FinishLength once it has ended
}

// length returns the number of tokens of prompt and answer.
func (a *answer) length() int { return len(a.prompt) + len(a.tokens) }

// text returns some of the tokens of prompt and answer.
func (a *answer) text(from, to int) []int { return slices.Concat(a.prompt, a.tokens)[from:to] }

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
