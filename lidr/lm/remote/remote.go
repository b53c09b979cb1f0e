// Package remote is a language model behind OpenAI-compatible servers: vLLM, SGLang, llama.cpp, Ollama, OpenAI.
//
// Many requests are sent at a time, 64 to each endpoint by default, balanced over the endpoints. They are repeated
// after growing waits when a server is busy or unreachable, and of several endpoints one may fail for good. Every
// answer is saved as soon as it arrives, so that no answer is paid for twice; a request that failed in every attempt,
// or that the server refuses for good, is reported and never stored as an answer, and the next run sends only the
// missing requests. With 64 requests in flight and a fixed 20 ms for each, a batch took 17 % longer than the arithmetic
// minimum, client and server on two cores.
//
// What a server withholds, cuts or refuses, a thought, a null content and the answer of another model are told apart
// from answers by [lm.Completion.Fault]. Thinking is switched off unless a request asks for it, where the server passes
// that on to the chat template. A server that tells no log-probabilities is asked without, and one that has max_tokens
// by another name by that. The error names any other field that the server refuses, and [Options.Leave] leaves it out.
//
// The API key is read from an environment variable. It is in no error, answer or file, even if a server repeats it.
//
// Raw text, without a chat template, is measured as lm-evaluation-harness does it: [Model.Encode] and
// [Model.TokenLogprobs].
//
// In the place of addresses stands a folder in which servers announce where they answer. It is followed while requests
// are under way: a server that is added gets its share, and one that moves is asked at its new address.
//
// Weights behind a server cannot be hashed, except behind lidr serve, which reports their hash. Answers are stored
// under the server's name for the model, so rename a model that changes.
//
// [Estimate] says what requests cost at most; lidr.DryRun and judge.DryRun say it of each step of a run and of a
// comparison, before anything is asked. Where [Options.Prices] are given, a step that may cost more than
// [Options.MaxDollars], $10 by default, sends nothing.
package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/openai/openai-go/v3"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// UnknownContext is the [Model.ContextLength] of a server that does not report one: no prompt is refused beforehand,
// and one that is too long is the server's error.
const UnknownContext = math.MaxInt32

// Options say which model is used, on which servers and how. The zero value of a field other than Endpoints means its
// default.
type Options struct {
	Model string // the server's name for it; may be empty if the server has only one
	// Endpoints are base URLs of servers of the same model; one without a path gets /v1. Or one folder, in which servers
	// announce themselves ([Announcement]): it is followed while requests are under way.
	Endpoints []string
	// Server is the kind of the server: vllm, sglang, lidr, llama.cpp, ollama, openai or other; default: as it reports
	// itself
	Server        string
	KeyEnv        string        // environment variable that holds the API key; default OPENAI_API_KEY
	InFlight      int           // requests in flight at once for each endpoint; default 64
	Attempts      int           // how often one request is tried; default 8, which takes about a minute and a half
	Timeout       time.Duration // of one attempt; default 10 minutes
	ContextLength int           // tokens of prompt and answer together; default: as the server reports
	// Leave are fields of a request that are not sent, because the server refuses them, such as temperature where only
	// the default of 1 is allowed: its own value holds instead, and the answers are kept apart from others.
	Leave []string
	// Aliases are further names by which the server may call the model in its answers, such as that behind a deployment.
	// An answer by any other name is one of another model ([lm.FaultModel]).
	Aliases []string
	// Tokenizer is the folder of the model's tokenizer, for [Model.Encode] on a server without the route /tokenize.
	Tokenizer  string
	Prices     Prices  // what the server charges; default: nothing
	MaxDollars float64 // limit of a step's cost, above which nothing is sent; default 10, negative: no limit
}

// Model implements lm.Model.
type Model struct {
	options   Options
	key       func() string // not a string, so that a printed Model does not show it
	endpoints []*endpoint
	folder    string            // of announcements that is followed, "" for addresses
	files     map[string]string // the announcement of an address, when the model was opened
	identity  identity
	server    server
	context   int
	delay     time.Duration // before the second attempt; it doubles from one to the next
	client    *http.Client
}

var _ lm.Model = (*Model)(nil)

// Open returns the model that o names, after requesting the list of models from every endpoint, which costs nothing. At
// least one endpoint must answer; the others are used once they answer. Endpoints of different models are an error.
func Open(ctx context.Context, o Options) (*Model, error) {
	m, err := newModel(o)
	if err != nil {
		return nil, err
	}
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	return m, nil
}

func newModel(o Options) (*Model, error) {
	o.KeyEnv = orDefault(o.KeyEnv, "OPENAI_API_KEY")
	o.InFlight = orDefault(o.InFlight, 64)
	o.Attempts = orDefault(o.Attempts, 8)
	o.Timeout = orDefault(o.Timeout, 10*time.Minute)
	o.MaxDollars = orDefault(o.MaxDollars, 10)
	switch {
	case len(o.Endpoints) == 0:
		return nil, errors.New("remote model: no endpoint is given, expected a base URL such as http://localhost:8000/v1")
	case o.InFlight < 0 || o.Attempts < 0 || o.Timeout < 0 || o.ContextLength < 0:
		return nil, errors.New("remote model: in-flight limit, attempts, timeout or context length is negative, expected " +
			"0 (the default) or more")
	case !(o.Prices.Prompt >= 0 && o.Prices.New >= 0):
		return nil, fmt.Errorf("remote model: prices are %v, expected dollars per million tokens, 0 or more", o.Prices)
	}
	for _, field := range o.Leave {
		if !slices.Contains(leavable, field) {
			return nil, fmt.Errorf("remote model: field %q is to be left out, expected some of %s", field,
				strings.Join(leavable, ", "))
		}
	}
	key := strings.TrimSpace(os.Getenv(o.KeyEnv))
	return &Model{options: o, key: func() string { return key }, delay: time.Second}, nil
}

// ErrUnreachable is wrapped by the error of a call that found no server to answer it, or none any more.
var ErrUnreachable = errors.New("no endpoint answers")

func (m *Model) open(ctx context.Context) (err error) {
	bases := m.options.Endpoints
	if m.folder = followedFolder(bases); m.folder != "" {
		if bases, err = m.openFollowed(); err != nil {
			return err
		}
	}
	m.client = httpClient(m.options.InFlight, max(len(bases), m.growth()))
	var unanswered error
	for _, base := range bases {
		e, err := m.newEndpoint(base, m.client)
		if err != nil {
			return fmt.Errorf("%w%s", err, m.in(base))
		}
		var f *failure
		said, err := backoff.Retry(ctx, func() (description, error) {
			said, err := m.describe(ctx, e)
			if errors.As(err, &f) && f.fatal() {
				err = backoff.Permanent(err)
			}
			return said, err
		}, m.retries(3)...)
		switch {
		case err == nil && m.identity == identity{}:
			m.identity, m.context, e.known = said.identity, said.context, true
		case err == nil && said.identity != m.identity && m.folder != "":
			unanswered = fmt.Errorf("%s serves %s, and others %s%s", e.url, said.identity, m.identity, m.in(base))
		case err == nil && said.identity != m.identity:
			return fmt.Errorf("%s serves %s and %s serves %s; give endpoints of the same model only", m.options.Endpoints[0],
				m.identity, e.url, said.identity)
		case err == nil:
			m.context, e.known = min(m.context, said.context), true
		case m.folder != "" && ctx.Err() == nil, errors.As(err, &f) && !f.fatal():
			unanswered = fmt.Errorf("%w%s", err, m.in(base))
		default:
			return err
		}
		m.endpoints = append(m.endpoints, e)
	}
	if m.identity == (identity{}) {
		return fmt.Errorf("%w: %w; start the server, or correct the endpoint", ErrUnreachable, unanswered)
	}
	if m.options.ContextLength > 0 {
		m.context = m.options.ContextLength
	}
	m.server, err = serverOf(m.options.Server, m.identity.OwnedBy)
	return err
}

// retries limits the attempts and makes each wait twice as long as the one before, ± half, at most 30 seconds.
func (m *Model) retries(attempts int) []backoff.RetryOption {
	return []backoff.RetryOption{backoff.WithBackOff(m.waits()), backoff.WithMaxTries(uint(attempts)),
		backoff.WithMaxElapsedTime(0)}
}

func (m *Model) waits() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.Multiplier, b.MaxInterval = m.delay, 2, 30*m.delay
	return b
}

// Fingerprint returns a hash of the server's description of its model (name, owner, path; with llama.cpp also the
// sizes) and of the API's extensions in use, which decide whether an answer's beginning is given to the model or
// requested in words, with [Options.Leave] and [Options.Aliases]. The server's address is no part of it. Weights cannot
// be hashed from outside: other weights of the same name and path have the same fingerprint, so rename a model that
// changes.
func (m *Model) Fingerprint() string {
	parts := []any{m.identity, m.server.name, m.server.prefill}
	for _, names := range [][]string{m.options.Leave, m.options.Aliases} {
		if len(m.options.Leave)+len(m.options.Aliases) > 0 { // whoever names none keeps the answers of earlier versions
			parts = append(parts, slices.Sorted(slices.Values(names)))
		}
	}
	return "remote-" + ledger.Key(parts...)
}

// Weights returns the hash of the weights that the server says it serves, as the model's fingerprint where it is
// loaded: lidr serve's. It is "" for other servers, which say none.
func (m *Model) Weights() string {
	if m.server.name != "lidr" {
		return ""
	}
	return m.identity.Root
}

// ContextLength returns the number of tokens that prompt and answer may have together, or [UnknownContext].
func (m *Model) ContextLength() int { return m.context }

// CountTokens returns [lm.EstimateTokens], since the server's tokenizer is not available.
func (m *Model) CountTokens(r lm.Request) (int, error) { return lm.EstimateTokens(r), nil }

// request returns the body that is sent for r.
func (m *Model) request(r lm.Request, s lm.Sampling) (openai.ChatCompletionNewParams, error) {
	return m.server.params(m.identity.ID, r, s, m.options.Leave)
}

func orDefault[T comparable](value, standard T) T {
	if value == *new(T) {
		return standard
	}
	return value
}
