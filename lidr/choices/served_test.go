package choices

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/lm/local"
	"lidrlab/lidr/lm/remote"
	"lidrlab/lidr/serve"
)

const inFlight = 4

// serveModel serves a model by lidr serve in this process, as "miniature", and counts the requests by route.
func serveModel(t *testing.T, m *lidr.Model) (address string, asked map[string]*atomic.Int64) {
	t.Helper()
	server, err := serve.New(local.New(m.Engine(), m.Weights(), m.Tokenizer()), m.Tokenizer(),
		serve.Options{Name: "miniature", MaxBatch: 64, MaxQueue: 256})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	asked = map[string]*atomic.Int64{"/tokenize": {}, "/v1/completions": {}, "/v1/models": {}}
	behind := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: listener.Addr().String()})
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked[r.URL.Path]; n != nil {
			n.Add(1)
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return front.URL, asked
}

// served returns a model behind lidr serve.
func served(t *testing.T, m *lidr.Model) (*lidr.Model, map[string]*atomic.Int64) {
	t.Helper()
	address, asked := serveModel(t, m)
	far, err := remote.Open(t.Context(), remote.Options{
		Endpoints: []string{address}, KeyEnv: "LIDR_TEST_NO_KEY", InFlight: inFlight,
	})
	if err != nil {
		t.Fatal(err)
	}
	return lidr.UseModel("miniature", far), asked
}

// Behind a server a model has the log-probabilities that it has here, a prompt that is cut included. A measurement that
// is broken off asks for nothing twice, and one that is repeated for nothing.
func TestAskServed(t *testing.T) {
	t.Parallel()
	folder, settings := okapi(t), Settings{MMLUShots: 2}
	here, m0 := open(t)
	if _, err := Ask(t.Context(), here, m0, folder, settings); err != nil {
		t.Fatal(err)
	}

	var progress lidr.Progress
	there, _ := open(t, lidr.WithProgress(func(e lidr.Event) { progress(e) }))
	far, asked := served(t, m0)
	stops, texts, sequences := 0, map[string]int{}, map[string]int{} // by step
	for {
		stopped, cancel := context.WithCancel(t.Context())
		progress = func(e lidr.Event) {
			if e.Unit == "tokens" {
				texts[e.Step] = e.Total
			} else if sequences[e.Step] = e.Total; e.Done > 5*stops && stops < 3 {
				cancel()
			}
		}
		_, err := Ask(stopped, there, far, folder, settings)
		cancel()
		if err == nil {
			break
		}
		if stops++; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	once := asked["/v1/completions"].Load()
	if want := sum(sequences); want < 80 || stops != 3 || once < want || once > want+int64(stops*2*inFlight) {
		t.Errorf("%d requests for %d sequences and %d stops, want those under way at a stop again", once, want, stops)
	}
	if n := asked["/tokenize"].Load(); n != sum(texts) {
		t.Errorf("the tokens of %d texts were asked for in %d requests", sum(texts), n)
	}
	if _, err := Ask(t.Context(), there, far, folder, settings); err != nil || asked["/v1/completions"].Load() != once {
		t.Errorf("the second time %d requests more, error %v", asked["/v1/completions"].Load()-once, err)
	}
	for _, suite := range datasets.ChoiceSuites() {
		want, err := readAnswers(here, "M0", suite)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAnswers(there, "M0", suite)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d answers, want %d (%v)", suite, len(got), len(want), err)
		}
		for i := range want {
			sameAnswer(t, got[i], want[i])
		}
	}

	long := []datasets.ChoiceItem{{
		ID: "a", Suite: "m_arc", Lang: "en", Context: strings.Repeat("apples ", 2100) + "The answer is",
		Choices: []string{"12.", "7"},
	}}
	progress = func(lidr.Event) {}
	want, err := answer(t.Context(), here, m0, long, "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := answer(t.Context(), there, far, long, "")
	if err != nil || !got[0].Cut {
		t.Fatalf("%+v, %v", got, err)
	}
	sameAnswer(t, got[0], want[0])
}

func sum(counts map[string]int) (n int64) {
	for _, count := range counts {
		n += int64(count)
	}
	return n
}

// sameAnswer compares to 1e-5, of the value where that is above 1: in single precision, what is computed together
// makes a difference.
func sameAnswer(t *testing.T, got, want Answer) {
	t.Helper()
	if got.ID != want.ID || got.Cut != want.Cut || len(got.Logprobs) != len(want.Logprobs) {
		t.Fatalf("%+v, want %+v", got, want)
	}
	for k, p := range append(want.Logprobs, want.MC2Logprobs...) {
		if q := append(got.Logprobs, got.MC2Logprobs...)[k]; !(math.Abs(p-q) <= 1e-5*max(1, math.Abs(p))) {
			t.Errorf("%s: choice %d has log-probability %v behind the server and %v here", want.ID, k, q, p)
		}
	}
}
