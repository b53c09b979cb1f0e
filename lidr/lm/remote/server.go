package remote

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"

	"lidrlab/lidr/lm"
)

// server describes a kind of server. Sampling filters that it has a field for are always sent, even when they are off:
// otherwise vLLM and SGLang would take them from the model's generation_config.json, and llama.cpp from its own
// defaults.
type server struct {
	name           string
	ownedBy        []string // values of owned_by in /v1/models
	maxTokens      string   // the field for lm.Sampling.MaxTokens
	topK           string   // the field for TopK, "" if there is none
	topKOff        int      // its value that means off
	repetition     string   // the field for RepetitionPenalty, "" if there is none
	minP           bool     // has min_p, which lm.Sampling lacks: it is turned off
	prefill        bool     // continues an assistant's message: continue_final_message
	thinking       bool     // passes chat_template_kwargs to the chat template, which may know enable_thinking
	many           bool     // gives several answers to one request: n
	promptLogprobs bool     // returns the probabilities of given tokens: prompt_logprobs
	advice         string   // what to do about a filter that has no field
}

var servers = []server{
	{name: "vllm", ownedBy: []string{"vllm"}, maxTokens: "max_tokens", topK: "top_k", topKOff: -1,
		repetition: "repetition_penalty", minP: true, prefill: true, thinking: true, promptLogprobs: true, many: true},
	{name: "sglang", ownedBy: []string{"sglang"}, maxTokens: "max_tokens", topK: "top_k", topKOff: -1,
		repetition: "repetition_penalty", minP: true, prefill: true, thinking: true, many: true},
	{name: "lidr", ownedBy: []string{"lidr"}, maxTokens: "max_tokens", topK: "top_k", repetition: "repetition_penalty",
		prefill: true, thinking: true, promptLogprobs: true, many: true},
	{name: "llama.cpp", ownedBy: []string{"llamacpp"}, maxTokens: "max_tokens", topK: "top_k",
		repetition: "repeat_penalty", minP: true, thinking: true},
	// Ollama's own top_k of 40 and repeat_penalty of 1.1 hold unless the model's Modelfile says otherwise.
	{name: "ollama", ownedBy: []string{"library"}, maxTokens: "max_tokens",
		advice: "set PARAMETER top_k or repeat_penalty in its Modelfile"},
	{name: "openai", ownedBy: []string{"openai", "openai-internal", "system"}, maxTokens: "max_completion_tokens",
		many: true, advice: "leave it off"},
	{name: "other", maxTokens: "max_tokens", advice: "leave it off, or say in Options.Server which kind of server it is"},
}

// serverOf returns the server of the given name or, without a name, the one that reports ownedBy.
func serverOf(name, ownedBy string) (server, error) {
	var names []string
	for _, s := range servers {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	if name != "" {
		return server{}, fmt.Errorf("remote model: server is %q, expected one of %s, or empty to use what the server reports",
			name, strings.Join(names, ", "))
	}
	for _, s := range servers {
		for _, owner := range s.ownedBy {
			if owner == ownedBy {
				return s, nil
			}
		}
	}
	return servers[len(servers)-1], nil
}

// params returns the body of a chat completion for r, without the fields in leave. A setting that the server has no
// field for is an error, because the server would ignore it.
func (v server) params(model string, r lm.Request, s lm.Sampling,
	leave []string) (openai.ChatCompletionNewParams, error) {
	p := openai.ChatCompletionNewParams{Model: model}
	left := func(field string) bool { return slices.Contains(leave, field) }
	extra := map[string]any{v.maxTokens: s.MaxTokens}
	if !left("temperature") {
		p.Temperature = openai.Float(s.Temperature)
	}
	if !left("top_p") {
		p.TopP = openai.Float(orDefault(s.TopP, 1))
	}
	switch {
	case v.topK != "" && s.TopK == 0:
		extra[v.topK] = v.topKOff
	case v.topK != "":
		extra[v.topK] = s.TopK
	case s.TopK > 0 && !left("top_k"):
		return p, fmt.Errorf("sampling: top_k is %d, but a server of kind %s takes none; %s", s.TopK, v.name, v.advice)
	}
	switch {
	case v.repetition != "":
		extra[v.repetition] = orDefault(s.RepetitionPenalty, 1)
	case s.RepetitionPenalty != 0 && s.RepetitionPenalty != 1 && !left("repetition_penalty"):
		return p, fmt.Errorf("sampling: repetition_penalty is %g, but a server of kind %s takes none; %s",
			s.RepetitionPenalty, v.name, v.advice)
	}
	if v.minP {
		extra["min_p"] = 0
	}
	if v.thinking {
		extra["chat_template_kwargs"] = map[string]any{"enable_thinking": r.Thinking}
	}
	if s.Temperature > 0 && !left("seed") {
		p.Seed = param.NewOpt(seed(s.Seed, r.ID))
	}
	if len(s.Stop) > 0 && !left("stop") {
		p.Stop = openai.ChatCompletionNewParamsStopUnion{OfStringArray: s.Stop}
	}
	if r.Prefill != "" && v.prefill {
		extra["continue_final_message"], extra["add_generation_prompt"] = true, false
	}
	for _, field := range leave {
		delete(extra, field)
	}
	p.SetExtraFields(extra)
	var err error
	p.Messages, err = v.messages(r)
	return p, err
}

// messages returns the conversation of r. The prefill becomes the assistant's unfinished message or, if the server
// cannot continue one, a request at the end of the user's message.
func (v server) messages(r lm.Request) ([]openai.ChatCompletionMessageParamUnion, error) {
	if len(r.Messages) == 0 || r.Messages[len(r.Messages)-1].Role != "user" {
		return nil, fmt.Errorf("request %s: it does not end with a message of the user, so there is nothing to answer", r.ID)
	}
	var out []openai.ChatCompletionMessageParamUnion
	for i, message := range r.Messages {
		text := message.Content
		if i == len(r.Messages)-1 && r.Prefill != "" && !v.prefill {
			text += "\n\nBegin your answer with exactly this text and go on from it:\n" + r.Prefill
		}
		switch message.Role {
		case "system":
			out = append(out, openai.SystemMessage(text))
		case "user":
			out = append(out, openai.UserMessage(text))
		case "assistant":
			out = append(out, openai.AssistantMessage(text))
		default:
			return nil, fmt.Errorf("request %s: message %d has role %q, expected system, user or assistant", r.ID, i,
				message.Role)
		}
	}
	if r.Prefill != "" && v.prefill {
		out = append(out, openai.AssistantMessage(r.Prefill))
	}
	return out, nil
}

// withoutPrefill removes the prefill from an answer that was requested in words to begin with it.
func (v server) withoutPrefill(text, prefill string) string {
	if prefill == "" || v.prefill {
		return text
	}
	for _, echo := range []string{prefill, strings.TrimSpace(prefill)} {
		if rest, ok := strings.CutPrefix(strings.TrimLeft(text, " \t\r\n"), echo); ok {
			return rest
		}
	}
	return text
}

// seed returns a request's own seed. It has 31 bits, which every server accepts.
func seed(run int64, id string) int64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s", run, id))
	return int64(binary.BigEndian.Uint32(sum[:]) >> 1)
}
