package local

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"lidrlab/lidr/lm"
)

// Generate implements lm.Model. Where a text's results do not depend on those beside it, prompts take the places of
// answers that have ended, and only what is missing is computed. Elsewhere a batch with some items already done,
// because a run was killed while it was being saved, is computed whole and only the missing items are saved: so an item
// always shares its batch with the same others, and its answer does not differ even by rounding.
func (l *Model) Generate(ctx context.Context, reqs []lm.Request, s lm.Sampling, done func(i int) bool,
	save func(idx []int, out []lm.Completion) error) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("sampling: %w", err)
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
			return fmt.Errorf("request %s: the prompt has %d tokens, expected fewer than the context length %d; shorten it",
				r.ID, len(ids), limit)
		}
		prompts[i], lengths[i] = ids, len(ids)
	}
	// in the order of their batches, so that they are saved in the same order at any number of lanes
	var todo []*generation
	for _, batch := range batches(lengths) {
		g := &generation{finished: make(chan error, 1)}
		for _, i := range batch {
			limit := min(s.MaxTokens, l.ContextLength()-len(prompts[i]))
			a := &answer{prompt: prompts[i], limit: limit, sampler: newSampler(s, reqs[i].ID, prompts[i])}
			g.answers = append(g.answers, a)
			if done == nil || !done(i) {
				g.missing, g.wanted = append(g.missing, i), append(g.wanted, a)
			}
		}
		if len(g.missing) > 0 {
			todo = append(todo, g)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	if l.transformer.EachAlone(l.backend) {
		q := &queue{todo: slices.Clone(todo)}
		for _, g := range todo {
			q.waiting = append(q.waiting, g.wanted...)
		}
		for range min(l.lanes, len(todo)) {
			running.Go(func() { q.end(l.refill(ctx, q)) })
		}
	} else {
		var next atomic.Int64
		for range min(l.lanes, len(todo)) {
			running.Go(func() {
				for n := next.Add(1); n <= int64(len(todo)); n = next.Add(1) {
					g := todo[n-1]
					g.finished <- l.decode(ctx, g.answers)
				}
			})
		}
	}
	for _, g := range todo {
		if err := <-g.finished; err != nil {
			return err
		}
		if err := save(g.missing, g.completions()); err != nil {
			return err
		}
	}
	return nil
}

// generation is one batch of Generate.
type generation struct {
	answers  []*answer
	missing  []int     // indices of the requests whose answers are saved
	wanted   []*answer // their answers
	finished chan error
}

func (g *generation) completions() []lm.Completion {
	out := make([]lm.Completion, len(g.wanted))
	for k, a := range g.wanted {
		out[k] = lm.Completion{Text: text(a.bytes), FinishReason: a.finish, PromptTokens: len(a.prompt),
			Tokens: len(a.tokens)}
	}
	return out
}
