package remote

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

func generate(t *testing.T, m *Model, r lm.Request, s lm.Sampling) lm.Completion {
	t.Helper()
	var answer lm.Completion
	err := m.Generate(t.Context(), []lm.Request{r}, s, nil, func(_ []int, out []lm.Completion) error {
		answer = out[0]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// The request to each kind of server. The fields are those of the servers' own documentation.
func TestRequestBodies(t *testing.T) {
	sampling := lm.Sampling{Temperature: 0.9, TopP: 0.8, MaxTokens: 5, Stop: []string{"\n"}, Seed: 1}
	chat := lm.Request{ID: "a", Messages: []tokenizer.Message{{Role: "system", Content: "Be brief."},
		{Role: "user", Content: "Hi"}}, Prefill: "<b>"}
	common := `"model":"m","temperature":0.9,"top_p":0.8,"stop":["\n"],"seed":` + fmt.Sprint(seed(1, "a"))
	spoken := `"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi\n\nBegin your answer ` +
		`with exactly this text and go on from it:\n<b>"}]`
	begun := `"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant",` +
		`"content":"<b>"}],"continue_final_message":true,"add_generation_prompt":false`
	const unthinking = `,"chat_template_kwargs":{"enable_thinking":false}`
	fingerprints := map[string]string{}
	for kind, want := range map[string]string{
		"vllm":      begun + `,"max_tokens":5,"top_k":-1,"repetition_penalty":1,"min_p":0` + unthinking,
		"sglang":    begun + `,"max_tokens":5,"top_k":-1,"repetition_penalty":1,"min_p":0` + unthinking,
		"lidr":      begun + `,"max_tokens":5,"top_k":0,"repetition_penalty":1` + unthinking,
		"llama.cpp": spoken + `,"max_tokens":5,"top_k":0,"repeat_penalty":1,"min_p":0` + unthinking,
		"ollama":    spoken + `,"max_tokens":5`,
		"openai":    spoken + `,"max_completion_tokens":5`,
		"other":     spoken + `,"max_tokens":5`,
	} {
		f := newFake(t)
		m := open(t, Options{Server: kind}, f)
		generate(t, m, chat, sampling)
		var wanted map[string]any
		if err := json.Unmarshal([]byte("{"+common+","+want+"}"), &wanted); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, f.body); diff != "" {
			t.Errorf("%s (-want +sent):\n%s", kind, diff)
		}
		if other, ok := fingerprints[m.Fingerprint()]; ok {
			t.Errorf("%s and %s have the same fingerprint", kind, other)
		}
		fingerprints[m.Fingerprint()] = kind
	}
	f := newFake(t)
	m := open(t, Options{}, f)
	for name, s := range map[string]lm.Sampling{
		"top_k":              {MaxTokens: 1, TopK: 5},
		"repetition_penalty": {MaxTokens: 1, RepetitionPenalty: 1.1},
	} {
		err := m.Generate(t.Context(), []lm.Request{chat}, s, nil, nil)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v for a setting that the server has no field for, want one that names %s", err, name)
		}
	}
	if f.total > 0 {
		t.Error("a request was sent all the same")
	}
}

func TestPrefillAskedInWordsIsStripped(t *testing.T) {
	f := newFake(t)
	var text string
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		fmt.Fprint(w, completion(text, ""))
		return true
	}
	request := ask("Translate.")
	request.Prefill = "<translation>\n"
	m := open(t, Options{}, f)
	for sent, want := range map[string]string{
		"<translation>\nHallo":   "Hallo",
		"\n<translation>\nHallo": "Hallo",
		"<translation>Hallo":     "Hallo",
		" Hallo <translation>":   " Hallo <translation>",
	} {
		text = sent
		if got := generate(t, m, request, greedy).Text; got != want {
			t.Errorf("%q becomes %q, want %q", sent, got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	f, other, gone := newFake(t), newFake(t), newFake(t)
	f.about = `"owned_by":"vllm","root":"org/model","max_model_len":4096`
	other.about = `"owned_by":"vllm","root":"org/model-2","max_model_len":4096`
	gone.about = f.about
	gone.stop()
	m := open(t, Options{}, gone, f)
	if m.ContextLength() != 4096 || m.server.name != "vllm" || m.identity.ID != "m" {
		t.Errorf("context length %d, server %s, model %s", m.ContextLength(), m.server.name, m.identity.ID)
	}
	gone.start()
	generate(t, m, ask("Hi"), greedy)
	if open(t, Options{Endpoints: nil}, f).Fingerprint() != m.Fingerprint() {
		t.Error("the fingerprint depends on where the server is")
	}
	if open(t, Options{}, other).Fingerprint() == m.Fingerprint() {
		t.Error("the fingerprint does not depend on the weights' name")
	}
	if open(t, Options{ContextLength: 100}, f).ContextLength() != 100 ||
		open(t, Options{}, newFake(t)).ContextLength() != UnknownContext {
		t.Error("the context length is not the given one, or not unknown where no one says it")
	}
	t.Setenv("LIDR_TEST_KEY", "sk-secret-0123456789")
	gone.stop()
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "no endpoint"},
		{Options{Endpoints: []string{"localhost:8000"}}, "base URL"},
		{Options{Endpoints: []string{"https://user:sk-secret-0123456789@host/v1"}}, "$LIDR_TEST_KEY"},
		{Options{Endpoints: []string{"http://gpu.example:8000/v1"}}, "unencrypted"},
		{Options{Endpoints: []string{f.url(), other.url()}}, "same model"},
		{Options{Endpoints: []string{f.url()}, Model: "gpt-x"}, `does not serve model "gpt-x" but m`},
		{Options{Endpoints: []string{f.url()}, Server: "vlm"}, "expected one of vllm"},
		{Options{Endpoints: []string{gone.url()}}, "start the server"},
	} {
		c.o.KeyEnv = "LIDR_TEST_KEY"
		if _, err := openFast(t, c.o); err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "sk-secret") {
			t.Errorf("%+v: error %v, want %q in it", c.o, err, c.want)
		}
	}
}

func TestAskForTopLogprobs(t *testing.T) {
	f := newFake(t)
	t.Setenv("LIDR_TEST_KEY", "sk-secret-0123456789")
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		fmt.Fprint(w, completion("m sk-secret-0123456789", `,"logprobs":{"content":[{"token":"m","logprob":-0.5,`+
			`"bytes":null,"top_logprobs":[{"token":"M","logprob":-0.9},{"token":"m","logprob":-0.5}]},{"token":"x",`+
			`"logprob":0,"top_logprobs":[]}]}`))
		return true
	}
	m := open(t, Options{KeyEnv: "LIDR_TEST_KEY"}, f)
	var got []Answer
	err := m.Ask(t.Context(), []lm.Request{ask("Which?")}, greedy, 5, nil, func(_ []int, out []Answer) error {
		got = out
		return nil
	})
	want := []Answer{{Completion: lm.Completion{Text: "m [API key]", FinishReason: "stop", PromptTokens: 7, Tokens: 3},
		TopLogprobs: []lm.TokenLogprob{{Token: "m", Logprob: -0.5}, {Token: "M", Logprob: -0.9}}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, answers (-want +got):\n%s", err, diff)
	}
	if f.body["logprobs"] != true || f.body["top_logprobs"] != 5.0 {
		t.Errorf("sent logprobs %v and top_logprobs %v", f.body["logprobs"], f.body["top_logprobs"])
	}
}

// The client library would send the values of these variables to any server.
func TestVariablesOfOtherServersAreLeftAlone(t *testing.T) {
	f := newFake(t)
	t.Setenv("OPENAI_API_KEY", "sk-of-another-server")
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
	t.Setenv("OPENAI_CUSTOM_HEADERS", "X-Custom: secret")
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		if len(r.Header.Values("Authorization"))+len(r.Header.Values("X-Custom")) > 0 {
			t.Errorf("sent %v", r.Header)
		}
		return false
	}
	generate(t, open(t, Options{}, f), ask("Hi"), greedy)
}

// The responses have the form of vLLM's prompt_logprobs; white space after the end of the turn belongs to the template.
func TestLogprobs(t *testing.T) {
	f := newFake(t)
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		tokens := `null,{"5":{"logprob":-3,"rank":1,"decoded_token":"Hi"}}`
		if prompt == "Yes!" {
			tokens += `,{"6":{"logprob":-1,"rank":1,"decoded_token":"Yes"}},{"7":{"logprob":-0.5,"rank":1,` +
				`"decoded_token":"!"}},{"2":{"logprob":-0.25,"rank":1,"decoded_token":"<|im_end|>"}},{"9":{"logprob":-4,` +
				`"rank":1,"decoded_token":"\n"}}`
		}
		fmt.Fprint(w, strings.TrimSuffix(completion("x", ""), "}")+`,"prompt_logprobs":[`+tokens+`]}`)
		return true
	}
	sums, tokens, err := open(t, Options{Server: "vllm"}, f).Logprobs(t.Context(), []lm.Request{ask("Hi")},
		[]string{"Yes!"})
	if err != nil || math.Abs(sums[0]+1.75) > 1e-12 || tokens[0] != 3 {
		t.Errorf("sums %v over %v tokens, error %v; want -1.75 over 3", sums, tokens, err)
	}
	if f.body["add_generation_prompt"] != false || f.body["prompt_logprobs"] != 0.0 || f.body["max_tokens"] != 1.0 {
		t.Errorf("sent %v", f.body)
	}
	if _, _, err := open(t, Options{}, newFake(t)).Logprobs(t.Context(), nil, nil); err == nil ||
		!strings.Contains(err.Error(), "vllm") {
		t.Errorf("error %v, want one that says which server tells log-probabilities", err)
	}
}

// A date is compared with the server's own time, however wrong our clock is: synctest's begins at 2000.
func TestRetryAfter(t *testing.T) {
	const date = "Thu, 02 Jan 2025 03:04:05 GMT"
	cases := []struct {
		after, date string
		want        time.Duration
	}{
		{"", date, 0},
		{"7", date, 7 * time.Second},
		{"-7", date, 0},
		{"NaN", date, 0},
		{"1e300", date, maxRetryAfter},
		{"soon", date, 0},
		{"Thu, 02 Jan 2025 03:04:35 GMT", date, 30 * time.Second},
		{"Thu, 02 Jan 2025 03:04:00 GMT", date, 0},
		{"Wed, 01 Jan 2200 00:00:00 GMT", date, maxRetryAfter},
		{"Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", maxRetryAfter},
		{"Thu, 01 Jan 1970 00:00:00 GMT", "Wed, 01 Jan 2200 00:00:00 GMT", 0},
		{"Sat, 01 Jan 2000 00:00:09 GMT", "", 9 * time.Second},
		{"Sat, 01 Jan 2000 00:00:09 GMT", "now", 9 * time.Second},
		{"Thu, 02 Jan 2025 03:04:35 GMT", "", maxRetryAfter},
	}
	synctest.Test(t, func(t *testing.T) {
		for _, c := range cases {
			if got := retryAfter(http.Header{"Retry-After": {c.after}, "Date": {c.date}}); got != c.want {
				t.Errorf("Retry-After %q at %q: %v, want %v", c.after, c.date, got, c.want)
			}
		}
	})
}

func ExampleEstimate() {
	requests := []lm.Request{{Messages: []tokenizer.Message{{Role: "user", Content: "How many apples are left?"}}}}
	fmt.Println(Estimate(requests, lm.Sampling{MaxTokens: 2048}, Prices{Prompt: 2.5, New: 10}))
	// Output: 1 requests, about 15 prompt tokens, at most 2,048 new tokens, at most $0.02
}

// Several answers to one prompt are one request where the server has the field n, and requests with seeds of their own
// where it has none, refuses the field, or gives fewer.
func TestSamples(t *testing.T) {
	for name, c := range map[string]struct {
		about    string
		gives    int // choices of a response, 0: it refuses n
		min, max int // requests with n: two are under way when the first learns that it is refused
		alone    int // requests without
		tokens   string
	}{
		"n":       {`"owned_by":"vllm"`, 3, 4, 4, 0, "1 1 2"},
		"fewer":   {`"owned_by":"vllm"`, 2, 4, 4, 4, "2 2 4"},
		"refused": {`"owned_by":"vllm"`, 0, 1, 2, 12, "4 4 4"},
		"other":   {`"owned_by":"test"`, 1, 0, 0, 12, "4 4 4"},
	} {
		f := newFake(t)
		f.about = c.about
		seeds := map[float64]bool{}
		f.script = func(w http.ResponseWriter, _ *http.Request, _ string, _ int) bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.body["n"] == nil {
				seeds[f.body["seed"].(float64)] = true
				fmt.Fprint(w, strings.Replace(completion("one", ""), `"completion_tokens":3`, `"completion_tokens":4`, 1))
				return true
			}
			if c.gives == 0 {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":{"message":"Unsupported value: 'n' does not support 3","param":"n"}}`)
				return true
			}
			var choices []string
			for k := range c.gives { // in any order
				choice := `{"index":%d,"message":{"role":"assistant","content":"choice %d"},"finish_reason":"stop"}`
				choices = append([]string{fmt.Sprintf(choice, k, k)}, choices...)
			}
			fmt.Fprintf(w, `{"model":"m","choices":[%s],"usage":{"completion_tokens":4}}`, strings.Join(choices, ","))
			return true
		}
		m := open(t, Options{InFlight: 1}, f)
		var reqs []lm.Request
		for i := range 12 {
			r := ask([]string{"a", "b", "c", "d"}[i/3])
			r.ID += fmt.Sprint("/", i%3)
			reqs = append(reqs, r)
		}
		got := make([]lm.Completion, len(reqs))
		err := m.Generate(t.Context(), reqs, lm.Sampling{MaxTokens: 9, Temperature: 1}, nil,
			func(idx []int, out []lm.Completion) error {
				for k, i := range idx {
					got[i] = out[k]
				}
				return nil
			})
		if err != nil {
			t.Fatal(name, err)
		}
		tokens, alone := "", 0
		for i, a := range got {
			tokens += fmt.Sprint(a.Tokens) + []string{" ", " ", ", "}[i%3]
			if a.Text == "one" {
				alone++
			} else if a.Text != fmt.Sprint("choice ", i%3) {
				t.Errorf("%s: answer %d is %q", name, i, a.Text)
			}
		}
		if want := strings.Repeat(c.tokens+", ", 4); tokens != want {
			t.Errorf("%s: answers of %s tokens, want %s", name, tokens, want)
		}
		if together := f.total - alone; together < c.min || together > c.max || alone != c.alone {
			t.Errorf("%s: %d requests with n and %d without, want %d to %d and %d", name, together, alone, c.min, c.max, c.alone)
		}
		if len(seeds) != alone {
			t.Errorf("%s: %d seeds of %d requests of their own", name, len(seeds), alone)
		}
	}
}
