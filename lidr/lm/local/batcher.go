package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrClosed is the error of answers that are under way when their batcher is closed.
var ErrClosed = errors.New("the model is being stopped")

// Batcher answers queries as they arrive, by continuous batching (Yu et al. 2022, "Orca", OSDI): between any two
// decoding steps, waiting queries are read in the order of their arrival and join the batch, and ended answers leave
// it.
type Batcher struct {
	model *Model
	rows  int // answers under way at once in each lane

	mu      sync.Mutex
	arrived *sync.Cond
	waiting []*Stream
	closed  bool
	lanes   sync.WaitGroup
}

// NewBatcher starts a batcher that computes at least maxBatch answers together. Until Close, other calls of the model
// wait.
func (l *Model) NewBatcher(maxBatch int) *Batcher {
	l.mu.Lock()
	b := &Batcher{model: l, rows: (max(1, maxBatch) + l.lanes - 1) / l.lanes}
	b.arrived = sync.NewCond(&b.mu)
	for range l.lanes {
		b.lanes.Go(b.lane)
	}
	return b
}

// Close ends the answers under way with ErrClosed and waits for the end of all computation.
func (b *Batcher) Close() {
	b.mu.Lock()
	again := b.closed
	b.closed = true
	for _, s := range b.waiting {
		s.fail(ErrClosed)
	}
	b.waiting = nil
	b.arrived.Broadcast()
	b.mu.Unlock()
	b.lanes.Wait()
	if !again {
		b.model.mu.Unlock()
	}
}

// Submit puts a query at the end of the queue, which has no limit. A query whose ctx has ended leaves the queue, or the
// batch before its next step.
func (b *Batcher) Submit(ctx context.Context, q Query) (*Stream, error) {
	if err := q.Sampling.Validate(); err != nil {
		return nil, fmt.Errorf("sampling: %w", err)
	}
	limit, vocabulary := b.model.ContextLength(), b.model.transformer.Config.VocabSize
	if n := len(q.Prompt); n == 0 || n >= limit {
		return nil, fmt.Errorf("the prompt has %d tokens, expected at least one and fewer than the context length %d", n,
			limit)
	}
	for _, id := range q.Prompt {
		if id < 0 || id >= vocabulary {
			return nil, fmt.Errorf("the prompt has token %d, expected 0 to %d", id, vocabulary-1)
		}
	}
	s := &Stream{query: q, context: ctx, news: make(chan struct{}, 1)}
	s.answer = &answer{prompt: q.Prompt, limit: min(q.Sampling.MaxTokens, limit-len(q.Prompt)),
		sampler: newSampler(q.Sampling, "", q.Prompt), stream: s}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	b.waiting = append(slices.DeleteFunc(b.waiting, (*Stream).unwanted), s)
	b.arrived.Signal()
	return s, nil
}

// lane decodes a batch until the batcher is closed.
func (b *Batcher) lane() {
	d := &decoding{model: b.model}
	for {
		going := len(d.going())
		fresh, open := b.take(b.rows-going, going == 0)
		err := ErrClosed
		if open {
			err = d.step(fresh)
		}
		if err != nil {
			for _, a := range append(fresh, d.live...) {
				if a.stream != nil {
					a.stream.fail(err)
				}
			}
		}
		if !open {
			d.release()
			return
		}
	}
}

// take returns up to n waiting answers, and whether the batcher is open. If idle, it waits for the first.
func (b *Batcher) take(n int, idle bool) (fresh []*answer, open bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for idle && len(b.waiting) == 0 && !b.closed {
		b.arrived.Wait()
	}
	for len(fresh) < n && len(b.waiting) > 0 {
		if s := b.waiting[0]; !s.unwanted() {
			fresh = append(fresh, s.answer)
		}
		b.waiting[0] = nil
		b.waiting = b.waiting[1:]
	}
	return fresh, !b.closed
}

// step reads the fresh prompts, which gives their first tokens, and then draws one more token for every answer.
func (d *decoding) step(fresh []*answer) error {
	for _, group := range alike(fresh) {
		if err := d.model.tellPrompts(group); err != nil {
			return err
		}
		n := &decoding{model: d.model, live: group}
		err := n.read()
		if err == nil {
			err = d.join(n)
		}
		if err != nil {
			n.release()
			return err
		}
	}
	for _, a := range d.live {
		if a.finish == "" && a.stream.unwanted() {
			a.finish = abandoned
		}
	}
	if len(d.going()) == 0 {
		d.release()
		d.live, d.rows, d.size = nil, 0, 0
		return nil
	}
	return d.advance()
}

// alike sorts answers by the length of their prompts and cuts them into groups in which no prompt is padded to more
// than twice its length, or to more than 64 tokens if that is more.
func alike(answers []*answer) (groups [][]*answer) {
	slices.SortStableFunc(answers, func(a, b *answer) int { return cmp.Compare(len(a.prompt), len(b.prompt)) })
	for from, to := 0, 1; to <= len(answers); to++ {
		if to == len(answers) || len(answers[to].prompt) > max(64, 2*len(answers[from].prompt)) {
			groups = append(groups, answers[from:to])
			from = to
		}
	}
	return groups
}

// tellPrompts computes the log-probabilities of the prompts whose queries request them.
func (l *Model) tellPrompts(answers []*answer) error {
	var wanted []*Stream
	var prompts [][]int
	for _, a := range answers {
		if a.stream.query.PromptLogprobs {
			wanted, prompts = append(wanted, a.stream), append(prompts, a.prompt)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	logprobs, err := l.tokenLogprobs(prompts)
	if err != nil {
		return err
	}
	for k, s := range wanted {
		s.mu.Lock()
		for _, lp := range logprobs[k] {
			s.prompt = append(s.prompt, float64(lp))
		}
		s.mu.Unlock()
	}
	return nil
}
