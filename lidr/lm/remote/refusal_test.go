package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// Of a request that is refused for good, the others are answered and it is listed; the next run asks for it alone.
func TestRefusedRequestsDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"OpenAI": {400, `{"error":{"message":"This model's maximum context length is 4096 tokens.","param":"messages",` +
			`"type":"invalid_request_error","code":"context_length_exceeded"}}`},
		"vLLM": {400, `{"object":"error","message":"'max_tokens' or 'max_completion_tokens' is too large: 2048. This ` +
			`model's maximum context length is 4096 tokens.","type":"BadRequestError","param":null,"code":400}`},
		"llama.cpp": {400, `{"error":{"code":400,"message":"the request exceeds the available context size",` +
			`"type":"exceed_context_size_error"}}`},
		"older llama.cpp": {500, `{"error":{"code":500,"message":"context shift is disabled","type":"server_error"}}`},
		"Azure": {400, `{"error":{"code":"content_filter","message":"The response was filtered due to the prompt ` +
			`triggering content management policy.","param":"prompt","status":400}}`},
		"TGI": {422, `{"error":"Input validation error: inputs tokens + max_new_tokens must be <= 4096",` +
			`"error_type":"validation"}`},
		"FastAPI":    {422, `{"detail":[{"type":"string_type","loc":["body","messages",0],"msg":"Input should be text"}]}`},
		"a proxy":    {413, `<html>413 Request Entity Too Large</html>`},
		"OpenRouter": {403, `{"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["violence"]}}}`},
		"a law":      {451, ``},
		"an echo": {422, `{"detail":[{"type":"value_error","loc":["body","messages",0,"content"],"msg":"not this text",` +
			`"input":"Who pays the \"billing\" of an API key?"}]}`},
		"guardrails": {403, `{"error":{"message":"Forbidden by our guardrails"}}`},
		"status 200": {200, `{"error":{"message":"The prompt was filtered","code":"content_filter"}}`},
		"OpenAI's limit": {429, `{"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 30000",` +
			`"type":"tokens","code":"rate_limit_exceeded"}}`},
	} {
		f := newFake(t)
		f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
			if prompt != "prompt 10" && prompt != "prompt 3" {
				return false
			}
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
			return true
		}
		m := open(t, Options{InFlight: 4}, f)
		reqs, store := prompts(100), ledger.Store{Dir: t.TempDir()}
		for asked := range 2 {
			_, saved, err := collect(t, m, store, reqs)
			var incomplete *lm.IncompleteError
			if !errors.As(err, &incomplete) || len(saved) != 98*(1-asked) || len(incomplete.Failed) != 2 ||
				incomplete.Failed[0].Index != 3 || incomplete.Failed[1].ID != "prompt 10" ||
				!incomplete.Failed[0].Final || !incomplete.Failed[1].Final || strings.Contains(err.Error(), "Leave") {
				t.Errorf("%s, run %d: %d were saved, error %v", name, asked+1, len(saved), err)
			}
		}
		if f.total != 102 {
			t.Errorf("%s: %d requests were sent, want each once and the refused ones in both runs", name, f.total)
		}
	}
}

// What is wrong with the account or the model ends the run, whatever status it comes with, also in its midst.
func TestComplaintsOfEveryRequest(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"Your credit balance is too low to access the API.", "Model Not Exist",
		"API key not valid. Please pass a valid API key."} {
		f := newFake(t)
		f.script = func(w http.ResponseWriter, _ *http.Request, _ string, _ int) bool {
			if f.count() < 30 {
				return false
			}
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":{"message":%q}}`, message)
			return true
		}
		_, saved, err := collect(t, open(t, Options{InFlight: 2}, f), ledger.Store{Dir: t.TempDir()}, prompts(200))
		var incomplete *lm.IncompleteError
		if err == nil || errors.As(err, &incomplete) || !strings.Contains(err.Error(), message) || len(saved) < 28 ||
			f.total > 33 {
			t.Errorf("%d saved, %d sent, error %v", len(saved), f.total, err)
		}
	}
}

// A server that refuses whatever it is asked gets few requests; one that is slow to answer the first, and quick to
// refuse others, gets all.
func TestCautionWhereNothingIsAnswered(t *testing.T) {
	t.Parallel()
	refuse := func(w http.ResponseWriter) bool {
		http.Error(w, `{"error":{"message":"no system role"}}`, http.StatusBadRequest)
		return true
	}
	f := newFake(t)
	f.script = func(w http.ResponseWriter, _ *http.Request, _ string, _ int) bool { return refuse(w) }
	err := open(t, Options{InFlight: 3}, f).Generate(t.Context(), prompts(200), greedy, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "refuses every request") ||
		!strings.Contains(err.Error(), "no system role") || f.total != caution {
		t.Errorf("%d requests were sent, error %v", f.total, err)
	}

	f = newFake(t)
	f.script = func(w http.ResponseWriter, _ *http.Request, prompt string, n int) bool {
		if prompt == "prompt 0" {
			time.Sleep(50 * time.Millisecond)
			return false
		}
		var number int
		fmt.Sscanf(prompt, "prompt %d", &number)
		return number < 20 && refuse(w)
	}
	_, saved, err := collect(t, open(t, Options{}, f), ledger.Store{Dir: t.TempDir()}, prompts(200))
	var incomplete *lm.IncompleteError
	if !errors.As(err, &incomplete) || len(incomplete.Failed) != 19 || len(saved) != 181 {
		t.Errorf("%d were saved, error %v", len(saved), err)
	}

	// The first in order say nothing of the others.
	f = newFake(t)
	f.script = func(w http.ResponseWriter, _ *http.Request, prompt string, n int) bool {
		var number int
		fmt.Sscanf(prompt, "prompt %d", &number)
		return number < 20 && refuse(w)
	}
	_, saved, err = collect(t, open(t, Options{InFlight: 1}, f), ledger.Store{Dir: t.TempDir()}, prompts(41))
	if !errors.As(err, &incomplete) || len(incomplete.Failed) != 20 || len(saved) != 21 {
		t.Errorf("%d were saved, error %v", len(saved), err)
	}

	// Requests that fail for another reason are no sign that all are refused.
	f = newFake(t)
	f.script = func(w http.ResponseWriter, _ *http.Request, prompt string, n int) bool {
		switch {
		case prompt == "prompt 0":
			http.Error(w, "out of memory", http.StatusInternalServerError)
			return true
		case f.count() < 12:
			return refuse(w)
		}
		return false
	}
	_, saved, err = collect(t, open(t, Options{Attempts: 2, InFlight: 2}, f), ledger.Store{Dir: t.TempDir()}, prompts(60))
	if !errors.As(err, &incomplete) || len(saved)+len(incomplete.Failed) != 60 || len(saved) < 45 {
		t.Errorf("%d were saved, error %v", len(saved), err)
	}
}

// The fields that servers refuse, in their own words: the error names what to leave out.
func TestRefusedFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ message, field string }{
		{"Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
			"temperature"},
		{"Unsupported parameter: 'top_p' is not supported with this model.", "top_p"},
		{"Unrecognized request argument supplied: seed", "seed"},
		{`Invalid JSON payload received. Unknown name "seed": Cannot find field.`, "seed"},
		{"`temperature` and `top_p` cannot both be specified for this model.", "temperature"},
		{"`top_k`: Extra inputs are not permitted", "top_k"},
		{"stop: this field is not supported", "stop"},
		{"repetition_penalty: unexpected keyword argument", "repetition_penalty"},
		{"chat_template_kwargs is not supported for this tokenizer", "chat_template_kwargs"},
		{"You are not allowed to request logprobs from this model", "logprobs"},
		{"Invalid value for 'top_logprobs': must be less than or equal to 3", "logprobs"},
		{"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens"},
		{"max_tokens must be at least 1, got -3", ""}, // of a prompt that fills the context
		{"This model's maximum context length is 5; 'max_tokens' of 9 is not supported", ""},
		{"the temperature of this is unknown", ""},
		{"It was filtered: content like 'stop the seed' is not allowed", ""},
	} {
		body, err := json.Marshal(map[string]any{"error": map[string]string{"message": c.message}})
		if err != nil {
			t.Fatal(err)
		}
		if got := complaintOf(body).field(http.StatusBadRequest); got != c.field {
			t.Errorf("%s: field %q, want %q", body, got, c.field)
		}
		if got := complaintOf(body).field(http.StatusTooManyRequests); got != "" {
			t.Errorf("%s: field %q of a busy server", body, got)
		}
	}
	const fastAPI = `{"detail":[{"type":"extra_forbidden","loc":["body","top_k"],"msg":"Extra inputs are not permitted"}]}`
	if got := complaintOf([]byte(fastAPI)).field(http.StatusUnprocessableEntity); got != "top_k" {
		t.Errorf("FastAPI's field is %q", got)
	}

	f := newFake(t)
	refused := []string{"temperature", "top_p"}
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, field := range refused {
			if _, sent := f.body[field]; sent {
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(w, `{"error":{"message":"Unsupported parameter: '%s' is not supported"}}`, field)
				return true
			}
		}
		return false
	}
	usual := open(t, Options{InFlight: 1}, f)
	err := usual.Generate(t.Context(), prompts(50), greedy, nil, nil)
	if err == nil || !strings.Contains(err.Error(), `add "temperature" to remote.Options.Leave`) || f.total > 2 {
		t.Errorf("%d requests were sent, error %v", f.total, err)
	}
	m := open(t, Options{Leave: refused}, f)
	generate(t, m, ask("Hi"), lm.Sampling{MaxTokens: 5, Temperature: 0.7})
	if m.Fingerprint() == usual.Fingerprint() ||
		m.Fingerprint() == open(t, Options{Leave: refused[:1]}, f).Fingerprint() ||
		m.Fingerprint() != open(t, Options{Leave: []string{"top_p", "temperature"}}, f).Fingerprint() {
		t.Error("the fingerprint does not say which fields are left out")
	}
	for _, bad := range []string{"max_tokens", "logprobs", "messages", ""} {
		if _, err := openFast(t, Options{Endpoints: []string{f.url()}, Leave: []string{bad}}); err == nil {
			t.Errorf("%q is left out", bad)
		}
	}
	for kind, field := range map[string]string{"vllm": "top_k", "llama.cpp": "repeat_penalty", "other": "top_k"} {
		m := open(t, Options{Server: kind, Leave: []string{field, "chat_template_kwargs", "seed"}}, f)
		refused = []string{field, "chat_template_kwargs", "seed"}
		generate(t, m, ask("Hi"), lm.Sampling{MaxTokens: 5, TopK: 3 * len(m.server.topK), Temperature: 1})
	}
}

// A server that tells no log-probabilities answers without, after one refusal or a few; a refusal for another reason is
// none of that.
func TestLogprobsRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"403": `{"error":{"message":"You are not allowed to request logprobs from this model"}}`,
		"400": `{"error":{"message":"Unsupported parameter: 'logprobs' is not supported","param":"logprobs"}}`,
		"422": `{"detail":"top_logprobs must be at most 3"}`,
		"500": `{"error":{"code":500,"message":"logprobs are not supported with this sampler","type":"server_error"}}`,
	} {
		f := newFake(t)
		var refusals atomic.Int64
		f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
			f.mu.Lock()
			_, asked := f.body["logprobs"]
			_, top := f.body["top_logprobs"]
			f.mu.Unlock()
			switch {
			case asked != top:
				t.Errorf("one of logprobs and top_logprobs was sent alone")
			case prompt == "prompt 7":
				http.Error(w, `{"error":{"message":"the input {\"logprobs\":true} is too long"}}`, http.StatusBadRequest)
				return true
			case asked:
				refusals.Add(1)
				http.Error(w, body, map[string]int{"403": 403, "400": 400, "422": 422, "500": 500}[name])
				return true
			}
			return false
		}
		reqs := prompts(300)
		saved := 0
		err := open(t, Options{InFlight: 1}, f).Ask(t.Context(), reqs, greedy, 5, nil, func(_ []int, out []Answer) error {
			saved += len(out)
			return nil
		})
		var incomplete *lm.IncompleteError
		if !errors.As(err, &incomplete) || len(incomplete.Failed) != 1 || incomplete.Failed[0].Index != 7 || saved != 299 ||
			refusals.Load() > 2 {
			t.Errorf("%s: %d answers after %d refusals, error %v", name, saved, refusals.Load(), err)
		}
	}
	// A server that tells them goes on doing so after one request that it refuses.
	f := newFake(t)
	f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
		if prompt == "prompt 3" {
			http.Error(w, `{"error":{"message":"logprobs of this request are too long"}}`, http.StatusBadRequest)
			return true
		}
		fmt.Fprint(w, completion("m", `,"logprobs":{"content":[{"token":"m","top_logprobs":[{"token":"m","logprob":-1}]}]}`))
		return true
	}
	weighted := 0
	_ = open(t, Options{InFlight: 1}, f).Ask(t.Context(), prompts(50), greedy, 5, nil, func(_ []int, out []Answer) error {
		for _, a := range out {
			weighted += len(a.TopLogprobs)
		}
		return nil
	})
	if weighted != 49 || f.body["logprobs"] != true {
		t.Errorf("%d of 49 answers have log-probabilities", weighted)
	}
}

// The number of new tokens goes by either of its two names.
func TestMaxTokensByItsOtherName(t *testing.T) {
	t.Parallel()
	for kind, refused := range map[string]string{"other": "max_tokens", "openai": "max_completion_tokens"} {
		f := newFake(t)
		var sent []string
		f.script = func(w http.ResponseWriter, r *http.Request, prompt string, n int) bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, name := range lengthFields {
				if tokens, ok := f.body[name]; ok && tokens == 8.0 {
					sent = append(sent, name)
				}
			}
			if _, ok := f.body[refused]; !ok {
				return false
			}
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"error":{"message":"Unsupported parameter: '%s' is not supported with this model."}}`, refused)
			return true
		}
		reqs := prompts(20)
		answers, _, err := collect(t, open(t, Options{Server: kind, InFlight: 1}, f), ledger.Store{Dir: t.TempDir()}, reqs)
		if err != nil {
			t.Fatal(err)
		}
		checkAnswers(t, reqs, answers)
		if len(sent) > 22 || sent[0] != refused || slices.Contains(sent[4:], refused) {
			t.Errorf("%s: sent %v", kind, sent)
		}
	}
}

// Thinking is switched off where the server passes that on to the chat template, unless a request lets the model think.
func TestThinking(t *testing.T) {
	t.Parallel()
	for kind, passed := range map[string]bool{"vllm": true, "sglang": true, "llama.cpp": true, "openai": false,
		"ollama": false, "lidr": true, "other": false} {
		f := newFake(t)
		m := open(t, Options{Server: kind}, f)
		for _, thinking := range []bool{false, true} {
			r := ask("Hi")
			r.Thinking = thinking
			generate(t, m, r, greedy)
			sent, ok := f.body["chat_template_kwargs"].(map[string]any)
			if ok != passed || passed && sent["enable_thinking"] != thinking {
				t.Errorf("%s, thinking %t: sent %v", kind, thinking, f.body["chat_template_kwargs"])
			}
		}
	}
}
