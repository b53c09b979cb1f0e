// Package serve is a local model as an OpenAI-compatible server: chat and raw completions, streamed or whole, with
// log-probabilities, by continuous batching. Any client of that API works against it, lm/remote among them.
//
// It serves the model's own computation and nothing else: a field that would change the answer and is not computed is
// refused, and sampling is that of lm/local, so that a request with a seed has one answer. What is asked and answered is
// never logged.
package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/tokenizer"
)

const (
	maxBody     = 4 << 20          // bytes of a request, some times what the longest contexts in use hold
	bodyTime    = 30 * time.Second // that a request may take to arrive,
	writeTime   = 30 * time.Second // and a part of the answer to be taken
	graceTime   = 5 * time.Second  // that answers have to end when the server stops
	retryAfter  = 1                // seconds that a client of a full server is asked to wait
	headerBytes = 64 << 10
)

// Options say how a model is served.
type Options struct {
	Name     string // the model's id
	MaxBatch int    // answers computed at once, at least 1
	MaxQueue int    // further requests that may wait; beyond them a client gets status 429
	Key      string // API key that every request must bear; "" lets everyone on this machine in, and no one else
}

// Server serves one model.
type Server struct {
	options   Options
	model     *local.Model
	tokenizer *tokenizer.Tokenizer
	batcher   *local.Batcher
	started   time.Time
	print     string        // the model's fingerprint
	slots     chan struct{} // one is taken by each request being read, waiting or answered
	key       [sha256.Size]byte
	stopping  atomic.Bool
	grace     time.Duration
}

// New returns a server of model m with its tokenizer. The model is the server's own until Serve returns.
func New(m *local.Model, t *tokenizer.Tokenizer, o Options) (*Server, error) {
	if o.MaxBatch < 1 || o.MaxQueue < 0 {
		return nil, fmt.Errorf("serve: a batch of %d and a queue of %d, expected at least 1 and at least 0", o.MaxBatch, o.MaxQueue)
	}
	return &Server{
		options: o, model: m, tokenizer: t, started: time.Now(), print: m.Fingerprint(),
		slots: make(chan struct{}, o.MaxBatch+o.MaxQueue), key: sha256.Sum256([]byte(o.Key)), batcher: m.NewBatcher(o.MaxBatch), grace: graceTime,
	}, nil
}

// Listen opens address, such as 127.0.0.1:8000. Without a key it must be a loopback address.
func Listen(ctx context.Context, address, key string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return l, guarded(l, key)
}

// guarded closes a listener that other machines can reach without a key.
func guarded(l net.Listener, key string) error {
	if a, ok := l.Addr().(*net.TCPAddr); key == "" && (!ok || !a.IP.IsLoopback()) {
		l.Close()
		return fmt.Errorf("serve: %s can be reached from other machines, which needs an API key; set one, or listen on 127.0.0.1", l.Addr())
	}
	return nil
}

// Serve answers requests on l until ctx ends. Then it accepts nothing more, gives the requests under way 5 seconds, and
// ends those that are left. It is called once. Without a key, l must be a loopback address.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer s.batcher.Close()
	if err := guarded(l, s.options.Key); err != nil {
		return err
	}
	base, cut := context.WithCancelCause(context.Background())
	defer cut(local.ErrClosed)
	server := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: headerBytes,
		BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog:    log.New(io.Discard, "", 0), // what clients do wrong on the wire is theirs to see
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	if within(s.grace, server.Shutdown) != nil {
		cut(local.ErrClosed)
		if within(time.Second, server.Shutdown) != nil { // that they need to say so
			server.Close()
		}
	}
	return nil
}

func within(d time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return f(ctx)
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", s.health)
	mux.Handle("GET /v1/models", s.allowed(s.models))
	mux.Handle("GET /v1/models/{id...}", s.allowed(s.describe))
	mux.Handle("POST /v1/chat/completions", s.allowed(s.bounded(s.chat)))
	mux.Handle("POST /v1/completions", s.allowed(s.bounded(s.complete)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &problem{status: http.StatusNotFound, Message: fmt.Sprintf("there is no %s %.80s here; expected POST /v1/chat/completions, POST /v1/completions, GET /v1/models or GET /health", r.Method, r.URL.Path)})
	})
	return mux
}

// allowed lets requests with the key in. Without a key the server is one for this machine, and a web page that a browser
// on it shows must not reach it either: neither under a name of the page's own that leads here, nor by a form.
func (s *Server) allowed(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		sum := sha256.Sum256([]byte(given))
		switch {
		case s.options.Key == "" && !isLoopback(r.Host):
			refuse(w, &problem{status: http.StatusForbidden, Message: "without an API key only requests to localhost are answered"})
		case s.options.Key != "" && subtle.ConstantTimeCompare(sum[:], s.key[:]) == 0:
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, &problem{status: http.StatusUnauthorized, Code: "invalid_api_key", Message: "the API key is missing or wrong; send it as Authorization: Bearer KEY"})
		default:
			next(w, r)
		}
	})
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// bounded reads the body of a request, unless as many are under way as may be.
func (s *Server) bounded(next func(w http.ResponseWriter, r *http.Request, body []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			w.Header().Set("Retry-After", fmt.Sprint(retryAfter))
			refuse(w, &problem{status: http.StatusTooManyRequests, Code: "rate_limit_exceeded",
				Message: fmt.Sprintf("%d requests are under way or waiting, which is as many as this server takes; ask again later", cap(s.slots))})
			return
		}
		if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
			refuse(w, &problem{status: http.StatusUnsupportedMediaType, Message: "expected Content-Type: application/json"})
			return
		}
		wire := http.NewResponseController(w)
		wire.SetReadDeadline(time.Now().Add(bodyTime))
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			refuse(w, &problem{status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the request has more than %d bytes; shorten it", maxBody)})
			return
		case err != nil:
			refuse(w, &problem{status: http.StatusRequestTimeout, Message: fmt.Sprintf("the request did not arrive whole within %v", bodyTime)})
			return
		}
		wire.SetReadDeadline(time.Time{}) // from here on a read only tells whether the client has gone
		next(w, r, body)
	}
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if s.stopping.Load() {
		refuse(w, &problem{status: http.StatusServiceUnavailable, Message: local.ErrClosed.Error()})
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// served is the model in OpenAI's form, with vLLM's root (what the weights are: their hash) and max_model_len.
func (s *Server) served() map[string]any {
	return map[string]any{
		"id": s.options.Name, "object": "model", "created": s.started.Unix(), "owned_by": "lidr",
		"root": s.print, "max_model_len": s.model.ContextLength(),
	}
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{"object": "list", "data": []any{s.served()}})
}

func (s *Server) describe(w http.ResponseWriter, r *http.Request) {
	if id := r.PathValue("id"); id != s.options.Name {
		refuse(w, s.unknown(id))
		return
	}
	reply(w, http.StatusOK, s.served())
}

func (s *Server) unknown(id string) *problem {
	return &problem{status: http.StatusNotFound, Param: "model", Code: "model_not_found", Message: fmt.Sprintf("model %.80q is not served here but %s", id, s.options.Name)}
}
