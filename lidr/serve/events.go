package serve

import (
	"encoding/json"
	"net/http"

	"lidrlab/lidr/lm/local"
)

// news is a piece of one of the choices, or the error that ends them all.
type news struct {
	of    *choice
	piece local.Piece
	err   error
}

// send writes the answers as server-sent events, as their pieces come.
func (f *form) send(w http.ResponseWriter, req *request, choices []*choice) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	event := func(data []byte) error {
		deadline(w)
		if _, err := w.Write([]byte("data: " + string(data) + "\n\n")); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	}
	chunk := func(parts []any, counts any) error {
		out := f.envelope("chat.completion.chunk", parts)
		if req.usage {
			out["usage"] = counts
		}
		data, err := json.Marshal(out)
		if err != nil {
			return err
		}
		return event(data)
	}
	for _, c := range choices {
		if !f.chat {
			break
		}
		first := map[string]any{
			"index":         c.index,
			"delta":         map[string]any{"role": "assistant", "content": ""},
			"logprobs":      nil,
			"finish_reason": nil,
		}
		if chunk([]any{first}, nil) != nil {
			return
		}
	}
	arrived, done := make(chan news), make(chan struct{})
	defer close(done)
	for _, c := range choices {
		go c.forward(arrived, done)
	}
	tokens := 0
	for going := len(choices); going > 0; {
		n := <-arrived
		if n.err != nil {
			data, _ := json.Marshal(map[string]any{"error": problemOf(n.err)})
			event(data)
			return
		}
		part := n.of.part(n.piece)
		if f.chat {
			part["delta"] = map[string]any{"content": n.piece.Text}
		}
		if chunk([]any{part}, nil) != nil {
			return
		}
		tokens += len(n.piece.Tokens)
		if n.piece.Finish != "" {
			going--
		}
	}
	if req.usage && chunk([]any{}, req.spent(tokens, choices)) != nil {
		return
	}
	event([]byte("[DONE]"))
}

// forward sends the choice's pieces to arrived until the last, or until done.
func (c *choice) forward(arrived chan<- news, done <-chan struct{}) {
	for {
		piece, err := c.stream.Next()
		select {
		case arrived <- news{c, piece, err}:
		case <-done:
			return
		}
		if err != nil || piece.Finish != "" {
			return
		}
	}
}
