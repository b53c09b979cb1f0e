package local

import (
	"context"
	"fmt"

	"lidrlab/lidr/lm"
)

// Generate implements lm.Model. A batch of which some items are done already, because a run was killed while it was
// being saved, is computed whole and the missing items are saved: so each item always shares its batch with the same
// others, and its answer cannot differ even by rounding.
func (l *Model) Generate(ctx context.Context, reqs []lm.Request, s lm.Sampling, done func(i int) bool, save func(idx []int, out []lm.Completion) error) error {
	if err := s.Validate(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	prompts := make([][]int, len(reqs))
	lengths := make([]int, len(reqs))
	for i, r := range reqs {
		ids, err := l.encode(r)
		if err != nil {
			return err
		}
		if limit := l.ContextLength(); len(ids) >= limit {
			return fmt.Errorf("request %s: the prompt has %d tokens, expected fewer than the context length %d; shorten it", r.ID, len(ids), limit)
		}
		prompts[i], lengths[i] = ids, len(ids)
	}
	for _, batch := range batches(lengths) {
		var missing []int
		for _, i := range batch {
			if done == nil || !done(i) {
				missing = append(missing, i)
			}
		}
		if len(missing) == 0 {
			continue
		}
		answers := make([]*answer, len(batch))
		byIndex := map[int]*answer{}
		for r, i := range batch {
			limit := min(s.MaxTokens, l.ContextLength()-len(prompts[i]))
			answers[r] = &answer{prompt: prompts[i], limit: limit, sampler: newSampler(s, reqs[i].ID, prompts[i])}
			byIndex[i] = answers[r]
		}
		if err := l.decode(ctx, answers); err != nil {
			return err
		}
		out := make([]lm.Completion, len(missing))
		for k, i := range missing {
			a := byIndex[i]
			out[k] = lm.Completion{Text: text(a.bytes), FinishReason: a.finish, PromptTokens: len(a.prompt), Tokens: len(a.tokens)}
		}
		if err := save(missing, out); err != nil {
			return err
		}
	}
	return nil
}
