// Package serve serves a local model by OpenAI's API: chat and raw completions, streamed or whole, with
// log-probabilities, by continuous batching. It works with any client of that API, lm/remote among them, and keeps a
// large model loaded for notebook cells and other programs:
//
//	lidr serve runs/demo/M1/model --max-batch 64 --max-queue 256
//
// Both kinds of completions have n, stop texts, a seed, log-probabilities, and vLLM's prompt_logprobs and ignore_eos;
// chat has vLLM's continue_final_message, and raw completions have lists of prompts, token ids, and echo, with which
// max_tokens may be 0: that is how lm-eval measures the likelihood of texts. /tokenize, /detokenize and
// /tokenizer_info are vLLM's. /v1/models gives the model's id, the length of its context and the hash of its
// weights, and /health says whether the server answers. Requests join the running batch between two decoding steps, and
// leave it when their answer ends or their client disconnects. With --max-batch answers under way and --max-queue
// requests waiting, a further one gets status 429. A request waits until there is memory for its longest answer
// (max_tokens, else what is left of the context), and one for which there never will be gets status 400; a second after
// the last answer their memory is returned, but for 512 MiB of prompts at most.
//
// A prompt is computed up to where it differs from those before it: a system message, examples and the samples of one
// prompt are read once, and stay as long as there is room, the last asked for longest. usage.prompt_tokens_details has
// the number of such tokens, cached_tokens, as OpenAI's has; they change no bit of an answer. A long prompt is read in
// pieces of --prompt-piece tokens, between which every answer under way gets its next token; prompt_logprobs and echo
// with logprobs need the whole prompt at once.
//
// The server listens on a loopback address; on any other it needs an API key, in LIDR_API_KEY or --key-file, and the
// connection is not encrypted: put a proxy with TLS in front of it.
//
// A field that would change the answer and is not offered (tools, JSON mode, logit_bias, penalties) is refused by its
// name, and sampling is that of lm/local, so that a request with a seed has one answer. Requests and answers are never
// logged.
package serve

import (
	"cmp"
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
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/semaphore"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/tokenizer"
)

// Limits of a request and of the server's patience.
const (
	maxBody      = 4 << 20          // bytes of a request, several times the text of the longest contexts in use
	smallBody    = 64 << 10         // bytes of a request that is always read
	maxBodies    = 64 << 20         // bytes of all other requests that are being read, before they become tokens
	headerBytes  = 64 << 10         // bytes of a request's header
	bodyTime     = 30 * time.Second // time for a request to arrive
	writeTime    = 30 * time.Second // time for a client to receive a part of the answer
	graceTime    = time.Second      // time for answers to end when the server stops
	mostRequests = 1 << 20          // answered or waiting at once, far beyond what clients can hold open
	retryAfter   = 1                // seconds that a client of a full server is asked to wait
)

// Options are the settings of a server.
type Options struct {
	Name     string // the model's id
	MaxBatch int    // answers computed at once, at least 1
	MaxQueue int    // further requests that may wait; beyond them a client gets status 429
	Piece    int    // tokens of prompts that are read between two tokens of others' answers; 0 is local.PromptPiece
	Memory   int    // bytes for the answers' key-value caches; 0 is three quarters of what there is beside the weights
	Key      string // API key that every request must have; "" admits all requests from this machine, and no others
}

// Server serves one model.
type Server struct {
	options   Options
	model     *local.Model
	tokenizer *tokenizer.Tokenizer
	batcher   *local.Batcher
	started   time.Time
	print     string              // the model's fingerprint
	longest   int                 // bytes of the longest text that the context has room for
	reading   *semaphore.Weighted // bytes of requests that are being read
	encoding  sync.Mutex          // held while a request becomes tokens, which takes many times its bytes
	slots     chan struct{}       // each request being read, waiting or answered holds one
	key       [sha256.Size]byte
	stopping  atomic.Bool
	grace     time.Duration
}

// New returns a server of model m with its tokenizer. Nothing else may use the model until Serve returns.
func New(m *local.Model, t *tokenizer.Tokenizer, o Options) (*Server, error) {
	if o.MaxBatch < 1 || o.MaxQueue < 0 || o.Memory < 0 || o.Piece < 0 || max(o.MaxBatch, o.MaxQueue) > mostRequests {
		return nil, fmt.Errorf("serve: a batch of %d, a queue of %d, memory of %d bytes and pieces of %d tokens, expected 1 "+
			"to %d, 0 to %[5]d and at least 0 of both", o.MaxBatch, o.MaxQueue, o.Memory, o.Piece, mostRequests)
	}
	if o.Memory == 0 {
		available := backend.AvailableMemory()
		o.Memory = max(available/8, (available-m.MappedBytes())/4*3)
	}
	spelling := 0
	for id := range t.VocabSize() {
		spelling = max(spelling, len(t.DecodeBytes([]int{id})))
	}
	return &Server{
		options: o, model: m, tokenizer: t, started: time.Now(), print: m.Fingerprint(),
		longest: m.ContextLength() * spelling, reading: semaphore.NewWeighted(maxBodies),
		slots: make(chan struct{}, o.MaxBatch+o.MaxQueue), key: sha256.Sum256([]byte(o.Key)),
		batcher: m.NewBatcher(o.MaxBatch, o.Memory, cmp.Or(o.Piece, local.PromptPiece)), grace: graceTime,
	}, nil
}

// Listen returns a listener on address, such as 127.0.0.1:8000. Without a key it must be a loopback address.
func Listen(ctx context.Context, address, key string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return l, guarded(l, key)
}

// guarded closes a listener that other machines can reach and that needs no key, and returns an error.
func guarded(l net.Listener, key string) error {
	if a, ok := l.Addr().(*net.TCPAddr); key == "" && (!ok || !a.IP.IsLoopback()) {
		l.Close()
		return fmt.Errorf("serve: %s can be reached from other machines, which needs an API key; set one, or listen on "+
			"127.0.0.1", l.Addr())
	}
	return nil
}

// Serve answers requests on l until ctx ends. Then it accepts no more, gives the requests under way a second, and
// aborts the remaining ones. It is called once. Without a key, l must be a loopback address.
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
		ErrorLog:    log.New(io.Discard, "", 0), // errors of clients are not the operator's
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
		if within(graceTime/4, server.Shutdown) != nil { // for the clients to receive their error
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
	mux.Handle("POST /tokenize", s.allowed(s.bounded(s.tokenize)))
	mux.Handle("POST /detokenize", s.allowed(s.bounded(s.detokenize)))
	mux.Handle("GET /tokenizer_info", s.allowed(s.describeTokenizer))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &problem{status: http.StatusNotFound,
			Message: fmt.Sprintf("there is no %s %.80s here; expected POST /v1/chat/completions, POST /v1/completions, "+
				"GET /v1/models or GET /health", r.Method, r.URL.Path)})
	})
	return mux
}

// allowed admits requests with the key. Without a key it admits requests from this machine, but not those of a web page
// in a browser on it: neither to a host name of the page's own that resolves to this machine, nor from a form.
func (s *Server) allowed(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		sum := sha256.Sum256([]byte(given))
		switch {
		case s.options.Key == "" && !IsLoopback(r.Host):
			refuse(w, &problem{status: http.StatusForbidden,
				Message: "without an API key only requests to localhost are answered"})
		case s.options.Key != "" && subtle.ConstantTimeCompare(sum[:], s.key[:]) == 0:
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, &problem{status: http.StatusUnauthorized, Code: "invalid_api_key",
				Message: "the API key is missing or wrong; send it as Authorization: Bearer KEY"})
		default:
			next(w, r)
		}
	})
}

// IsLoopback tells whether a host, with or without a port, is this machine by its name or address. The Host of a
// request that a web page sent to a name of its own, which was made to resolve to this machine, is not.
func IsLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// busy refuses a request that a client may send again later.
func busy(w http.ResponseWriter, reason string) {
	w.Header().Set("Retry-After", fmt.Sprint(retryAfter))
	refuse(w, &problem{status: http.StatusTooManyRequests, Code: "rate_limit_exceeded",
		Message: reason + "; try again later"})
}

// bounded reads the body of a request, or refuses it if the largest number of requests is under way, or of bytes that
// are being read. next calls read when it needs the body no more.
func (s *Server) bounded(next func(w http.ResponseWriter, r *http.Request, body []byte,
	read func())) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			busy(w, fmt.Sprintf("%d requests are under way or waiting, the largest number that this server accepts",
				cap(s.slots)))
			return
		}
		if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != "application/json" {
			refuse(w, &problem{status: http.StatusUnsupportedMediaType, Message: "expected Content-Type: application/json"})
			return
		}
		size := r.ContentLength
		if size < 0 || size > maxBody {
			size = maxBody
		}
		read := func() {}
		if size > smallBody {
			if !s.reading.TryAcquire(size) {
				busy(w, fmt.Sprintf("large requests of %s in all are being read, the most at once", humanize.IBytes(maxBodies)))
				return
			}
			read = sync.OnceFunc(func() { s.reading.Release(size) })
			defer read()
		}
		wire := http.NewResponseController(w)
		wire.SetReadDeadline(time.Now().Add(bodyTime))
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			refuse(w, &problem{status: http.StatusRequestEntityTooLarge,
				Message: fmt.Sprintf("the request has more than %d bytes; shorten it", maxBody)})
			return
		case err != nil:
			refuse(w, &problem{status: http.StatusRequestTimeout,
				Message: fmt.Sprintf("the request did not arrive completely within %v", bodyTime)})
			return
		}
		wire.SetReadDeadline(time.Time{}) // from here on a read only detects that the client has disconnected
		next(w, r, body, read)
	}
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if s.stopping.Load() {
		refuse(w, &problem{status: http.StatusServiceUnavailable, Message: local.ErrClosed.Error()})
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// served returns the model in OpenAI's form, with vLLM's root (here the hash of the weights) and max_model_len.
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
	return &problem{status: http.StatusNotFound, Param: "model", Code: "model_not_found",
		Message: fmt.Sprintf("model %.80q is not served here; expected %s", id, s.options.Name)}
}
