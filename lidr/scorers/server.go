package scorers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/printable"
)

// Server is a server of a model that scores or embeds texts: vLLM's /classify and /pooling, or /v1/embeddings as
// OpenAI has it. What it says is kept under the model's name and the request, so rename a model that changes.
type Server struct {
	URL    string // its root, such as http://localhost:8000, without /v1
	Model  string // the server's name for the model
	KeyEnv string // environment variable that holds the API key, "" for none
}

const (
	inFlight  = 16               // requests at a time
	attempts  = 8                // of a request while the server is busy or unreachable
	patience  = 10 * time.Minute // for one attempt
	mostBytes = 64 << 20         // of a response
)

// said is a server's answer to one request: the response's data, or why it refuses the request for good.
type said struct {
	Data  json.RawMessage `json:"data,omitempty"`
	Fault string          `json:"fault,omitempty"`
}

// ask returns the field data of the server's response to each body, through the store. Requests that the server refuses
// for good have a fault, unless it refuses all of them.
func (s Server) ask(ctx context.Context, run *lidr.Run, step, path string, bodies []map[string]any) ([]said, error) {
	target, err := s.target(path)
	if err != nil || len(bodies) == 0 {
		return nil, err
	}
	items := make([]string, len(bodies))
	for i, body := range bodies {
		body["model"] = s.Model
		items[i] = ledger.Key(body)
	}
	compute := func(done func(int) bool, save func([]int, []said) error) error {
		var todo []int
		for i := range bodies {
			if !done(i) && slices.Index(items, items[i]) == i {
				todo = append(todo, i)
			}
		}
		meter := run.Meter(step, "requests", len(bodies), len(bodies)-len(todo))
		defer meter.Stop()
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var mu sync.Mutex
		var workers sync.WaitGroup
		next := make(chan int)
		for range min(inFlight, len(todo)) {
			workers.Go(func() {
				for i := range next {
					answer, err := s.post(ctx, target, bodies[i])
					mu.Lock()
					if err == nil {
						err = save([]int{i}, []said{answer})
						meter.Add(1, 0)
					}
					mu.Unlock()
					if err != nil {
						cancel(err)
					}
				}
			})
		}
		for _, i := range todo {
			select {
			case next <- i:
			case <-ctx.Done():
			}
		}
		close(next)
		workers.Wait()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return meter.End()
	}
	answers, err := ledger.Remember(ctx, run.Store(), "served", ledger.Key("served", s.Model, path), items, compute)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.URL, err)
	}
	if !slices.ContainsFunc(answers, func(a said) bool { return a.Fault == "" }) {
		return nil, fmt.Errorf("%s%s refuses all of %d requests, the first of them with: %s", s.URL, path, len(answers),
			answers[0].Fault)
	}
	return answers, nil
}

// target checks the address. A key goes over no open line.
func (s Server) target(path string) (string, error) {
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return "", fmt.Errorf("a server's URL is not of the form http://HOST:PORT; a key belongs into a variable of the " +
			"environment that KeyEnv names")
	}
	if s.Model == "" {
		return "", fmt.Errorf("the model behind %s has no name; name it as the server does", s.URL)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && s.key() != "" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("%s would get the key in $%s unencrypted; use https", s.URL, s.KeyEnv)
	}
	return u.JoinPath(path).String(), nil
}

func (s Server) key() string {
	if s.KeyEnv == "" {
		return ""
	}
	return strings.TrimSpace(os.Getenv(s.KeyEnv))
}

// client follows no redirect, which would send the key elsewhere.
var client = &http.Client{Timeout: patience,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// post sends a request until it is answered or refused for good.
func (s Server) post(ctx context.Context, target string, body map[string]any) (said, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return said{}, err
	}
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.Multiplier, waits.MaxInterval = 200*time.Millisecond, 2, 30*time.Second
	try := func() (said, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(encoded))
		if err != nil {
			return said{}, backoff.Permanent(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if s.key() != "" {
			request.Header.Set("Authorization", "Bearer "+s.key())
		}
		response, err := client.Do(request)
		if err != nil {
			return said{}, err
		}
		data, err := io.ReadAll(io.LimitReader(response.Body, mostBytes))
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return said{}, err
		}
		return s.read(response.StatusCode, data)
	}
	return backoff.Retry(ctx, try, backoff.WithBackOff(waits), backoff.WithMaxTries(attempts),
		backoff.WithMaxElapsedTime(0))
}

// read reads a response. What another attempt would not change is permanent.
func (s Server) read(status int, data []byte) (said, error) {
	const longest = 300 // bytes of what a server says that are shown
	words := string(data[:min(len(data), longest)])
	if s.key() != "" {
		words = strings.ReplaceAll(words, s.key(), "[API key]")
	}
	words = printable.Line(strings.ToValidUTF8(words, "\uFFFD"))
	switch {
	case status == http.StatusBadRequest || status == http.StatusRequestEntityTooLarge ||
		status == http.StatusUnprocessableEntity:
		return said{Fault: fmt.Sprintf("%s (status %d: %s)", lm.FaultFailed, status, words)}, nil
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		return said{}, fmt.Errorf("status %d: %s", status, words)
	case status != http.StatusOK:
		return said{}, backoff.Permanent(fmt.Errorf("status %d: %s; correct what it names and run again", status, words))
	}
	var answer struct{ Data []json.RawMessage }
	if err := json.Unmarshal(data, &answer); err != nil || len(answer.Data) != 1 {
		return said{}, backoff.Permanent(fmt.Errorf("the response has %d data, expected one (%s)", len(answer.Data), words))
	}
	return said{Data: answer.Data[0]}, nil
}
