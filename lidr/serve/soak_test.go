package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"lidrlab/lidr/lm"
	"lidrlab/lidr/lm/remote"
)

// faulty is a proxy before the server that breaks some of the requests and responses.
type faulty struct {
	forward http.Handler

	mu     sync.Mutex
	random *rand.Rand
	storm  time.Time // until then every request is refused
	counts map[string]int
}

func (f *faulty) draw() (fault string, half float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.random.IntN(1000)
	switch {
	case time.Now().Before(f.storm):
		fault = "429 in a storm"
	case n < 2:
		f.storm = time.Now().Add(time.Second)
		fault = "429 in a storm"
	case n < 160:
		fault = []string{"slow", "reset", "half an answer", "broken JSON", "500"}[n%5]
	default:
		fault = "none"
	}
	f.counts[fault]++
	return fault, f.random.Float64()
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		f.forward.ServeHTTP(w, r)
		return
	}
	fault, half := f.draw()
	switch fault {
	case "429 in a storm":
		w.Header().Set("Retry-After", "0.5")
		http.Error(w, `{"error":{"message":"slow down"}}`, http.StatusTooManyRequests)
	case "500":
		http.Error(w, "<html>no json</html>", http.StatusInternalServerError)
	case "reset":
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	case "half an answer", "broken JSON":
		whole := httptest.NewRecorder()
		f.forward.ServeHTTP(whole, r)
		body := whole.Body.Bytes()
		if fault == "half an answer" {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		_, _ = w.Write(body[:int(half*float64(len(body)))])
	default:
		if fault == "slow" {
			time.Sleep(time.Duration(half * float64(2*time.Second)))
		}
		f.forward.ServeHTTP(w, r)
	}
}

// holdings are the resources that grow with a leak.
type holdings struct {
	goroutines, files int
	heap              uint64
}

func held() holdings {
	runtime.GC()
	runtime.GC() // collects what the finalizers of the first released
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd") // on other systems they are not counted
	return holdings{runtime.NumGoroutine(), len(files), m.HeapAlloc}
}

// Clients send requests through a network that breaks, and some disconnect in the middle of an answer or of a request,
// for the time in LIDR_SOAK (make soak). Every request is answered once and equally, no resource grows, and the server
// stops within seconds.
func TestSoak(t *testing.T) {
	if os.Getenv("LIDR_SOAK") == "" {
		t.Skip("LIDR_SOAK is unset, expected a time such as 10m; run make soak")
	}
	lasting, err := time.ParseDuration(os.Getenv("LIDR_SOAK"))
	if err != nil {
		t.Fatal(err)
	}
	before := held()
	s := start(t, Options{MaxBatch: 8, MaxQueue: 8})
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	network := &faulty{forward: httputil.NewSingleHostReverseProxy(target), random: rand.New(rand.NewPCG(1, 2)),
		counts: map[string]int{}}
	proxy := httptest.NewServer(network)
	defer proxy.Close()
	m, err := remote.Open(t.Context(), remote.Options{Endpoints: []string{proxy.URL}, KeyEnv: "LIDR_TEST_NO_KEY",
		Attempts: 20, InFlight: 24})
	if err != nil {
		t.Fatal(err)
	}
	reqs, sampling := problems(200), lm.Sampling{MaxTokens: 40}
	want := generate(t, s.local, reqs, sampling)
	asked, left := 0, 0
	round := func(number int) {
		times := make([]int, len(reqs))
		ctx, hurry := context.WithTimeout(t.Context(), 5*time.Minute)
		defer hurry()
		err := m.Generate(ctx, reqs, sampling, nil, func(idx []int, out []lm.Completion) error {
			for k, i := range idx {
				times[i]++
				if out[k] != want[i] {
					t.Errorf("round %d, %s: %+v, at first %+v", number, reqs[i].ID, out[k], want[i])
				}
			}
			return nil
		})
		var incomplete *lm.IncompleteError
		if errors.As(err, &incomplete) {
			for _, f := range incomplete.Failed {
				times[f.Index]++
			}
		} else if err != nil {
			t.Fatalf("round %d: %v", number, err)
		}
		for i, n := range times {
			if n != 1 {
				t.Errorf("round %d: %s was answered %d times", number, reqs[i].ID, n)
			}
		}
		asked += len(reqs)
		for range 4 { // clients that disconnect
			ctx, leave := context.WithCancel(t.Context())
			stream := s.long(ctx)
			stream.Next()
			leave()
			_ = stream.Close()
			left++
		}
		t.Logf("round %d, %v: %d requests, %v", number, held(), asked, network.counts)
	}
	settled := func() holdings {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		await(t, "no request is under way", func() bool { return len(s.slots) == 0 })
		time.Sleep(time.Second)
		return held()
	}
	slow, err := net.Dial("tcp", target.Host) // never ends its header
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	cut := make(chan time.Duration, 1)
	go func() {
		began := time.Now()
		fmt.Fprint(slow, "GET /health HTTP/1.1\r\nHost: ")
		_, _ = io.Copy(io.Discard, slow)
		cut <- time.Since(began)
	}()
	round(0)
	first := settled()
	began := time.Now()
	number := 0
	for time.Since(began) < lasting {
		number++
		round(number)
	}
	if d := <-cut; d < 5*time.Second || d > time.Minute {
		t.Errorf("a client that sends no whole header was cut off after %v", d)
	}
	last := settled()
	faults := 0
	for fault, n := range maps.All(network.counts) {
		if fault != "none" {
			faults += n
		}
	}
	t.Logf("%v: %d requests answered once each in %d rounds, %d faults %v, %d clients that left; goroutines, files, "+
		"heap: %v at first, %v after",
		time.Since(began).Round(time.Second), asked, number+1, faults, network.counts, left, first, last)
	// The number of idle connections varies with the number of requests at the same time.
	if last.goroutines > first.goroutines+60 || last.files > first.files+60 || last.heap > first.heap+first.heap/2+16<<20 {
		t.Errorf("held %+v at the beginning and %+v at the end", first, last)
	}
	under := s.long(t.Context())
	under.Next()
	began = time.Now()
	if err := s.stop(); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("the server stopped after %v with error %v", time.Since(began), err)
	}
	proxy.Close()
	_ = under.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	t.Logf("stopped in %v", time.Since(began).Round(time.Millisecond))
	for range 100 {
		if runtime.NumGoroutine() <= before.goroutines+10 {
			return
		}
		time.Sleep(time.Second)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	t.Errorf("%d goroutines before and %d after the server has stopped:\n%.6000s", before.goroutines,
		runtime.NumGoroutine(), strings.TrimSpace(string(stacks)))
}
