package serve

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lidrlab/lidr/lm/local"
)

// form is the format of one of the two kinds of completion.
type form struct {
	server *Server
	chat   bool
	head   map[string]any // id, created, model
	offset int            // characters of the answer so far, for text_offset
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request, body []byte, read func()) {
	s.answer(w, r, body, read, &form{server: s, chat: true, head: map[string]any{"id": "chatcmpl-" + rand.Text()}})
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request, body []byte, read func()) {
	s.answer(w, r, body, read, &form{server: s, head: map[string]any{"id": "cmpl-" + rand.Text()}})
}

// answer reads a request, calls read, and answers it. If the client disconnects, its request ends.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, body []byte, read func(), f *form) {
	req, err := s.parse(body, f.chat)
	read()
	if err != nil {
		refuse(w, problemOf(err))
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel() // ends the computation of an answer that cannot be delivered
	stream, err := s.batcher.Submit(ctx, req.query)
	if err != nil {
		refuse(w, problemOf(err))
		return
	}
	f.head["created"] = time.Now().Unix()
	f.head["model"] = s.options.Name
	f.head["system_fingerprint"] = "fp_" + s.print[:min(16, len(s.print))]
	if req.stream {
		f.send(w, req, stream)
		return
	}
	var whole local.Piece
	for whole.Finish == "" {
		piece, err := stream.Next()
		if err != nil {
			refuse(w, problemOf(err))
			return
		}
		whole.Text += piece.Text
		whole.Tokens, whole.Finish = append(whole.Tokens, piece.Tokens...), piece.Finish
	}
	choice := f.choice(whole, req.query)
	if f.chat {
		choice["message"] = map[string]any{"role": "assistant", "content": whole.Text, "refusal": nil}
	}
	out := f.envelope("chat.completion", []any{choice})
	out["usage"] = usage(req.query, len(whole.Tokens))
	if req.query.PromptLogprobs {
		out["prompt_logprobs"] = f.promptLogprobs(req.query.Prompt, stream.PromptLogprobs())
	}
	reply(w, http.StatusOK, out)
}

// send writes an answer as server-sent events.
func (f *form) send(w http.ResponseWriter, req *request, stream *local.Stream) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	event := func(data []byte) error {
		deadline(w)
		if _, err := w.Write([]byte("data: " + string(data) + "\n\n")); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	}
	chunk := func(choices []any, counts any) error {
		out := f.envelope("chat.completion.chunk", choices)
		if req.usage {
			out["usage"] = counts
		}
		data, err := json.Marshal(out)
		if err != nil {
			return err
		}
		return event(data)
	}
	if f.chat {
		first := map[string]any{
			"index":         0,
			"delta":         map[string]any{"role": "assistant", "content": ""},
			"logprobs":      nil,
			"finish_reason": nil,
		}
		if chunk([]any{first}, nil) != nil {
			return
		}
	}
	tokens := 0
	for finish := ""; finish == ""; {
		piece, err := stream.Next()
		if err != nil {
			data, _ := json.Marshal(map[string]any{"error": problemOf(err)})
			event(data)
			return
		}
		choice := f.choice(piece, req.query)
		if f.chat {
			choice["delta"] = map[string]any{"content": piece.Text}
		}
		if chunk([]any{choice}, nil) != nil {
			return
		}
		tokens, finish = tokens+len(piece.Tokens), piece.Finish
	}
	if req.usage && chunk([]any{}, usage(req.query, tokens)) != nil {
		return
	}
	event([]byte("[DONE]"))
}

func (f *form) envelope(object string, choices []any) map[string]any {
	if !f.chat {
		object = "text_completion"
	}
	out := map[string]any{"object": object, "choices": choices}
	for name, value := range f.head {
		out[name] = value
	}
	return out
}

// choice returns the fields that both forms and their chunks have.
func (f *form) choice(piece local.Piece, q local.Query) map[string]any {
	choice := map[string]any{"index": 0, "logprobs": nil, "finish_reason": nil}
	if piece.Finish != "" {
		choice["finish_reason"] = piece.Finish
	}
	if !f.chat {
		choice["text"] = piece.Text
	}
	switch {
	case q.Logprobs && f.chat:
		choice["logprobs"] = map[string]any{"content": f.chatLogprobs(piece.Tokens), "refusal": nil}
	case q.Logprobs:
		choice["logprobs"] = f.rawLogprobs(piece.Tokens)
	}
	return choice
}

func usage(q local.Query, tokens int) map[string]int {
	return map[string]int{
		"prompt_tokens":     len(q.Prompt),
		"completion_tokens": tokens,
		"total_tokens":      len(q.Prompt) + tokens,
	}
}

// tokenLogprob is a token in the chat form. Bytes are numbers, since a token may be half of a character.
type tokenLogprob struct {
	Token   string         `json:"token"`
	Logprob float64        `json:"logprob"`
	Bytes   []int          `json:"bytes"`
	Top     []tokenLogprob `json:"top_logprobs,omitzero"`
}

func (f *form) token(id int, logprob float64) tokenLogprob {
	spelling := f.server.tokenizer.DecodeBytes([]int{id})
	t := tokenLogprob{Token: strings.ToValidUTF8(string(spelling), "\uFFFD"), Logprob: finite(logprob), Bytes: []int{}}
	for _, b := range spelling {
		t.Bytes = append(t.Bytes, int(b))
	}
	return t
}

// finite returns -9999 for an impossible token, as vLLM does, because JSON has no infinity.
func finite(logprob float64) float64 { return math.Max(logprob, -9999) }

func (f *form) chatLogprobs(tokens []local.Token) []tokenLogprob {
	out := make([]tokenLogprob, len(tokens))
	for i, t := range tokens {
		out[i] = f.token(t.ID, t.Logprob)
		out[i].Top = make([]tokenLogprob, len(t.Top))
		for k, a := range t.Top {
			out[i].Top[k] = f.token(a.ID, a.Logprob)
		}
	}
	return out
}

// rawLogprobs returns the older form: parallel lists, and alternatives by their text, the token itself among them.
func (f *form) rawLogprobs(tokens []local.Token) map[string]any {
	texts, logprobs := make([]string, len(tokens)), make([]float64, len(tokens))
	offsets, top := make([]int, len(tokens)), make([]map[string]float64, len(tokens))
	for i, t := range tokens {
		own := f.token(t.ID, t.Logprob)
		texts[i], logprobs[i], offsets[i] = own.Token, own.Logprob, f.offset
		f.offset += len([]rune(own.Token))
		top[i] = map[string]float64{own.Token: own.Logprob}
		for _, a := range t.Top {
			other := f.token(a.ID, a.Logprob)
			if _, there := top[i][other.Token]; !there { // the likelier of two with the same text
				top[i][other.Token] = other.Logprob
			}
		}
	}
	return map[string]any{"tokens": texts, "token_logprobs": logprobs, "text_offset": offsets, "top_logprobs": top}
}

// promptLogprobs returns vLLM's form: null for the first token, {ID: {logprob, rank, decoded_token}} for the others.
// Ranks are not computed.
func (f *form) promptLogprobs(prompt []int, logprobs []float64) []any {
	out := make([]any, len(prompt))
	for i, id := range prompt[1:] {
		out[i+1] = map[string]any{strconv.Itoa(id): map[string]any{
			"logprob":       finite(logprobs[i]),
			"rank":          nil,
			"decoded_token": f.token(id, 0).Token,
		}}
	}
	return out
}
