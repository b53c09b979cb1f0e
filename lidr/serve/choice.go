package serve

import (
	"strconv"

	"lidrlab/lidr/lm/local"
)

// choice is one of the answers to a request, under way.
type choice struct {
	form   *form
	index  int
	query  local.Query
	stream *local.Stream
	echo   *string // the prompt's text, until it has been sent; nil where it is not to be
	offset int     // characters of the answer so far, for text_offset
}

// part returns the fields of a piece of the answer that both forms and their chunks have.
func (c *choice) part(piece local.Piece) map[string]any {
	out := map[string]any{"index": c.index, "logprobs": nil, "finish_reason": nil}
	if piece.Finish != "" {
		out["finish_reason"] = piece.Finish
	}
	text, tokens, first := piece.Text, piece.Tokens, false
	if c.echo != nil {
		text, first = *c.echo+text, true
		if c.query.Logprobs {
			tokens = append(append([]local.Token{{ID: c.query.Prompt[0]}}, c.stream.Prompt()...), tokens...)
		}
		c.echo = nil
	}
	switch {
	case c.query.Logprobs && c.form.chat:
		out["logprobs"] = map[string]any{"content": c.form.chatLogprobs(tokens), "refusal": nil}
	case c.query.Logprobs:
		out["logprobs"] = c.rawLogprobs(tokens, first)
	}
	if !c.form.chat {
		out["text"] = text
	}
	return out
}

// rawLogprobs returns the older form: parallel lists, and alternatives by their text, the token itself among them.
// first says that the first token begins a prompt, so that it has no log-probability.
func (c *choice) rawLogprobs(tokens []local.Token, first bool) map[string]any {
	texts, offsets := make([]string, len(tokens)), make([]int, len(tokens))
	logprobs, top := make([]*float64, len(tokens)), make([]map[string]float64, len(tokens)) // null for none
	for i, t := range tokens {
		own := c.form.token(t.ID, t.Logprob)
		texts[i], offsets[i] = own.Token, c.offset
		c.offset += len([]rune(own.Token))
		if first && i == 0 {
			continue
		}
		logprobs[i], top[i] = &own.Logprob, map[string]float64{own.Token: own.Logprob}
		for _, a := range t.Top {
			other := c.form.token(a.ID, a.Logprob)
			if _, there := top[i][other.Token]; !there { // the likelier of two with the same text
				top[i][other.Token] = other.Logprob
			}
		}
	}
	return map[string]any{"tokens": texts, "token_logprobs": logprobs, "text_offset": offsets, "top_logprobs": top}
}

// promptLogprobs returns vLLM's form: null for the first token, {ID: {logprob, rank, decoded_token}} for the others,
// the prompt's own token among them. Its rank is null where it is none of the alternatives.
func (f *form) promptLogprobs(tokens []local.Token) []any {
	out := make([]any, 1, len(tokens)+1)
	for _, t := range tokens {
		entry := map[string]any{}
		add := func(id int, logprob float64, rank any) {
			entry[strconv.Itoa(id)] = map[string]any{"logprob": finite(logprob), "rank": rank,
				"decoded_token": f.token(id, 0).Token}
		}
		add(t.ID, t.Logprob, nil)
		for k, a := range t.Top {
			add(a.ID, a.Logprob, k+1)
		}
		out = append(out, entry)
	}
	return out
}
