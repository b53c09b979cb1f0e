package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/lm"
)

// MaxTopLogprobs is the largest number of alternatives of a token that the API returns.
const MaxTopLogprobs = 20

// Generate implements lm.Model. Answers are saved as they arrive, not in batches that depend on the input: the server
// decides which requests it computes together, so its answers can differ in the last bit, and greedy text with them.
func (m *Model) Generate(ctx context.Context, reqs []lm.Request, s lm.Sampling, done func(i int) bool,
	save func(idx []int, out []lm.Completion) error) error {
	return m.Ask(ctx, reqs, s, 0, done, func(idx []int, out []Answer) error {
		completions := make([]lm.Completion, len(out))
		for k, a := range out {
			completions[k] = a.Completion
		}
		return save(idx, completions)
	})
}

// Ask answers every request i for which done(i) is false; a nil done means none is. It also requests the topLogprobs
// likeliest alternatives of each answer's first token, 0 to [MaxTopLogprobs]; servers without them leave them out. save
// is called from Ask's goroutine with the indices and answers that have arrived since the last call.
//
// After a busy server (status 429), a server error or a lost connection, a request is sent again after a growing,
// random time, or when the server says. A request that fails too often, or that the server refuses for good (it is too
// long, or a filter withholds it), does not delay the others; see [lm.IncompleteError]. An error that every request
// would repeat (a wrong key, setting or model) ends the run: no new request is sent, and the answers under way are
// still saved. So does a server that refuses all of the first requests. Requests that may cost more than
// [Options.MaxDollars] together are refused before the first is sent.
//
// A server that refuses to tell log-probabilities is asked without them, and one that has another name for max_tokens
// by that name.
func (m *Model) Ask(ctx context.Context, reqs []lm.Request, s lm.Sampling, topLogprobs int, done func(i int) bool,
	save func(idx []int, out []Answer) error) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("sampling: %w", err)
	}
	if topLogprobs < 0 || topLogprobs > MaxTopLogprobs {
		return fmt.Errorf("ask: %d log-probabilities a token, expected 0 to %d", topLogprobs, MaxTopLogprobs)
	}
	var todo []int
	var asked []lm.Request
	bodies := make([]openai.ChatCompletionNewParams, len(reqs))
	for i, r := range reqs {
		if done != nil && done(i) {
			continue
		}
		var err error
		if bodies[i], err = m.request(r, s); err != nil {
			return err
		}
		if topLogprobs > 0 {
			bodies[i].Logprobs, bodies[i].TopLogprobs = openai.Bool(true), openai.Int(int64(topLogprobs))
		}
		todo, asked = append(todo, i), append(asked, r)
	}
	if err := m.afford(Estimate(asked, s, m.options.Prices)); err != nil {
		return err
	}
	first, group := m.together(reqs, todo, s)
	one := func(r *run, i int) ([]Answer, error) {
		out, err := m.askGroup(r, group[i], bodies)
		for k := range out {
			out[k].Text = m.server.withoutPrefill(out[k].Text, reqs[i].Prefill)
		}
		return out, err
	}
	err := each(ctx, m, idsOf(reqs), first, one, func(idx []int, out [][]Answer) error {
		var all []int
		for _, i := range idx {
			all = append(all, group[i]...)
		}
		return save(all, slices.Concat(out...))
	})
	var incomplete *lm.IncompleteError
	if errors.As(err, &incomplete) {
		return ofGroups(incomplete, reqs, group, len(todo))
	}
	return err
}

// ofGroups says of every request of a group what was said of its first.
func ofGroups(e *lm.IncompleteError, reqs []lm.Request, group map[int][]int, requests int) error {
	all := &lm.IncompleteError{Requests: requests}
	for _, f := range e.Failed {
		for _, i := range group[f.Index] {
			all.Failed = append(all.Failed, lm.Failed{Index: i, ID: reqs[i].ID, Reason: f.Reason, Final: f.Final})
		}
	}
	return all
}

// answer reads an answer from a response: without its thought, the key, and with the name of a model that is not ours.
func (m *Model) answer(res *openai.ChatCompletion) (Answer, error) {
	a, err := answerOf(res)
	if err != nil {
		return a, err
	}
	a.Completion = a.Completion.Split()
	a.Text, a.Thought, a.Reason = m.redact(a.Text), m.redact(a.Thought), m.redact(a.Reason)
	a.By = m.otherModel(res.Model)
	for k := range a.TopLogprobs {
		a.TopLogprobs[k].Token = m.redact(a.TopLogprobs[k].Token)
	}
	return a, nil
}

// run is one call of Ask or Logprobs.
type run struct {
	model *Model
	pool  *pool
	form  atomic.Pointer[form] // in which the server took a request
	wire  context.Context      // ends requests in flight
	going context.Context      // ends waiting requests; it ends with wire, or before
}

// each calls one(i) for every i in todo, many at a time, and saves the results as they arrive. name is what messages
// call a request.
func each[T any](ctx context.Context, m *Model, name func(i int) string, todo []int,
	one func(r *run, i int) (T, error), save func(idx []int, out []T) error) error {
	if len(todo) == 0 {
		return nil
	}
	wire, abort := context.WithCancel(ctx)
	going, halt := context.WithCancelCause(wire)
	r := &run{model: m, pool: m.newPool(wire), wire: wire, going: going}
	r.form.Store(&form{})
	todo = spread(todo)
	defer r.pool.probes.Wait()
	defer abort()
	defer halt(nil)

	type outcome struct {
		index int
		value T
		err   error
	}
	// Without room of its own: while the disk is slow, answers that are not kept yet wait with their worker, and no others
	// are asked for that a process which is killed now would have to ask for again.
	outcomes := make(chan outcome)
	fails := func(err error) (alone, final bool) {
		var f *failure
		alone = errors.As(err, &f) && (f.refused || !f.fatal())
		return alone, alone && f.refused
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	// Twice as many as may be in flight, so that a request is ready when another ends, and some can wait for their next
	// attempt.
	for range min(len(todo), 2*m.options.InFlight*max(len(m.endpoints), m.growth())) {
		workers.Go(func() {
			for n := next.Add(1); n <= int64(len(todo)) && going.Err() == nil; n = next.Add(1) {
				i := todo[n-1]
				value, err := one(r, i)
				if alone, _ := fails(err); err != nil && !alone {
					halt(fmt.Errorf("request %s: %w", name(i), err)) // the first cause is kept
				}
				outcomes <- outcome{i, value, err}
			}
		})
	}
	go func() { workers.Wait(); close(outcomes) }()

	var failed []lm.Failed
	var saving error
	for first := range outcomes {
		var idx []int
		var out []T
		for o, more := first, true; more; {
			if o.err == nil {
				idx, out = append(idx, o.index), append(out, o.value)
			} else {
				_, final := fails(o.err)
				failed = append(failed, lm.Failed{Index: o.index, ID: name(o.index), Reason: o.err, Final: final})
			}
			select {
			case o, more = <-outcomes:
			default:
				more = false
			}
		}
		if len(idx) > 0 && saving == nil {
			if saving = save(idx, out); saving != nil {
				abort()
			}
		}
	}
	slices.SortFunc(failed, func(x, y lm.Failed) int { return cmp.Compare(x.Index, y.Index) })
	switch {
	case saving != nil:
		return saving
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(context.Cause(going), errAllRefused):
		first := failed[max(0, slices.IndexFunc(failed, func(f lm.Failed) bool { return f.Final }))] // the others wait
		return fmt.Errorf("the server refuses every request, so that no more than %d were sent: request %s: %w; "+
			"correct what it names and run again", caution, first.ID, first.Reason)
	case going.Err() != nil:
		return context.Cause(going)
	case len(failed) > 0:
		return &lm.IncompleteError{Requests: len(todo), Failed: failed}
	}
	return nil
}

func idsOf(reqs []lm.Request) func(i int) string { return func(i int) string { return reqs[i].ID } }

// spread returns todo with requests from all over it first, as many as may be refused before the run ends: the first in
// order may be alike, all of one language or all too long, and say nothing of the others.
func spread(todo []int) []int {
	if len(todo) <= caution {
		return todo
	}
	out := make([]int, 0, len(todo))
	for k := range caution {
		out = append(out, todo[k*len(todo)/caution])
	}
	for k, i := range todo {
		if first := (k*caution + len(todo) - 1) / len(todo); first*len(todo)/caution != k {
			out = append(out, i)
		}
	}
	return out
}
