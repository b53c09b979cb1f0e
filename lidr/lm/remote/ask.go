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

// MaxTopLogprobs is the most that the API tells for a token.
const MaxTopLogprobs = 20

// IncompleteError says that some requests failed as often as they may be tried. All others are answered and saved, so
// running again asks only these.
type IncompleteError struct {
	Requests int // that were to be asked
	Failed   []Failed
}

// Failed is a request without an answer.
type Failed struct {
	Index  int // in the requests
	ID     string
	Reason error
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("%d of %d requests failed, the first of them (%s) with: %v; the others are answered and kept, so run again to ask only these",
		len(e.Failed), e.Requests, e.Failed[0].ID, e.Failed[0].Reason)
}

// Unwrap returns the first reason.
func (e *IncompleteError) Unwrap() error { return e.Failed[0].Reason }

// Generate implements lm.Model. Answers are saved as they come back, not in batches that depend on the input: a server
// decides itself what it computes together, so its answers can differ in the last bit, and greedy text with them.
func (m *Model) Generate(ctx context.Context, reqs []lm.Request, s lm.Sampling, done func(i int) bool, save func(idx []int, out []lm.Completion) error) error {
	return m.Ask(ctx, reqs, s, 0, done, func(idx []int, out []Answer) error {
		completions := make([]lm.Completion, len(out))
		for k, a := range out {
			completions[k] = a.Completion
		}
		return save(idx, completions)
	})
}

// Ask answers every request i for which done(i) is false; a nil done means none is. Of each answer's first token it also
// asks for the topLogprobs likeliest alternatives, 0 to [MaxTopLogprobs]; servers that know none leave them out. save is
// called from Ask's goroutine with the indices and answers that have come back since it was called last.
//
// Busy servers (status 429), broken ones and lost connections are asked again after a growing, random time, or when
// they say. A request that fails too often does not hold up the others; see [IncompleteError]. An error that another
// attempt would only repeat (a wrong key, setting or model) ends the run: nothing new is sent, and what is under way is
// still saved. Requests that may cost more than [Options.MaxDollars] together are refused before the first.
func (m *Model) Ask(ctx context.Context, reqs []lm.Request, s lm.Sampling, topLogprobs int, done func(i int) bool, save func(idx []int, out []Answer) error) error {
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
	wire  context.Context // ends what is in flight
	going context.Context // ends what waits; it ends with wire, or before
}

// each computes one(i) for every i in todo, many at a time, and saves what comes back.
func each[T any](ctx context.Context, m *Model, reqs []lm.Request, todo []int, one func(r *run, i int) (T, error), save func(idx []int, out []T) error) error {
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
	// Twice as many as may be in flight, so that a request waits at the door when another leaves, and some may wait for
	// their next attempt.
	for range min(len(todo), 2*m.options.InFlight*len(m.endpoints)) {
		workers.Go(func() {
			for n := next.Add(1); n <= int64(len(todo)) && going.Err() == nil; n = next.Add(1) {
				i := todo[n-1]
				value, err := one(r, i)
				var f *failure
				if err != nil && (!errors.As(err, &f) || f.fatal()) {
					halt(fmt.Errorf("request %s: %w", reqs[i].ID, err)) // the first cause stays
				}
				outcomes <- outcome{i, value, err}
			}
		})
	}
	go func() { workers.Wait(); close(outcomes) }()

	var failed []Failed
	var saving error
	for first := range outcomes {
		var idx []int
		var out []T
		for o, more := first, true; more; {
			if o.err == nil {
				idx, out = append(idx, o.index), append(out, o.value)
			} else {
				failed = append(failed, Failed{o.index, reqs[o.index].ID, o.err})
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
		return &IncompleteError{len(todo), failed}
	}
	return nil
}

// send asks until there is an answer that parse accepts, or the attempts are used up. Its error is a *failure, or says
// why the run is over.
func send[T any](r *run, body openai.ChatCompletionNewParams, parse func(*openai.ChatCompletion) (T, error)) (T, error) {
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
		value := none
		if err == nil {
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
				return none, backoff.Permanent(err) // names the models that it serves
			}
		}
		if f.fatal() {
			return none, backoff.Permanent(f)
		}
		return none, f
	}, m.retries(m.options.Attempts)...)
}
