package local

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/lm"
)

// Logprobs implements lm.Model. A response is encoded as ordinary text, even if it contains the text of special tokens,
// and the tokenizer's first end-of-turn token is added to it.
func (l *Model) Logprobs(ctx context.Context, reqs []lm.Request,
	responses []string) (sums []float64, tokens []int, err error) {
	if len(reqs) != len(responses) {
		return nil, nil, fmt.Errorf("log-probabilities: %d requests with %d responses, expected one response each", len(reqs),
			len(responses))
	}
	eos := l.tokenizer.EOS()
	if len(eos) == 0 {
		return nil, nil, fmt.Errorf("log-probabilities: the tokenizer names no end-of-turn token; add eos_token to " +
			"tokenizer_config.json")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	sequences := make([][]int, len(reqs))
	lengths, tokens := make([]int, len(reqs)), make([]int, len(reqs))
	for i, r := range reqs {
		prompt, err := l.encode(r)
		if err != nil {
			return nil, nil, err
		}
		response := append(l.tokenizer.EncodeContent(responses[i]), eos[0])
		sequences[i] = append(prompt, response...)
		lengths[i], tokens[i] = len(sequences[i]), len(response)
		if limit := l.ContextLength(); lengths[i] > limit {
			return nil, nil, fmt.Errorf("request %s: prompt and response have %d tokens, expected at most the context length "+
				"%d; shorten them", r.ID, lengths[i], limit)
		}
	}
	sums = make([]float64, len(reqs))
	for _, batch := range batches(lengths) {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		chosen := make([][]int, len(batch))
		for r, i := range batch {
			chosen[r] = sequences[i]
		}
		logprobs, err := l.tokenLogprobs(chosen)
		if err != nil {
			return nil, nil, err
		}
		for r, i := range batch {
			for _, lp := range logprobs[r][lengths[i]-tokens[i]-1:] {
				sums[i] += float64(lp)
			}
		}
	}
	return sums, tokens, nil
}

// tokenLogprobs returns, for each of a batch of sequences, log p of every token but the first, given those before it.
func (l *Model) tokenLogprobs(sequences [][]int) ([][]float32, error) {
	if err := l.place(); err != nil {
		return nil, fmt.Errorf("log-probabilities: %w", err)
	}
	longest := 0
	for _, s := range sequences {
		longest = max(longest, len(s))
	}
	rows, length := rowBucket(len(sequences)), lengthBucket(longest)
	out, err := l.logprobs.Call(int32s(padded(sequences, rows, length), rows, length))
	if err != nil {
		return nil, fmt.Errorf("log-probabilities: %w", err)
	}
	flat, err := tensors.CopyFlatData[float32](out[0]) // [rows, length-1]
	if err != nil {
		return nil, fmt.Errorf("log-probabilities: %w", err)
	}
	logprobs := make([][]float32, len(sequences))
	for r, s := range sequences {
		logprobs[r] = flat[r*(length-1):][:len(s)-1]
	}
	return logprobs, nil
}
