package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	world "lidrlab/datasets/miniature"
)

// scripted is an OpenAI-compatible server with judges and a reward model that go by the length of answers, embeddings
// of their letters, and a translator that is the miniature world: what a small run asks in the place of larger models.
type scripted struct {
	url       string
	names     []string        // that it serves
	translate string          // the translator's, "" for none
	problems  []world.Problem // those that the run's answers are to
	server    *http.Server
}

func startScripted(r Recipe) (*scripted, error) {
	s := &scripted{
		translate: r.Translator.Path,
		problems:  world.Problems("prompts", max(1, r.Rounds)*r.Prompts.N, r.Seed),
	}
	for _, other := range r.others() {
		s.names = append(s.names, other.model.Path)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + l.Addr().String() + "/v1"
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := s.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a listener of our own
		}
	}()
	return s, nil
}

func (s *scripted) stop() {
	if s != nil {
		s.server.Close()
	}
}

// asked is a small recipe with the server's address, which is another each time and so in no file of the run.
func (s *scripted) asked(r Recipe) Recipe {
	for _, other := range r.others() {
		other.model.Endpoints = []string{s.url}
	}
	return r
}

// ServeHTTP implements http.Handler.
func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/models") {
		var served []map[string]any
		for _, name := range s.names {
			served = append(served, map[string]any{"id": name, "object": "model", "owned_by": "lidr"})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": served})
		return
	}
	var asked struct {
		Model       string
		Messages    []struct{ Role, Content string }
		TopLogprobs int `json:"top_logprobs"`
		Input       string
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || len(asked.Messages) == 0 && asked.Input == "" {
		http.Error(w, `{"error":{"message":"expected messages"}}`, http.StatusBadRequest)
		return
	}
	text := asked.Input
	if len(asked.Messages) > 0 {
		text = asked.Messages[len(asked.Messages)-1].Content
	}
	if data := scored(r.URL.Path, text); data != nil {
		_ = json.NewEncoder(w).Encode(map[string]any{"data": []any{data}})
		return
	}
	for _, m := range asked.Messages {
		if m.Role == "user" {
			text = m.Content
		}
	}
	choice := map[string]any{"finish_reason": "stop"}
	reply := func(content string) { choice["message"] = map[string]any{"role": "assistant", "content": content} }
	switch {
	case asked.Model == s.translate:
		reply(s.translation(text))
	case strings.Contains(text, `<answer id="M">`):
		word, tops := preference(text)
		reply(word)
		if asked.TopLogprobs > 0 {
			token := map[string]any{"token": word, "logprob": 0, "top_logprobs": tops}
			choice["logprobs"] = map[string]any{"content": []any{token}}
		}
	case strings.Contains(text, "<b>\n"): // MT-bench's comparison of two sides
		_, one, _ := strings.Cut(text, "<a>\n")
		one, other, _ := strings.Cut(one, "<b>\n")
		verdict := "A"
		if len(other) > len(one) {
			verdict = "B"
		}
		reply(fmt.Sprintf("The longer one. [[%s]]", verdict))
	default:
		reply(fmt.Sprintf("It has %d characters. [[%d]]", len(text), 1+len(text)%10))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"model": asked.Model, "choices": []any{choice},
		"usage": map[string]any{"prompt_tokens": len(text)/4 + 1, "completion_tokens": 1},
	})
}

// scored is what a reward model or a model of embeddings says of a text, nil for other paths.
func scored(path, text string) map[string]any {
	length := float64(len(text)) / 1000
	switch {
	case strings.HasSuffix(path, "/classify"):
		return map[string]any{"probs": []float64{length}}
	case strings.HasSuffix(path, "/pooling"):
		return map[string]any{"data": []float64{length}}
	case strings.HasSuffix(path, "/embeddings"):
		letters := make([]float64, 32)
		for _, r := range text {
			letters[r%32]++
		}
		return map[string]any{"embedding": letters}
	}
	return nil
}

// preference is for the longer of two answers, the surer the more it is longer.
func preference(question string) (word string, tops []map[string]any) {
	_, answers, _ := strings.Cut(question, `<answer id="m">`)
	first, second, _ := strings.Cut(answers, `<answer id="M">`)
	p := 1 / (1 + math.Exp(float64(len(first)-len(second))/20))
	p = min(max(p, 0.01), 0.99)
	word = "m"
	if p > 0.5 {
		word = "M"
	}
	return word, []map[string]any{{"token": "m", "logprob": math.Log(1 - p)}, {"token": "M", "logprob": math.Log(p)}}
}

// translation finds the problem and the language that a passage is of, and says it in the language asked for.
func (s *scripted) translation(question string) string {
	_, text, _ := strings.Cut(question, "<sentence>")
	text, _, _ = strings.Cut(text, "</sentence>")
	text = strings.TrimSpace(text)
	for _, to := range world.Languages() {
		if !strings.Contains(question[:strings.Index(question+"<sentence>", "<sentence>")], to.Name) {
			continue
		}
		for _, p := range s.problems {
			for _, from := range world.Languages() {
				if said, ok := p.Translate(text, from.Code, to.Code); ok {
					return world.TranslationPrefill + said + world.TranslationEnd
				}
			}
		}
	}
	return "It is no answer that I know."
}
