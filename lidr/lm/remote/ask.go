package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/cenkalti/backoff/v5"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

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
// random time, or when the server says. A request that fails too often does not delay the others; see
// [lm.IncompleteError]. An error that every attempt would repeat (a wrong key, setting or model) ends the run: no new
// request is sent, and the answers under way are still saved. Requests that may cost more than [Options.MaxDollars]
// together are refused before the first is sent.
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
	if err := m.afford(asked, s); err != nil {
		return err
	}
	one := func(r *run, i int) (Answer, error) {
		a, err := send(r, bodies[i], answerOf)
		a.Text = m.redact(m.server.withoutPrefill(a.Text, reqs[i].Prefill))
		for k := range a.TopLogprobs {
			a.TopLogprobs[k].Token = m.redact(a.TopLogprobs[k].Token)
		}
		return a, err
	}
	return each(ctx, m, reqs, todo, one, save)
}

// run is one call of Ask or Logprobs.
type run struct {
	model *Model
	pool  *pool
	wire  context.Context // ends requests in flight
	going context.Context // ends waiting requests; it ends with wire, or before
}

// each calls one(i) for every i in todo, many at a time, and saves the results as they arrive.
func each[T any](ctx context.Context, m *Model, reqs []lm.Request, todo []int, one func(r *run, i int) (T, error),
	save func(idx []int, out []T) error) error {
	if len(todo) == 0 {
		return nil
	}
	wire, abort := context.WithCancel(ctx)
	going, halt := context.WithCancelCause(wire)
	r := &run{model: m, pool: m.newPool(wire), wire: wire, going: going}
	defer r.pool.probes.Wait()
	defer abort()
	defer halt(nil)

	type outcome struct {
		index int
		value T
		err   error
	}
	outcomes := make(chan outcome, len(todo))
	var next atomic.Int64
	var workers sync.WaitGroup
	// Twice as many as may be in flight, so that a request is ready when another ends, and some can wait for their next
	// attempt.
	for range min(len(todo), 2*m.options.InFlight*len(m.endpoints)) {
		workers.Go(func() {
			for n := next.Add(1); n <= int64(len(todo)) && going.Err() == nil; n = next.Add(1) {
				i := todo[n-1]
				value, err := one(r, i)
				var f *failure
				if err != nil && (!errors.As(err, &f) || f.fatal()) {
					halt(fmt.Errorf("request %s: %w", reqs[i].ID, err)) // the first cause is kept
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
				failed = append(failed, lm.Failed{Index: o.index, ID: reqs[o.index].ID, Reason: o.err})
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
	switch {
	case saving != nil:
		return saving
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case going.Err() != nil:
		return context.Cause(going)
	case len(failed) > 0:
		return &lm.IncompleteError{Requests: len(todo), Failed: failed}
	}
	return nil
}

// send sends a request until there is an answer that parse accepts, or the attempts are used up. Its error is a
// *failure, or the reason why the run has ended.
func send[T any](r *run, body openai.ChatCompletionNewParams,
	parse func(*openai.ChatCompletion) (T, error)) (T, error) {
	m := r.model
	return backoff.Retry(r.going, func() (none T, err error) {
		l, err := r.pool.take(r.going)
		if err != nil {
			return none, backoff.Permanent(err)
		}
		defer l.release()
		ctx, cancel := context.WithTimeout(r.wire, m.options.Timeout)
		defer cancel()
		res, err := l.chat.New(ctx, body, option.WithMiddleware(m.wire(l.endpoint, l.release)))
		if err == nil {
			var value T
			if value, err = parse(res); err == nil {
				l.report(nil)
				return value, nil
			}
			err = &failure{endpoint: l.url, status: http.StatusOK, message: shorten(m.redact(err.Error()))}
		}
		if r.wire.Err() != nil {
			return none, backoff.Permanent(context.Cause(r.wire))
		}
		f := m.failureOf(err, l.endpoint, fmt.Sprintf("no answer within %v", m.options.Timeout))
		l.report(f)
		if f.status == http.StatusNotFound {
			if _, err := m.describe(ctx, l.endpoint); err != nil {
				return none, backoff.Permanent(err) // it names the models that the server has
			}
		}
		if f.fatal() {
			return none, backoff.Permanent(f)
		}
		return none, f
	}, m.retries(m.options.Attempts)...)
}
