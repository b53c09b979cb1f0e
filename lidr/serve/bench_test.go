package serve

import (
	"testing"
	"time"

	"lidrlab/lidr/lm"
)

// BenchmarkServe answers 512 prompts of 64 clients at once, of one client after the other, and by the local model's
// Generate, by turns.
func BenchmarkServe(b *testing.B) {
	s := start(b, Options{})
	m := s.remote(b)
	reqs := problems(512)
	sampling := lm.Sampling{MaxTokens: 80}
	timed := func(model lm.Model, reqs []lm.Request, turns int) (tokens int, d time.Duration) {
		began := time.Now()
		for t := range turns {
			for _, c := range generate(b, model, reqs[t*len(reqs)/turns:(t+1)*len(reqs)/turns], sampling) {
				tokens += c.Tokens
			}
		}
		return tokens, time.Since(began)
	}
	one := reqs[:32]
	for _, model := range []lm.Model{m, s.local} { // compiles
		timed(model, reqs, 1)
		timed(model, one, len(one))
	}
	type sum struct {
		tokens int
		d      time.Duration
	}
	var sums [4]sum
	add := func(k int, tokens int, d time.Duration) { sums[k].tokens += tokens; sums[k].d += d }
	for b.Loop() {
		for k, model := range []lm.Model{s.local, m} {
			tokens, d := timed(model, reqs, 1)
			add(k, tokens, d)
			tokens, d = timed(model, one, len(one))
			add(2+k, tokens, d)
		}
	}
	for k, name := range []string{"local-64-tokens/s", "served-64-tokens/s", "local-1-tokens/s", "served-1-tokens/s"} {
		b.ReportMetric(float64(sums[k].tokens)/sums[k].d.Seconds(), name)
	}
}
