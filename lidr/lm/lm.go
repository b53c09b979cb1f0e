// Package lm is a language model as the pipeline sees it: it answers requests and tells the probability of answers.
// lm/local computes with GoMLX on this machine, lm/remote asks servers.
package lm

import (
	"context"
	"fmt"
	"math"

	"lidrlab/lidr/tokenizer"
)

// Request is one conversation to be continued by the assistant.
type Request struct {
	ID       string              `json:"id"` // names the item's own random stream, so it should be unique in a run
	Messages []tokenizer.Message `json:"messages"`
	Prefill  string              `json:"prefill,omitempty"` // text with which the assistant's turn begins
}

// Sampling says how answers are drawn. The filters apply in Hugging Face's order: repetition penalty, temperature,
// top-k, top-p.
type Sampling struct {
	Temperature       float64  `json:"temperature"`        // 0: always the likeliest token
	TopP              float64  `json:"top_p"`              // keep the fewest tokens whose probabilities reach TopP; 0 or 1: off
	TopK              int      `json:"top_k"`              // keep the TopK likeliest tokens; 0: off
	RepetitionPenalty float64  `json:"repetition_penalty"` // over prompt and answer (Keskar et al. 2019, arXiv 1909.05858); 0 or 1: off
	MaxTokens         int      `json:"max_tokens"`         // new tokens an answer may have, at least 1
	Stop              []string `json:"stop,omitempty"`     // texts that end an answer and are not part of it
	Seed              int64    `json:"seed"`
}

// Validate returns an error naming the first field that is out of range, by its JSON name: "field top_p is 2, expected …".
// NaN and infinite numbers are out of range everywhere.
func (s Sampling) Validate() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("field %s is %v, expected %s", field, value, expected)
	}
	switch {
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 1):
		return bad("temperature", s.Temperature, "a finite number, 0 (greedy) or more")
	case !(s.TopP >= 0 && s.TopP <= 1):
		return bad("top_p", s.TopP, "0 (off) to 1")
	case s.TopK < 0:
		return bad("top_k", s.TopK, "0 (off) or more")
	case !(s.RepetitionPenalty >= 0) || math.IsInf(s.RepetitionPenalty, 1):
		return bad("repetition_penalty", s.RepetitionPenalty, "a finite number above 0, or 0 (off)")
	case s.MaxTokens < 1:
		return bad("max_tokens", s.MaxTokens, "1 or more")
	}
	for i, stop := range s.Stop {
		if stop == "" {
			return bad(fmt.Sprintf("stop[%d]", i), `""`, "a text")
		}
	}
	return nil
}

// Why an answer ended.
const (
	FinishStop   = "stop"   // an end-of-turn token or a stop text
	FinishLength = "length" // MaxTokens or the model's context was used up
)

// Completion is the answer to a request.
type Completion struct {
	Text         string `json:"text"` // without the prefill and without the stop text
	FinishReason string `json:"finish_reason"`
	PromptTokens int    `json:"prompt_tokens"` // template and prefill included
	Tokens       int    `json:"tokens"`        // new tokens, the end-of-turn token included
}

// Model is a language model. A value is used by one goroutine at a time.
type Model interface {
	// Fingerprint identifies weights, tokenizer and chat template.
	Fingerprint() string

	// ContextLength is the number of tokens that prompt and answer may have together.
	ContextLength() int

	// CountTokens returns the number of prompt tokens of r, template and prefill included.
	CountTokens(r Request) (int, error)

	// Generate answers every request i for which done(i) is false; a nil done means none is. Batches are cut from the
	// whole list sorted by length (ties by index), never from what remains, and every item draws from its own random
	// stream, so that a run that was interrupted and resumed gives the same bytes. save is called once for each finished
	// batch, from Generate's goroutine, with the indices of reqs and their answers.
	Generate(ctx context.Context, reqs []Request, s Sampling, done func(i int) bool, save func(idx []int, out []Completion) error) error

	// Logprobs returns, for each request and its response, the sum of log p over the response's tokens including the
	// end-of-turn token, given the prompt, and how many tokens these are.
	Logprobs(ctx context.Context, reqs []Request, responses []string) (sums []float64, tokens []int, err error)
}

// Answer is a completion and how sure the model was of its first token.
type Answer struct {
	Completion
	TopLogprobs []TokenLogprob `json:"top_logprobs,omitempty"` // of the first new token, likeliest first; none where the model tells none
}

// TokenLogprob is a token's text and the natural logarithm of its probability.
type TokenLogprob struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
}

// Asker is a model that can also tell the probabilities of first tokens, which is what a judge is asked for.
type Asker interface {
	// Ask is Model.Generate with the topLogprobs likeliest alternatives of each answer's first token.
	Ask(ctx context.Context, reqs []Request, s Sampling, topLogprobs int, done func(i int) bool, save func(idx []int, out []Answer) error) error
}
