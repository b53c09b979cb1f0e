package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/cenkalti/backoff/v5"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
)

// form is how a request is sent to a server that refuses the usual form. It changes no answer.
type form struct {
	words  bool   // without log-probabilities
	single bool   // one answer a request
	length string // the field that the number of new tokens is sent in, "" for the usual one
}

// of returns a request in this form.
func (f form) of(body openai.ChatCompletionNewParams) openai.ChatCompletionNewParams {
	if f.words {
		body.Logprobs, body.TopLogprobs = param.Opt[bool]{}, param.Opt[int64]{}
	}
	if f.single {
		body.N = param.Opt[int64]{}
	}
	if f.length != "" {
		extra := maps.Clone(body.ExtraFields())
		for _, name := range lengthFields {
			if tokens, ok := extra[name]; ok {
				delete(extra, name)
				extra[f.length] = tokens
				break
			}
		}
		body.SetExtraFields(extra)
	}
	return body
}

// response is what a request gets, R in the functions below.
type response interface{ RawJSON() string }

// request is one to a route whose responses are R.
type request[R response] interface {
	// post sends the request in a form.
	post(ctx context.Context, e *endpoint, f form, o option.RequestOption) (R, error)

	// without returns the form in which the request is sent again after the server has refused a field of it in the form
	// f; ok is false if that is no remedy.
	without(field string, f form) (next form, ok bool)
}

// chat is a request for a chat completion.
type chat openai.ChatCompletionNewParams

func (c chat) post(ctx context.Context, e *endpoint, f form, o option.RequestOption) (*openai.ChatCompletion, error) {
	return e.chat.New(ctx, f.of(openai.ChatCompletionNewParams(c)), o)
}

func (c chat) without(field string, f form) (next form, ok bool) {
	switch {
	case field == "logprobs" && c.Logprobs.Value && !f.words:
		f.words = true
		return f, true
	case field == "n" && c.N.Value > 1 && !f.single:
		f.single = true
		return f, true
	case slices.Contains(lengthFields, field) && f.length == "":
		f.length = lengthFields[0]
		if field == f.length {
			f.length = lengthFields[1]
		}
		return f, true
	}
	return f, false
}

// send sends a request until there is an answer that parse accepts, or the attempts are used up. Its error is a
// *failure, or the reason why the run has ended.
func send[R response, T any](r *run, q request[R], parse func(R) (T, error)) (value T, err error) {
	sent := false
	defer func() {
		var f *failure
		if sent {
			r.pool.end(err == nil, errors.As(err, &f) && f.refused)
		}
	}()
	var usual, now form
	value, err = backoff.Retry(r.going, func() (none T, err error) {
		for {
			l, err := r.pool.take(r.going, !sent)
			if err != nil {
				return none, backoff.Permanent(err)
			}
			sent = true
			if now == usual { // others may have found out meanwhile
				usual = *r.form.Load()
				now = usual
			}
			value, f := attempt(r, l, q, now, parse)
			if f == nil {
				if now != usual {
					r.form.Store(&now)
				}
				return value, nil
			}
			if r.wire.Err() != nil {
				return none, backoff.Permanent(context.Cause(r.wire))
			}
			next, ok := q.without(f.field, now)
			if !ok {
				return none, verdictOn(r, l, f)
			}
			now = next
		}
	}, r.model.retries(r.model.options.Attempts)...)
	return value, err
}

// attempt sends a request once. Its failure is nil if parse accepts the response.
func attempt[R response, T any](r *run, l *lease, q request[R], now form,
	parse func(R) (T, error)) (value T, f *failure) {
	m := r.model
	defer l.release()
	ctx, cancel := context.WithTimeout(r.wire, m.options.Timeout)
	defer cancel()
	res, err := q.post(ctx, l.endpoint, now, option.WithMiddleware(m.wire(l.endpoint, l.release)))
	if err != nil {
		f = m.failureOf(err, l.endpoint, fmt.Sprintf("no answer within %v", m.options.Timeout))
		l.report(f)
		return value, f
	}
	value, err = parse(res)
	if err == nil {
		l.report(nil)
		return value, nil
	}
	if status, said, ok := complaintInAnswer([]byte(res.RawJSON())); ok {
		f = m.refusal(l.endpoint, status, nil, said)
	} else if !errors.As(err, &f) {
		f = &failure{status: http.StatusOK, message: shorten(m.redact(err.Error()))}
	}
	f.endpoint = l.url
	l.report(f)
	return value, f
}

// verdictOn returns f as the retries need it: an error that is permanent where another attempt would fail as well.
func verdictOn(r *run, l *lease, f *failure) error {
	if f.status == http.StatusNotFound {
		ctx, cancel := context.WithTimeout(r.wire, r.model.options.Timeout)
		defer cancel()
		if _, err := r.model.describe(ctx, l.endpoint); err != nil {
			return backoff.Permanent(err) // it names the models that the server has
		}
	}
	if f.fatal() {
		return backoff.Permanent(f)
	}
	return f
}
