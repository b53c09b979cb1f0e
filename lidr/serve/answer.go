package serve

import (
	"context"
	"crypto/rand"
	"math"
	"net/http"
	"strings"
	"time"

	"lidrlab/lidr/lm/local"
)

// form is the format of one of the two kinds of completion.
type form struct {
	server *Server
	chat   bool
	head   map[string]any // id, created, model
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
	defer cancel() // ends the computation of answers that cannot be delivered
	choices := make([]*choice, 0, len(req.prompts)*req.n)
	for i, q := range req.queries() {
		stream, err := s.batcher.Submit(ctx, q)
		if err != nil {
			refuse(w, problemOf(err))
			return
		}
		c := &choice{form: f, index: i, query: q, stream: stream}
		if req.echo {
			c.echo = &req.texts[i/req.n]
		}
		choices = append(choices, c)
	}
	f.head["created"] = time.Now().Unix()
	f.head["model"] = s.options.Name
	f.head["system_fingerprint"] = "fp_" + s.print[:min(16, len(s.print))]
	if req.stream {
		f.send(w, req, choices)
		return
	}
	parts, tokens := make([]any, len(choices)), 0
	for i, c := range choices {
		whole, err := c.stream.Whole()
		if err != nil {
			refuse(w, problemOf(err))
			return
		}
		part := c.part(whole)
		switch {
		case f.chat:
			part["message"] = map[string]any{"role": "assistant", "content": whole.Text, "refusal": nil}
		case req.prompted:
			part["prompt_logprobs"] = f.promptLogprobs(c.stream.Prompt())
		}
		parts[i], tokens = part, tokens+len(whole.Tokens)
	}
	out := f.envelope("chat.completion", parts)
	out["usage"] = req.spent(tokens, choices)
	if f.chat && req.prompted {
		out["prompt_logprobs"] = f.promptLogprobs(choices[0].stream.Prompt())
	}
	reply(w, http.StatusOK, out)
}

// spent returns the usage in OpenAI's form: a prompt counts once, however many answers it has. Cached tokens are those
// of its beginning that had been read for other requests.
func (r *request) spent(tokens int, choices []*choice) map[string]any {
	prompts, cached := 0, 0
	for i, p := range r.prompts {
		prompts, cached = prompts+len(p), cached+choices[i*r.n].stream.Shared()
	}
	return map[string]any{"prompt_tokens": prompts, "completion_tokens": tokens, "total_tokens": prompts + tokens,
		"prompt_tokens_details": map[string]int{"cached_tokens": cached}}
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
