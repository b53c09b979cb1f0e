package serve

import (
	"context"
	"fmt"
	"net"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// served is the miniature behind HTTP on loopback, and the same model beside it.
type served struct {
	*Server
	url   string
	local *local.Model
	stop  func() error // stops the server as SIGTERM does, and returns Serve's error
}

func start(t testing.TB, o Options, change ...func(*checkpoint.Checkpoint, *tokenizer.Tokenizer)) *served {
	t.Helper()
	engine, err := backend.Open("")
	if err != nil {
		t.Fatal(err)
	}
	ck, err := checkpoint.Load(miniature.M0())
	if err != nil {
		t.Fatal(err)
	}
	words, err := tokenizer.Load(miniature.M0())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(ck, words)
	}
	weights, err := transformer.New(ck)
	if err != nil {
		t.Fatal(err)
	}
	if o.MaxBatch == 0 {
		o.MaxBatch, o.MaxQueue = 64, 256
	}
	o.Name = "miniature"
	s, err := New(local.New(engine, weights, words), words, o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { err = s.Serve(ctx, l); close(ended) }()
	stop := func() error { cancel(); <-ended; return err }
	t.Cleanup(func() { stop() })
	return &served{s, "http://" + l.Addr().String(), local.New(engine, weights, words), stop}
}

func (s *served) client() openai.Client {
	return openai.NewClient(option.WithBaseURL(s.url+"/v1"), option.WithAPIKey("none"), option.WithMaxRetries(0))
}

func (s *served) remote(t testing.TB) *remote.Model {
	t.Helper()
	m, err := remote.Open(t.Context(), remote.Options{Endpoints: []string{s.url}, KeyEnv: "LIDR_TEST_NO_KEY", Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// problems returns problems of the miniature, in the languages that it was trained on.
func problems(n int) (reqs []lm.Request) {
	languages := []string{"en", "es", "ru", "de", "fr", "it", "sw"}
	for i, p := range miniature.Problems("eval", n, 1) {
		lang := languages[i%len(languages)]
		reqs = append(reqs, lm.Request{ID: fmt.Sprintf("%d/%s", i, lang),
			Messages: []tokenizer.Message{{Role: "user", Content: p.Prompt(lang)}}})
	}
	return reqs
}

func generate(t testing.TB, m lm.Model, reqs []lm.Request, s lm.Sampling) []lm.Completion {
	t.Helper()
	all := make([]lm.Completion, len(reqs))
	err := m.Generate(t.Context(), reqs, s, nil, func(idx []int, out []lm.Completion) error {
		for k, i := range idx {
			all[i] = out[k]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Answers do not depend on the other requests of a batch: 200 prompts over HTTP, 64 at a time, some of them with the
// beginning of their answer, are answered as by the local model.
func TestGreedyAnswersAreTheLocalModels(t *testing.T) {
	s := start(t, Options{})
	reqs := problems(200)
	for i := range reqs {
		if i%5 == 0 {
			reqs[i].Prefill = "1"
		}
	}
	sampling := lm.Sampling{MaxTokens: 80}
	want := generate(t, s.local, reqs, sampling)
	got := generate(t, s.remote(t), reqs, sampling)
	for i := range reqs {
		if got[i] != want[i] {
			t.Errorf("%s: served %+v, local %+v", reqs[i].ID, got[i], want[i])
		}
	}
}

func TestLogprobsAreTheLocalModels(t *testing.T) {
	s := start(t, Options{})
	reqs, responses := problems(40), make([]string, 40)
	for i, p := range miniature.Problems("eval", 40, 1) {
		responses[i] = p.Answer("en")
	}
	want, wantTokens, err := s.local.Logprobs(t.Context(), reqs, responses)
	if err != nil {
		t.Fatal(err)
	}
	got, tokens, err := s.remote(t).Logprobs(t.Context(), reqs, responses)
	if err != nil {
		t.Fatal(err)
	}
	for i := range reqs {
		if d := got[i] - want[i]; d < -1e-3 || d > 1e-3 || tokens[i] != wantTokens[i] {
			t.Errorf("%s: served %g over %d tokens, local %g over %d", reqs[i].ID, got[i], tokens[i], want[i], wantTokens[i])
		}
	}
}
