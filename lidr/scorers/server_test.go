package scorers

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm"
)

// threeSamples are an English answer and two German ones.
func threeSamples() []datasets.Response {
	return []datasets.Response{
		{ID: "a", Lang: "en", Prompt: "How many?", Response: "It is 7.", FinishReason: lm.FinishStop},
		{ID: "a", Lang: "de", Prompt: "Wie viele?", Response: "Es sind 7777.", FinishReason: lm.FinishStop},
		{ID: "a", Lang: "de", Prompt: "Wie viele?", Response: "untouchable 7", Sample: 1, FinishReason: lm.FinishStop},
	}
}

// A request that the server refuses is a sample without a score; what it answers is read in the forms of vLLM.
func TestServed(t *testing.T) {
	var requests atomic.Int64
	behind := Server{URL: models(t, &requests), Model: "fake"}
	run, m0 := open(t, settings())
	for name, c := range map[string]struct {
		scorer lidr.Scorer
		want   []float64
	}{
		"classify": {RewardModel{Server: behind}, []float64{0.1, 0.4}},
		"pooling":  {RewardModel{Server: behind, Pooling: true, English: true}, []float64{1, 4}},
		"text":     {RewardModel{Server: behind, Text: true}, []float64{0.1, 0.4}},
		// (1, 1, 1) and (4, 6, 1): the only cosine is the pair's mean and that of all.
		"embeddings": {Embeddings{Server: behind}, []float64{math.NaN(), 11 / math.Sqrt(3*53)}},
	} {
		rows, err := c.scorer.Score(t.Context(), run, m0, threeSamples())
		if err != nil {
			t.Fatal(name, err)
		}
		for i, want := range append(c.want, math.NaN()) {
			if got := rows[i].Score; math.Abs(got-want) > 1e-12 || math.IsNaN(got) != math.IsNaN(want) {
				t.Errorf("%s: sample %d scores %+v, want %g", name, i, rows[i], want)
			}
		}
		if !strings.HasPrefix(rows[2].Fault, lm.FaultFailed+" (status 400: ") {
			t.Errorf("%s: what is refused has the fault %q", name, rows[2].Fault)
		}
	}
}

// A busy server is asked again, a wrong key ends the step and is not repeated, and neither is a key in what it says.
func TestServerFaults(t *testing.T) {
	const key = "secret-of-the-test"
	t.Setenv("LIDR_TEST_KEY", key)
	busy, answer := 2, func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":[{"probs":[0.5]}]}`) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if busy > 0 {
			busy--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer(w)
	}))
	defer server.Close()
	run, m0 := open(t, settings())
	one := threeSamples()[:1]
	s := RewardModel{Server: Server{URL: server.URL, Model: "busy", KeyEnv: "LIDR_TEST_KEY"}}
	if rows, err := s.Score(t.Context(), run, m0, one); err != nil || rows[0].Score != 0.5 {
		t.Errorf("a busy server: %v, %v", rows, err)
	}
	for want, reply := range map[string]func(http.ResponseWriter){
		"refuses all of 1 requests": func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) },
		"status 401: wrong [API key]": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, "wrong "+key)
		},
		"expected one of number 0": func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":[{"probs":[]}]}`) },
		"has 0 data, expected one": func(w http.ResponseWriter) { fmt.Fprint(w, `{"data":[]}`) },
		"status 302":               func(w http.ResponseWriter) { w.WriteHeader(http.StatusFound) },
	} {
		answer = reply
		s.Model = want
		if _, err := s.Score(t.Context(), run, m0, one); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), key) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	for want, s := range map[string]Server{
		"form http://HOST:PORT": {URL: "localhost:8000", Model: "m"}, "has no name": {URL: server.URL},
		"unencrypted": {URL: "http://192.0.2.1", Model: "m", KeyEnv: "LIDR_TEST_KEY"},
	} {
		if _, err := (Embeddings{Server: s}).Score(t.Context(), run, m0, one); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error with %q", s, err, want)
		}
	}
}
