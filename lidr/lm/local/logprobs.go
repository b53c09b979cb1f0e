package local

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/lm"
)

// Logprobs implements lm.Model. A response's text is taken as ordinary text, whatever special tokens it spells, and the
// tokenizer's first end-of-turn token is added to it.
func (l *Model) Logprobs(ctx context.Context, reqs []lm.Request, responses []string) (sums []float64, tokens []int, err error) {
	if len(reqs) != len(responses) {
		return nil, nil, fmt.Errorf("log-probabilities: %d requests with %d responses, expected one response each", len(reqs), len(responses))
	}
	eos := l.tokenizer.EOS()
	if len(eos) == 0 {
		return nil, nil, fmt.Errorf("log-probabilities: the tokenizer names no end-of-turn token; add eos_token to tokenizer_config.json")
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
			return nil, nil, fmt.Errorf("request %s: prompt and response have %d tokens, expected at most the context length %d; shorten them", r.ID, lengths[i], limit)
		}
	}
	sums = make([]float64, len(reqs))
	for _, batch := range batches(lengths) {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		rows, length := rowBucket(len(batch)), lengthBucket(lengths[batch[len(batch)-1]])
		chosen := make([][]int, len(batch))
		for r, i := range batch {
			chosen[r] = sequences[i]
		}
		out, err := l.logprobs.Call(int32s(padded(chosen, rows, length), rows, length))
		if err != nil {
			return nil, nil, fmt.Errorf("log-probabilities: %w", err)
		}
		flat, err := tensors.CopyFlatData[float32](out[0]) // [rows, length-1]
		if err != nil {
			return nil, nil, fmt.Errorf("log-probabilities: %w", err)
		}
		for r, i := range batch {
			for t := lengths[i] - tokens[i]; t < lengths[i]; t++ {
				sums[i] += float64(flat[r*(length-1)+t-1])
			}
		}
	}
	return sums, tokens, nil
}
