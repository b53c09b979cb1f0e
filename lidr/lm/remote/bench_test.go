package remote

import (
	"net/http"
	"testing"
	"time"
)

// BenchmarkLatency sends 805 × 5 requests to a server that answers after 20 ms, 64 at a time, and reports how much
// longer than the arithmetic minimum of ⌈4025/64⌉ · 20 ms that takes.
func BenchmarkLatency(b *testing.B) {
	const requests, inFlight, latency = 805 * 5, 64, 20 * time.Millisecond
	f := newFake(b)
	f.script = func(http.ResponseWriter, *http.Request, string, int) bool {
		time.Sleep(latency)
		return false
	}
	m := open(b, Options{InFlight: inFlight}, f)
	reqs := prompts(requests)
	for b.Loop() {
		if err := m.Ask(b.Context(), reqs, greedy, 0, nil, func([]int, []Answer) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	if f.total != b.N*requests {
		b.Fatalf("the server was asked %d times for %d requests", f.total, b.N*requests)
	}
	minimum := (requests + inFlight - 1) / inFlight * latency
	b.ReportMetric(100*(float64(b.Elapsed())/float64(b.N)/float64(minimum)-1), "%over")
}
