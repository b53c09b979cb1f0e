package remote

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/tokenizer"
)

// texts is a server of raw text: token i of a prompt has log-probability −i, and an echo has a new token at its end.
type texts struct {
	script func(w http.ResponseWriter, body string, n int) bool // handles the nth request itself if it returns true

	mu    sync.Mutex
	asked map[string]int // by route
	body  map[string]any // the last request
}

func (s *texts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/v1/models" {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"test",`+
			`"max_model_len":100}]}`)
		return
	}
	data, _ := io.ReadAll(r.Body)
	body := map[string]any{}
	if json.Unmarshal(data, &body) != nil {
		return
	}
	s.mu.Lock()
	n := s.asked[r.URL.Path]
	s.asked[r.URL.Path]++
	s.body = body
	s.mu.Unlock()
	if s.script != nil && s.script(w, string(data), n) {
		return
	}
	switch r.URL.Path {
	case "/tokenize":
		ids := []int{1}
		for _, word := range strings.Fields(body["prompt"].(string)) {
			ids = append(ids, len(word))
		}
		json.NewEncoder(w).Encode(map[string]any{"tokens": ids, "count": len(ids)})
	case "/v1/completions":
		told := []any{nil}
		for i := range body["prompt"].([]any) { // one more than the prompt's
			told = append(told, -float64(i+1))
		}
		json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"index": 0, "text": "x",
			"logprobs": map[string]any{"token_logprobs": told}}}})
	default:
		http.NotFound(w, r)
	}
}

func openTexts(t *testing.T, s *texts, o Options) *Model {
	t.Helper()
	s.asked = map[string]int{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	o.Endpoints = []string{server.URL}
	m, err := openFast(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func weigh(t *testing.T, m *Model, n int) (map[int]float64, error) {
	prompts, responses := make([][]int32, n), make([][]int32, n)
	for i := range n {
		prompts[i], responses[i] = make([]int32, i+1), []int32{3, 4}
	}
	got := map[int]float64{}
	done := func(i int) bool { return i == 1 }
	return got, m.TokenLogprobs(t.Context(), prompts, responses, done, func(idx []int, sums []float64) error {
		for k, i := range idx {
			got[i] = sums[k]
		}
		return nil
	})
}

// Raw text is asked for as chats are: many at a time, again after a busy server, and what is done not at all.
func TestGivenTokens(t *testing.T) {
	s := &texts{script: func(w http.ResponseWriter, _ string, n int) bool {
		if n == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return n == 0
	}}
	m := openTexts(t, s, Options{})
	var ids [][]int32
	err := m.Encode(t.Context(), []string{"a bc def", ""}, nil, func(idx []int, out [][]int32) error {
		if ids == nil {
			ids = make([][]int32, 2)
		}
		for k, i := range idx {
			ids[i] = out[k]
		}
		return nil
	})
	if diff := cmp.Diff([][]int32{{1, 1, 2, 3}, {1}}, ids); err != nil || diff != "" {
		t.Errorf("%v, tokens (-want +got):\n%s", err, diff)
	}
	got, err := weigh(t, m, 4)
	// The response's tokens stand behind i+1 others.
	if diff := cmp.Diff(map[int]float64{0: -1 - 2, 2: -3 - 4, 3: -4 - 5}, got); err != nil || diff != "" {
		t.Errorf("%v, sums (-want +got):\n%s", err, diff)
	}
	want := map[string]int{"/tokenize": 3, "/v1/completions": 4}
	if diff := cmp.Diff(want, s.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if s.body["echo"] != true || s.body["max_tokens"] != 1.0 || s.body["model"] != "m" || m.TextLength() != 99 {
		t.Errorf("sent %v, for at most %d tokens", s.body, m.TextLength())
	}
	_, err = weigh(t, openTexts(t, &texts{}, Options{Prices: lm.Prices{Prompt: 1e7}}), 4)
	if err == nil || !strings.Contains(err.Error(), "3 requests, about 14 prompt tokens, at most 3 new tokens, at most "+
		"$140.00, above the limit of $10.00") {
		t.Errorf("error %v, want one that names the cost", err)
	}
}

// A server that does not tell log-probabilities of given tokens, in whatever way it says so, ends the run by one error
// that says what would.
func TestGivenTokensNotTold(t *testing.T) {
	answers := map[string]func(w http.ResponseWriter){
		"status 404": http404,
		"status 400: echo is not supported": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":{"message":"echo is not supported"}}`)
		},
		"status 400: logprobs: not available": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":{"message":"logprobs: not available"}}`)
		},
		"log-probabilities of 0 tokens where 3 were sent": func(w http.ResponseWriter) { // it ignores the field
			fmt.Fprint(w, `{"choices":[{"index":0,"text":"x","logprobs":null}]}`)
		},
		"log-probabilities of 1 tokens where 3 were sent": func(w http.ResponseWriter) { // of the new token alone
			fmt.Fprint(w, `{"choices":[{"index":0,"text":"x","logprobs":{"token_logprobs":[-1]}}]}`)
		},
	}
	for want, answer := range answers {
		s := &texts{script: func(w http.ResponseWriter, _ string, _ int) bool { answer(w); return true }}
		begin := time.Now()
		_, err := weigh(t, openTexts(t, s, Options{InFlight: 1}), 30)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "lidr serve") {
			t.Errorf("error %v, want one with %q that says what to do", err, want)
		}
		if n := s.asked["/v1/completions"]; n > 8 || time.Since(begin) > 5*time.Second {
			t.Errorf("%s: %d requests in %v, want an end after the first", want, n, time.Since(begin))
		}
	}
	s := &texts{script: func(w http.ResponseWriter, _ string, _ int) bool { http404(w); return true }}
	err := openTexts(t, s, Options{}).Encode(t.Context(), []string{"a"}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "remote.Options.Tokenizer") {
		t.Errorf("error %v, want one that names the folder of a tokenizer", err)
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, miniature.M0()); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(miniature.M0())
	if err != nil {
		t.Fatal(err)
	}
	err = openTexts(t, s, Options{Tokenizer: folder}).Encode(t.Context(), []string{"a 12"}, nil,
		func(_ []int, ids [][]int32) error {
			if want := tok.EncodeDocument("a 12"); len(ids) != 1 || fmt.Sprint(ids[0]) != fmt.Sprint(want) {
				t.Errorf("tokens %v, want %v", ids, want)
			}
			return nil
		})
	if err != nil {
		t.Error(err)
	}
}

func http404(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }

// A value that is no log-probability is no answer.
func TestGivenTokensBroken(t *testing.T) {
	for _, told := range []string{"[null,-1,null]", "[null,-1,2]"} {
		s := &texts{script: func(w http.ResponseWriter, _ string, _ int) bool {
			fmt.Fprintf(w, `{"choices":[{"index":0,"text":"","logprobs":{"token_logprobs":%s}}]}`, told)
			return true
		}}
		got, err := weigh(t, openTexts(t, s, Options{Attempts: 1}), 1)
		if err == nil || !strings.Contains(err.Error(), "token_logprobs[2] is no logarithm") || len(got) != 0 {
			t.Errorf("%s: %v, error %v", told, got, err)
		}
	}
}
