package remote

import (
	"strings"
	"testing"

	"lidrlab/lidr/lm"
)

func TestAStepAboveTheLimitAsksNothing(t *testing.T) {
	f := newFake(t)
	prices := Prices{Prompt: 1, New: 1e6} // a dollar a new token
	m := open(t, Options{Prices: prices}, f)
	reqs := prompts(2) // 8 new tokens each
	answered := map[int]bool{}
	ask := func(m *Model) error {
		done := func(i int) bool { return answered[i] }
		return m.Ask(t.Context(), reqs, greedy, 0, done, func(idx []int, _ []Answer) error {
			for _, i := range idx {
				answered[i] = true
			}
			return nil
		})
	}
	if err := ask(m); err == nil ||
		!strings.Contains(err.Error(), "16 new tokens, at most $16.00, above the limit of $10.00") || f.total != 0 {
		t.Errorf("asked %d times, error %v, want none and one that names cost and limit", f.total, err)
	}
	answered[0] = true // an answered request costs nothing more
	if err := ask(m); err != nil || f.total != 1 {
		t.Errorf("one request for $8: asked %d times, error %v", f.total, err)
	}
	answered = map[int]bool{}
	for _, limit := range []float64{17, -1} {
		if err := ask(open(t, Options{Prices: prices, MaxDollars: limit}, f)); err != nil {
			t.Errorf("limit %g: %v", limit, err)
		}
	}
	if _, err := newModel(Options{Endpoints: []string{f.url()}, Prices: Prices{Prompt: -1}}); err == nil {
		t.Error("a negative price is accepted")
	}
	if err := open(t, Options{}, f).afford(Estimate(make([]lm.Request, 1e6), greedy, Prices{})); err != nil {
		t.Errorf("without prices: %v", err)
	}
}
