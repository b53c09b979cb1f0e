package serve

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"lidrlab/lidr/lm/local"
)

// post sends a body as JSON, unless header says otherwise, and returns status and response.
func post(t testing.TB, s *served, method, path, body string, header http.Header) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		r.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}

const hello = `{"model":"miniature","messages":[{"role":"user","content":"How many?"}],"max_tokens":2,"temperature":0}`

// Requests that are refused, and the fields that the errors name.
func TestRefusals(t *testing.T) {
	s := start(t, Options{})
	with := func(fields string) string { return strings.TrimSuffix(hello, "}") + "," + fields + "}" }
	raw := func(fields string) string { return `{"prompt":"How","max_tokens":2,` + fields + `}` }
	for body, want := range map[string]string{ // "": it is answered
		hello: "",
		with(`"user":"me","metadata":{"a":"b"},"store":false,"n":1,"logit_bias":null,"tools":[],` +
			`"response_format":{"type": "text"},"presence_penalty":0.0,"min_p":0,"top_k":-1`): "",
		with(`"messages":[{"role":"developer","content":[{"type":"text","text":"Add."}]},{"role":"user",` +
			`"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`): "",
		with(`"stop":"="`):   "",
		with(`"seed":-1`):    "",
		`[]`:                 "JSON object",
		`null`:               "JSON object",
		hello + "x":          "JSON object",
		`{}`:                 "messages",
		with(`"messages":3`): "messages",
		with(`"messages":[{"role":"tool","content":"x"}]`): "messages[0].role",
		with(`"messages":[{"role":"user",` +
			`"content":[{"type":"image_url","image_url":{"url":"data:"}}]}]`): "messages[0].content",
		with(`"messages":[{"role":"assistant","content":"x","tool_calls":[{"id":"a"}]}]`):     "messages[0].tool_calls",
		with(`"messages":[{"role":"user","content":"` + strings.Repeat("a b ", 3000) + `"}]`): "context",
		with(`"tools":[{"type":"function"}]`):                                                 "tools",
		with(`"response_format":{"type":"json_object"}`):                                      "response_format",
		with(`"logit_bias":{"5":100}`):                                                        "logit_bias",
		with(`"min_p":0.1`):                                                                   "min_p",
		with(`"presence_penalty":1`):                                                          "presence_penalty",
		with(`"frequency_penalty":-0.5`):                                                      "frequency_penalty",
		with(`"n":2`):                                                                         "",
		with(`"n":0`):                                                                         "n",
		with(`"n":1025`):                                                                      "n",
		with(`"guided_json":{}`):                                                              "guided_json",
		with(`"temperature":-1`):                                                              "temperature",
		with(`"temperature":"hot"`):                                                           "temperature",
		with(`"top_p":1.5`):                                                                   "top_p",
		with(`"top_p":0`):                                                                     "top_p",
		with(`"top_k":-2`):                                                                    "top_k",
		with(`"max_tokens":0`):                                                                "max_tokens",
		with(`"seed":1.5`):                                                                    "seed",
		with(`"stop":["a",""]`):                                                               "stop",
		with(`"stop":[` + strings.Repeat(`"a",`, maxStops) + `"a"]`):                          "stop",
		with(`"top_logprobs":3`):                                                              "top_logprobs",
		with(`"logprobs":true,"top_logprobs":21`):                                             "top_logprobs",
		with(`"prompt_logprobs":1,"ignore_eos":true`):                                         "",
		with(`"prompt_logprobs":21`):                                                          "prompt_logprobs",
		with(`"prompt_logprobs":0,"stream":true`):                                             "prompt_logprobs",
		with(`"continue_final_message":true`):                                                 "continue_final_message",
		with(`"continue_final_message":true,"add_generation_prompt":false`):                   "continue_final_message",
		raw(`"echo":false,"best_of":1`):                                                       "",
		raw(`"echo":true,"max_tokens":0`):                                                     "",
		raw(`"max_tokens":0`):                                                                 "max_tokens",
		raw(`"best_of":3`):                                                                    "best_of",
		raw(`"logprobs":21`):                                                                  "logprobs",
		raw(`"prompt":["a","b"],"n":513`):                                                     "n",
		raw(`"prompt":[[1],[]]`):                                                              "prompt",
		raw(`"prompt":["a",1]`):                                                               "prompt",
		raw(`"prompt":[[1],"a"]`):                                                             "prompt",
		raw(`"prompt":[1.5]`):                                                                 "prompt",
		raw(`"prompt":[1,5000]`):                                                              "prompt",
		raw(`"prompt":""`):                                                                    "prompt",
	} {
		path := "/v1/chat/completions"
		if strings.HasPrefix(body, `{"prompt"`) {
			path = "/v1/completions"
		}
		status, answer := post(t, s, "POST", path, body, nil)
		if want == "" && status != 200 || want != "" && (status != 400 || !strings.HasPrefix(answer, `{"error":{"code":`) ||
			!strings.Contains(answer, want)) {
			t.Errorf("%.200s: status %d, %.300s; expected it to be refused for %q", body, status, answer, want)
		}
	}
	for _, c := range []struct {
		method, path, body string
		header             http.Header
		status             int
	}{
		{"POST", "/v1/chat/completions", strings.Repeat(" ", maxBody+1), nil, 413},
		// a web page may send this without permission
		{"POST", "/v1/chat/completions", hello, http.Header{"Content-Type": {"text/plain"}}, 415},
		// a name that resolves to this machine
		{"POST", "/v1/chat/completions", hello, http.Header{"Host": {"page.example:80"}}, 403},
		{"GET", "/v1/models", "", http.Header{"Host": {"page.example"}}, 403},
		{"GET", "/v1/chat/completions", "", nil, 404},
		{"POST", "/v1/embeddings", "{}", nil, 404},
	} {
		if status, answer := post(t, s, c.method, c.path, c.body, c.header); status != c.status ||
			!strings.HasPrefix(answer, `{"error":{`) {
			t.Errorf("%s %s: status %d, %s; expected %d", c.method, c.path, status, answer, c.status)
		}
	}
}

func TestKeyIsNeededBeyondLoopback(t *testing.T) {
	if _, err := Listen(t.Context(), "0.0.0.0:0", ""); err == nil || !strings.Contains(err.Error(), "API key") {
		t.Errorf("listening on every address without a key gave error %v", err)
	}
	every, err := Listen(t.Context(), "0.0.0.0:0", "secret")
	if err != nil {
		t.Fatal(err)
	}
	open := start(t, Options{})
	open.stop()
	if err := open.Serve(t.Context(), every); err == nil || !strings.Contains(err.Error(), "API key") {
		t.Errorf("serving every address without a key gave error %v", err)
	}
	s := start(t, Options{MaxBatch: 1, Key: "secret"})
	for given, want := range map[string]int{"": 401, "Bearer wrong": 401, "Bearer ": 401, "Bearer secret": 200} {
		for _, path := range []string{"/v1/models", "/v1/models/miniature"} {
			if status, answer := post(t, s, "GET", path, "", http.Header{"Authorization": {given}}); status != want ||
				strings.Contains(answer, "secret") {
				t.Errorf("%s with %q: status %d, %s", path, given, status, answer)
			}
		}
		if status, _ := post(t, s, "POST", "/v1/chat/completions", hello,
			http.Header{"Authorization": {given}, "Host": {"gpu.example"}}); status != want {
			t.Errorf("with %q: status %d", given, status)
		}
	}
}

func TestBackPressure(t *testing.T) {
	s := start(t, Options{MaxBatch: 1, MaxQueue: 1})
	var slow []net.Conn
	for range 2 { // clients that do not finish their requests
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"+
			"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		slow = append(slow, c)
	}
	await(t, "both places are taken", func() bool { return len(s.slots) == 2 })
	res, err := http.Post(s.url+"/v1/chat/completions", "application/json", strings.NewReader(hello))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" {
		t.Errorf("status %d and Retry-After %q of a full server", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if status, _ := post(t, s, "GET", "/health", "", nil); status != 200 {
		t.Errorf("status %d of a full server's health", status)
	}
	for _, c := range slow {
		c.Close()
	}
	await(t, "the places are free again", func() bool { return len(s.slots) == 0 })
	if status, answer := post(t, s, "POST", "/v1/chat/completions", hello, nil); status != 200 {
		t.Errorf("status %d, %s", status, answer)
	}
}

func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 10000 {
		if holds() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("waited in vain until %s", what)
}

// long requests an answer of some 2,000 tokens: at this temperature all tokens are equally likely, the end of the turn
// included, and with this seed it is not drawn.
func (s *served) long(ctx context.Context) *ssestream.Stream[openai.ChatCompletionChunk] {
	client := s.client()
	return client.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{
		Model: "miniature", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Go on.")},
		Seed: openai.Int(longSeed), Temperature: openai.Float(1e9),
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
	})
}

const longSeed = 1

// Two clients send the same request at once, so that their answers would end together; one of them disconnects.
func TestCancelledRequestLeavesTheBatch(t *testing.T) {
	s := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	gone, stays := s.long(ctx), s.long(t.Context())
	if !gone.Next() || !stays.Next() {
		t.Fatal(gone.Err(), stays.Err())
	}
	var read atomic.Int64 // tokens that the other has received
	var usage int64
	ended := make(chan struct{})
	go func() {
		for stays.Next() {
			read.Add(1)
			usage = stays.Current().Usage.CompletionTokens
		}
		close(ended)
	}()
	cancel()
	await(t, "the place is free", func() bool { return len(s.slots) < 2 })
	before := read.Load()
	<-ended
	if after := read.Load(); stays.Err() != nil || usage < 1000 || after-before < 100 {
		t.Errorf("the place was free after %d of %d pieces that the other read, %d tokens, error %v", before, after, usage,
			stays.Err())
	}
}

func TestStopLetsAnswersEnd(t *testing.T) {
	s := start(t, Options{})
	s.grace = time.Minute // this machine may be busy
	under := s.long(t.Context())
	if !under.Next() {
		t.Fatal(under.Err())
	}
	stopped := make(chan error)
	go func() { stopped <- s.stop() }()
	usage := int64(0)
	for under.Next() {
		usage = under.Current().Usage.CompletionTokens
	}
	if under.Err() != nil || usage < 1000 {
		t.Errorf("the answer under way ended after %d tokens with error %v", usage, under.Err())
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if res, err := http.Get(s.url + "/health"); err == nil {
		res.Body.Close()
		t.Error("it answers after it has stopped")
	}
}

func TestStopCutsAnswersThatTakeTooLong(t *testing.T) {
	s := start(t, Options{})
	s.grace = 0
	under := s.long(t.Context())
	if !under.Next() {
		t.Fatal(under.Err())
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for under.Next() {
	}
	if err := under.Err(); err == nil || !strings.Contains(err.Error(), local.ErrClosed.Error()) {
		t.Errorf("the answer under way was cut with error %v", err)
	}
}

// What cannot fit is refused before it costs memory: a text that no tokens could spell within the context is not
// encoded, and large requests are not read beside others that fill the room for them.
func TestLargeRequestsCostNoMemory(t *testing.T) {
	s := start(t, Options{})
	large := strings.Repeat("a", maxBody-1000)
	for path, body := range map[string]string{
		"/v1/chat/completions": `{"messages":[{"role":"user","content":"` + large + `"}]}`,
		"/v1/completions":      `{"prompt":"` + large + `"}`,
	} {
		s.encoding.Lock() // whatever encodes it would wait
		status, answer := post(t, s, "POST", path, body, nil)
		s.encoding.Unlock()
		if status != 400 || !strings.Contains(answer, "context_length_exceeded") {
			t.Errorf("%s: status %d, %.300s", path, status, answer)
		}
	}
	if !s.reading.TryAcquire(maxBodies) {
		t.Fatal("a refused request still counts as being read")
	}
	if status, answer := post(t, s, "POST", "/v1/completions", `{"prompt":"`+large+`"}`, nil); status != 429 {
		t.Errorf("a large request beside others: status %d, %.300s", status, answer)
	}
	if status, answer := post(t, s, "POST", "/v1/completions", `{"prompt":"hello"}`, nil); status != 200 {
		t.Errorf("a small request beside large ones: status %d, %.300s", status, answer)
	}
	s.reading.Release(maxBodies)
	s = start(t, Options{Memory: 1 << 20})
	status, answer := post(t, s, "POST", "/v1/completions", `{"prompt":"hello","max_tokens":1000}`, nil)
	if status != 400 || !strings.Contains(answer, "memory") {
		t.Errorf("an answer larger than the memory: status %d, %.300s", status, answer)
	}
	if status, answer := post(t, s, "POST", "/v1/completions", `{"prompt":"hello","max_tokens":20}`, nil); status != 200 {
		t.Errorf("a short answer in 1 MiB: status %d, %.300s", status, answer)
	}
}

// A number that no machine can hold is an error and no crash.
func TestHugeNumbersOfRequests(t *testing.T) {
	s := start(t, Options{})
	for _, o := range []Options{{MaxBatch: 1, MaxQueue: math.MaxInt}, {MaxBatch: math.MaxInt}} {
		if _, err := New(s.local, s.tokenizer, o); err == nil || !strings.Contains(err.Error(), "expected 1 to 1048576") {
			t.Errorf("a batch of %d and a queue of %d: %v", o.MaxBatch, o.MaxQueue, err)
		}
	}
}
