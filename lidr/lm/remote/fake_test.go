package remote

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// fake is a server on loopback that answers "re: PROMPT" and can misbehave, die and come back at the same address.
type fake struct {
	t     testing.TB
	addr  string
	about string // fields of its model in /v1/models

	// script may handle the nth attempt (from 0) of a prompt itself, and then returns true.
	script func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool

	mu       sync.Mutex
	server   *http.Server
	attempts map[string]int
	answered map[string]int // whole answers that were sent
	total    int
	body     map[string]any // the last request
}

func newFake(t testing.TB) *fake {
	f := &fake{t: t, addr: "127.0.0.1:0", about: `"owned_by":"test"`, attempts: map[string]int{},
		answered: map[string]int{}}
	f.start()
	t.Cleanup(f.stop)
	return f
}

func (f *fake) url() string { return "http://" + f.addr }

func (f *fake) start() {
	listener, err := net.Listen("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	server := &http.Server{Handler: f}
	f.mu.Lock()
	f.addr, f.server = listener.Addr().String(), server
	f.mu.Unlock()
	go server.Serve(listener)
}

// stop drops every connection.
func (f *fake) stop() {
	f.mu.Lock()
	server := f.server
	f.mu.Unlock()
	server.Close()
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/models" {
		fmt.Fprintf(w, `{"object":"list","data":[{"id":"m","object":"model","created":%d,%s}]}`, time.Now().Unix(), f.about)
		return
	}
	var body map[string]any
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return // the client has gone, or this server dies
	}
	messages := body["messages"].([]any)
	prompt := messages[len(messages)-1].(map[string]any)["content"].(string)
	f.mu.Lock()
	n := f.attempts[prompt]
	f.attempts[prompt]++
	f.total++
	f.body = body
	f.mu.Unlock()
	if f.script != nil && f.script(w, r, prompt, n) {
		return
	}
	f.mu.Lock()
	f.answered[prompt]++
	f.mu.Unlock()
	fmt.Fprint(w, completion("re: "+prompt, ""))
}

// completion is a response as servers send it, with further fields of the choice.
func completion(text, more string) string {
	quoted, _ := json.Marshal(text)
	return fmt.Sprintf(`{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,`+
		`"message":{"role":"assistant","content":%s},"finish_reason":"stop"%s}],"usage":{"prompt_tokens":7,`+
		`"completion_tokens":3,"total_tokens":10}}`, quoted, more)
}

// open returns the model of the given servers.
func open(t testing.TB, o Options, servers ...*fake) *Model {
	t.Helper()
	for _, f := range servers {
		o.Endpoints = append(o.Endpoints, f.url())
	}
	m, err := openFast(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// openFast is Open with short waits.
func openFast(t testing.TB, o Options) (*Model, error) {
	o.KeyEnv = orDefault(o.KeyEnv, "LIDR_TEST_NO_KEY")
	m, err := newModel(o)
	if err != nil {
		return nil, err
	}
	m.delay = 10 * time.Millisecond
	return m, m.open(t.Context())
}

func prompts(n int) []lm.Request {
	reqs := make([]lm.Request, n)
	for i := range reqs {
		reqs[i] = ask(fmt.Sprint("prompt ", i))
	}
	return reqs
}

func ask(prompt string) lm.Request {
	return lm.Request{ID: prompt, Messages: []tokenizer.Message{{Role: "user", Content: prompt}}}
}

var greedy = lm.Sampling{MaxTokens: 8}
