package remote

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/openai/openai-go/v3/option"

	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

var _ lm.TextModel = (*Model)(nil)

// raw is a request without a chat template, to a route below the endpoint's.
type raw struct {
	route  string
	fields map[string]any
}

// reply is the response to a raw request, as it came.
type reply struct{ json.RawMessage }

// RawJSON implements response.
func (r reply) RawJSON() string { return string(r.RawMessage) }

func (q raw) post(ctx context.Context, e *endpoint, _ form, o option.RequestOption) (res reply, err error) {
	err = e.raw.Post(ctx, q.route, q.fields, &res, o)
	return res, err
}

// without finds no other form: every field is needed.
func (raw) without(_ string, f form) (form, bool) { return f, false }

// TextLength implements lm.TextModel: one token fewer than the context, where a server wants to add a new one.
func (m *Model) TextLength() int { return m.context - m.fresh() }

// fresh is the number of new tokens that a request for the log-probabilities of given ones asks for. Most servers want
// one, as lm-evaluation-harness does. vLLM takes 0, and wants room for one all the same.
func (m *Model) fresh() int {
	if m.server.name == "lidr" {
		return 0
	}
	return 1
}

// Encoder implements lm.TextModel: a folder's tokenizer by its hash, so that ids of another are not taken for its own.
func (m *Model) Encoder() (string, error) {
	if m.options.Tokenizer == "" {
		return "the server's", nil
	}
	file, err := os.ReadFile(filepath.Join(m.options.Tokenizer, "tokenizer.json"))
	if err != nil {
		return "", fmt.Errorf("tokenizer %s: %w", m.options.Tokenizer, err)
	}
	return fmt.Sprintf("SHA-256 %x", sha256.Sum256(file)), nil
}

// Encode implements lm.TextModel by the server's own tokenizer, the route /tokenize beside /v1 of vLLM, SGLang and lidr
// serve, or by that in the folder [Options.Tokenizer].
func (m *Model) Encode(ctx context.Context, texts []string, done func(i int) bool,
	save func(idx []int, ids [][]int32) error) error {
	todo := left(len(texts), done)
	if folder := m.options.Tokenizer; folder != "" {
		tok, err := tokenizer.Load(os.DirFS(folder))
		if err != nil {
			return fmt.Errorf("tokenizer %s: %w", folder, err)
		}
		const batch = 100
		for some := range slices.Chunk(todo, batch) {
			if err := ctx.Err(); err != nil {
				return err
			}
			ids := make([][]int32, len(some))
			for k, i := range some {
				for _, id := range tok.EncodeDocument(texts[i]) {
					ids[k] = append(ids[k], int32(id))
				}
			}
			if err := save(some, ids); err != nil {
				return err
			}
		}
		return nil
	}
	one := func(r *run, i int) ([]int32, error) {
		ids, err := send(r, raw{"../tokenize", map[string]any{"model": m.identity.ID, "prompt": texts[i]}}, tokensOf)
		return ids, lacking(err, noTokenize)
	}
	return each(ctx, m, numbered("text"), todo, one, save)
}

// tokensOf reads the ids of a text.
func tokensOf(res reply) ([]int32, error) {
	var out struct{ Tokens []int32 }
	if err := json.Unmarshal(res.RawMessage, &out); err != nil || out.Tokens == nil {
		return nil, fmt.Errorf("the response has no list of tokens (%v)", err)
	}
	return out.Tokens, nil
}

// TokenLogprobs implements lm.TextModel by the completions route of vLLM, SGLang, lidr serve and others that tell the
// log-probabilities of a prompt's own tokens: echo with logprobs. Each sequence is one request, of a new token at most.
func (m *Model) TokenLogprobs(ctx context.Context, prompts, responses [][]int32, done func(i int) bool,
	save func(idx []int, sums []float64) error) error {
	todo := left(len(prompts), done)
	cost := Cost{Requests: len(todo), MaxNewTokens: m.fresh() * len(todo)}
	for _, i := range todo {
		cost.PromptTokens += len(prompts[i]) + len(responses[i])
	}
	cost.MaxDollars = m.options.Prices.Dollars(cost.PromptTokens, cost.MaxNewTokens)
	if err := m.afford(cost); err != nil {
		return err
	}
	one := func(r *run, i int) (float64, error) {
		q := raw{"completions", map[string]any{"model": m.identity.ID, "prompt": slices.Concat(prompts[i], responses[i]),
			"echo": true, "logprobs": m.fresh(), "max_tokens": m.fresh(), "temperature": 0}}
		sum, err := send(r, q, func(res reply) (float64, error) {
			return echoedLogprob(res, len(prompts[i]), len(responses[i]))
		})
		return sum, lacking(err, noEcho)
	}
	return each(ctx, m, numbered("sequence"), todo, one, save)
}

// echoedLogprob sums up the log-probabilities of a response of so many tokens, after its prompt, out of those of all
// tokens that a completion echoes: none of the first, and perhaps that of a new one.
func echoedLogprob(res reply, prompt, response int) (sum float64, err error) {
	var out struct {
		Choices []struct {
			Logprobs *struct {
				Tokens []*float64 `json:"token_logprobs"`
			}
		}
	}
	if err := json.Unmarshal(res.RawMessage, &out); err != nil {
		return 0, fmt.Errorf("the response cannot be read: %w", err)
	}
	var told []*float64
	if len(out.Choices) == 1 && out.Choices[0].Logprobs != nil {
		told = out.Choices[0].Logprobs.Tokens
	}
	if n := prompt + response; len(told) != n && len(told) != n+1 {
		return 0, &failure{status: http.StatusOK, final: true,
			message: fmt.Sprintf("it tells the log-probabilities of %d tokens where %d were sent; %s", len(told), n, noEcho)}
	}
	for k, p := range told[prompt : prompt+response] {
		if p == nil || *p > maxLogprob {
			return 0, fmt.Errorf("token_logprobs[%d] is no logarithm of a probability", prompt+k)
		}
		sum += min(*p, 0)
	}
	return sum, nil
}

// What to do about a server that lacks what raw text is measured by.
const (
	noTokenize = "raw text is measured by the route /tokenize: name the folder of the model's tokenizer " +
		"(remote.Options.Tokenizer), or serve the model by vLLM, SGLang or lidr serve"
	noEcho = "raw text is measured by echo with logprobs on the completions route: serve the model by vLLM, SGLang or " +
		"lidr serve, or load its checkpoint"
)

// lacking returns err with advice if it says that the server has no such route, or refuses the fields echo and
// logprobs: every other request would end so too.
func lacking(err error, advice string) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
	default:
		if !f.refused || f.field != "logprobs" && !strings.Contains(strings.ToLower(f.message), "echo") {
			return err
		}
	}
	return &failure{endpoint: f.endpoint, status: f.status, message: f.message + "; " + advice, final: true}
}

// left returns the items that are not done.
func left(n int, done func(i int) bool) (todo []int) {
	for i := range n {
		if done == nil || !done(i) {
			todo = append(todo, i)
		}
	}
	return todo
}

func numbered(what string) func(i int) string {
	return func(i int) string { return fmt.Sprint(what, " ", i+1) }
}
