package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/lm"
)

// promptToken is one token of a prompt as the server tokenized it.
type promptToken struct {
	id      string
	text    string
	logprob float64 // given the tokens before it
}

// Logprobs implements lm.Model on vLLM and lidr serve, by the extension prompt_logprobs; it is an error on other
// servers, which do not return the probabilities of given tokens. Each response takes two requests of one new token:
// the prompt alone, and the finished conversation, whose tokens after the prompt's are the response and the end of the
// turn. White space that a chat template writes after the end of the turn is left out.
func (m *Model) Logprobs(ctx context.Context, reqs []lm.Request,
	responses []string) (sums []float64, tokens []int, err error) {
	if len(reqs) != len(responses) {
		return nil, nil, fmt.Errorf("log-probabilities: %d requests with %d responses, expected one response each", len(reqs),
			len(responses))
	}
	if !m.server.promptLogprobs {
		return nil, nil, fmt.Errorf("log-probabilities: a server of kind %s does not return the probabilities of given "+
			"text; serve the model with vllm or lidr serve, or load its checkpoint", m.server.name)
	}
	prompts := make([]openai.ChatCompletionNewParams, len(reqs))
	finished := make([]openai.ChatCompletionNewParams, len(reqs))
	todo := make([]int, len(reqs))
	for i, r := range reqs {
		todo[i] = i
		if prompts[i], err = m.request(r, lm.Sampling{MaxTokens: 1}); err != nil {
			return nil, nil, err
		}
		if finished[i], err = m.request(lm.Request{ID: r.ID, Messages: r.Messages}, lm.Sampling{MaxTokens: 1}); err != nil {
			return nil, nil, err
		}
		finished[i].Messages = append(finished[i].Messages, openai.AssistantMessage(r.Prefill+responses[i]))
		prompts[i].ExtraFields()["prompt_logprobs"] = 0
		finished[i].ExtraFields()["prompt_logprobs"] = 0
		finished[i].ExtraFields()["add_generation_prompt"] = false
	}
	type logprob struct {
		sum    float64
		tokens int
	}
	one := func(r *run, i int) (logprob, error) {
		prompt, err := send(r, chat(prompts[i]), promptTokens)
		if err != nil {
			return logprob{}, err
		}
		whole, err := send(r, chat(finished[i]), promptTokens)
		if err != nil {
			return logprob{}, err
		}
		sum, n, err := responseLogprob(prompt, whole)
		return logprob{sum, n}, err
	}
	sums, tokens = make([]float64, len(reqs)), make([]int, len(reqs))
	err = each(ctx, m, idsOf(reqs), todo, one, func(idx []int, out []logprob) error {
		for k, i := range idx {
			sums[i], tokens[i] = out[k].sum, out[k].tokens
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("log-probabilities: %w", err)
	}
	return sums, tokens, nil
}

// promptTokens reads vLLM's prompt_logprobs: for each token of the prompt null (the first) or {ID: {logprob,
// decoded_token}}.
func promptTokens(res *openai.ChatCompletion) ([]promptToken, error) {
	var list []map[string]struct {
		Logprob float64 `json:"logprob"`
		Text    string  `json:"decoded_token"`
	}
	if err := json.Unmarshal([]byte(res.JSON.ExtraFields["prompt_logprobs"].Raw()), &list); err != nil {
		return nil, fmt.Errorf("the response has no prompt_logprobs: %w", err)
	}
	tokens := make([]promptToken, len(list))
	for k, entry := range list {
		if len(entry) != 1 && k > 0 {
			return nil, fmt.Errorf("prompt_logprobs[%d] has %d tokens, expected the prompt's own", k, len(entry))
		}
		for id, t := range entry {
			tokens[k] = promptToken{id, t.Text, t.Logprob}
		}
	}
	return tokens, nil
}

// responseLogprob sums up the tokens of a finished conversation after those of its prompt.
func responseLogprob(prompt, finished []promptToken) (sum float64, n int, err error) {
	if len(finished) <= len(prompt) {
		return 0, 0, fmt.Errorf("the conversation has %d tokens with its response and %d without", len(finished), len(prompt))
	}
	for k, t := range prompt {
		if finished[k].id != t.id {
			return 0, 0, fmt.Errorf("token %d of the prompt changes when the response is added (%q becomes %q); the chat "+
				"template or the tokenizer joins prompt and response", k, t.text, finished[k].text)
		}
	}
	end := len(finished)
	for end > len(prompt)+1 && finished[end-1].text != "" && strings.TrimSpace(finished[end-1].text) == "" {
		end--
	}
	for _, t := range finished[len(prompt):end] {
		sum += t.logprob
	}
	return sum, end - len(prompt), nil
}
