// Package lm defines a language model as the pipeline uses it: it answers requests and returns the probability of
// answers. lm/local computes with GoMLX on this machine, lm/remote sends requests to servers.
package lm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"

	"lidrlab/lidr/tokenizer"
)

// Request is a conversation that the assistant is to continue.
type Request struct {
	ID       string              `json:"id"` // determines the item's random stream, so it should be unique in a run
	Messages []tokenizer.Message `json:"messages"`
	Prefill  string              `json:"prefill,omitempty"` // text with which the assistant's turn begins
	// Thinking lets a model that can think do so before it answers. Otherwise thinking is switched off, where the chat
	// template or the server offers that (enable_thinking).
	Thinking bool `json:"thinking,omitempty"`
}

// Sampling holds the settings by which answers are drawn. The filters apply in Hugging Face's order: repetition
// penalty, temperature, top-k, top-p.
type Sampling struct {
	// Temperature divides the logits; 0 means always the likeliest token.
	Temperature float64 `json:"temperature"`
	// TopP keeps the fewest tokens whose probabilities reach TopP; 0 or 1 is off.
	TopP float64 `json:"top_p"`
	// TopK keeps the TopK likeliest tokens; 0 is off.
	TopK int `json:"top_k"`
	// RepetitionPenalty applies to the tokens of prompt and answer (Keskar et al. 2019, arXiv 1909.05858); 0 or 1 is off.
	RepetitionPenalty float64 `json:"repetition_penalty"`
	// MaxTokens is the largest number of new tokens of an answer, at least 1.
	MaxTokens int `json:"max_tokens"`
	// Stop are texts that end an answer and are not part of it.
	Stop []string `json:"stop,omitempty"`
	Seed int64    `json:"seed"`
}

// Validate returns an error naming the first field that is out of range, by its JSON name: "field top_p is 2, expected
// 0 (off) to 1". NaN and infinite numbers are out of range everywhere.
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

// Model is a language model. A value is used by one goroutine at a time.
type Model interface {
	// Fingerprint returns a text that identifies weights, tokenizer and chat template.
	Fingerprint() string

	// ContextLength returns the number of tokens that prompt and answer may have together.
	ContextLength() int

	// CountTokens returns the number of prompt tokens of r, template and prefill included.
	CountTokens(r Request) (int, error)

	// Generate answers every request i for which done(i) is false; a nil done means none is. Batches are cut from the
	// whole list sorted by length (ties by index), done or not, and every item draws from its own random stream, so that a
	// run that was interrupted and resumed gives the same bytes. save is called once for each finished batch, from
	// Generate's goroutine, with the indices of reqs and their answers.
	Generate(ctx context.Context, reqs []Request, s Sampling, done func(i int) bool,
		save func(idx []int, out []Completion) error) error

	// Logprobs returns, for each request and its response, the sum of log p over the response's tokens including the
	// end-of-turn token, given the prompt, and the number of these tokens.
	Logprobs(ctx context.Context, reqs []Request, responses []string) (sums []float64, tokens []int, err error)
}

// Answer is a completion with the probabilities of its first token.
type Answer struct {
	Completion
	// TopLogprobs are the likeliest alternatives of the first new token, likeliest first; none if the model gives none.
	TopLogprobs []TokenLogprob `json:"top_logprobs,omitempty"`
}

// TokenLogprob is a token's text and the natural logarithm of its probability, NaN where the model names the token and
// no probability; a file has null for it, since JSON has no NaN.
type TokenLogprob struct {
	Token   string  `json:"token"`
	Logprob float64 `json:"logprob"`
}

type tokenLogprobJSON struct {
	Token   string   `json:"token"`
	Logprob *float64 `json:"logprob"`
}

// MarshalJSON implements json.Marshaler.
func (t TokenLogprob) MarshalJSON() ([]byte, error) {
	file := tokenLogprobJSON{Token: t.Token}
	if !math.IsNaN(t.Logprob) {
		file.Logprob = &t.Logprob
	}
	return json.Marshal(file)
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *TokenLogprob) UnmarshalJSON(data []byte) error {
	var file tokenLogprobJSON
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return err
	}
	*t = TokenLogprob{file.Token, math.NaN()}
	if file.Logprob != nil {
		t.Logprob = *file.Logprob
	}
	return nil
}

// TextModel is a model that continues raw text, without chat template or end of turn: it says which tokens a text has,
// and how probable tokens are that it is given. Both methods compute every item i for which done(i) is false, and call
// save from their own goroutine with the indices and values of those that are finished.
type TextModel interface {
	// TextLength returns the number of tokens that a prompt and its response may have together.
	TextLength() int

	// Encoder names what Encode encodes by: equal names give equal ids.
	Encoder() (string, error)

	// Encode returns the token ids of each text as a document's: with the token that begins one, where the tokenizer has
	// it.
	Encode(ctx context.Context, texts []string, done func(i int) bool, save func(idx []int, ids [][]int32) error) error

	// TokenLogprobs returns the sum of log p over the tokens of each response, given its prompt of at least one token and
	// the response's tokens before.
	TokenLogprobs(ctx context.Context, prompts, responses [][]int32, done func(i int) bool,
		save func(idx []int, sums []float64) error) error
}

// Asker is a model that also returns the probabilities of first tokens, which a judge's verdicts are computed from.
type Asker interface {
	// Ask is Model.Generate with the topLogprobs likeliest alternatives of each answer's first token.
	Ask(ctx context.Context, reqs []Request, s Sampling, topLogprobs int, done func(i int) bool,
		save func(idx []int, out []Answer) error) error
}
