package local

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"lidrlab/lidr/lm"
)

func TestFindStop(t *testing.T) {
	for _, c := range []struct {
		text  string
		fresh int // number of bytes that were searched before
		stops []string
		want  int
	}{
		{"one</translated> two", 0, []string{"</translated>"}, 3},
		{"one</transl", 8, []string{"</translated>"}, -1},
		{"one</translated>", 11, []string{"</translated>"}, 3}, // the stop began in an earlier token
		{"a\n\nb", 3, []string{"\n\n"}, -1},                    // it ended before and was found then
		{"x END STOP", 2, []string{"STOP", "END"}, 2},          // the earliest counts, not the first named
		{"любовь.", 12, []string{"ь."}, 10},
		{"anything", 0, nil, -1},
	} {
		if got := findStop([]byte(c.text), c.fresh, c.stops); got != c.want {
			t.Errorf("findStop(%q, %d, %q) = %d, expected %d", c.text, c.fresh, c.stops, got, c.want)
		}
	}
}

// The filters against numbers worked by hand from the definitions of transformers' logits processors.
func TestSamplerFilters(t *testing.T) {
	ln := func(p ...float64) (logits []float32) {
		for _, x := range p {
			logits = append(logits, float32(math.Log(x)))
		}
		return logits
	}
	for name, c := range map[string]struct {
		sampling lm.Sampling
		prompt   []int
		logits   []float32
		want     []float64 // probability of each token
	}{
		"plain":       {lm.Sampling{Temperature: 1}, nil, ln(.5, .2, .2, .1), []float64{.5, .2, .2, .1}},
		"greedy":      {lm.Sampling{}, nil, []float32{1, 3, 3, 2}, []float64{0, 1, 0, 0}},
		"temperature": {lm.Sampling{Temperature: 0.5}, nil, ln(.6, .3, .1), []float64{.36 / .46, .09 / .46, .01 / .46}},
		"top-k":       {lm.Sampling{Temperature: 1, TopK: 2}, nil, ln(.1, .5, .4), []float64{0, 5. / 9, 4. / 9}},
		"top-k, ties": {lm.Sampling{Temperature: 1, TopK: 2}, nil, ln(.1, .5, .2, .2),
			[]float64{0, 5. / 9, 2. / 9, 2. / 9}},
		"top-p":      {lm.Sampling{Temperature: 1, TopP: 0.8}, nil, ln(.1, .5, .4), []float64{0, 5. / 9, 4. / 9}},
		"top-p, one": {lm.Sampling{Temperature: 1, TopP: 0.01}, nil, ln(.1, .5, .4), []float64{0, 1, 0}},
		// .5 is .625 of what top-k left
		"k before p": {lm.Sampling{Temperature: 1, TopK: 2, TopP: 0.55}, nil, ln(.2, .5, .3), []float64{0, 1, 0}},
		"penalty": {lm.Sampling{RepetitionPenalty: 2}, []int{1, 1, 3}, []float32{1, 1.9, -4, 1.5},
			[]float64{1, 0, 0, 0}},
		"penalty below": {lm.Sampling{RepetitionPenalty: 2}, []int{0}, []float32{-1, -1.5}, []float64{0, 1}}, // -1 becomes -2
	} {
		const n = 20000
		s := newSampler(c.sampling, name, c.prompt)
		got := make([]float64, len(c.logits))
		for range n {
			if s.seen != nil { // each draw is a first one
				s = newSampler(c.sampling, name, c.prompt)
			}
			got[s.next(slices.Clone(c.logits))] += 1. / n
		}
		for token, p := range c.want {
			if limit := 5*math.Sqrt(p*(1-p)/n) + 1e-9; math.Abs(got[token]-p) > limit {
				t.Errorf("%s: token %d was drawn with frequency %.4f, expected %.4f ± %.4f", name, token, got[token], p, limit)
			}
		}
	}
}

// Selecting the tokens that may be kept draws what sorting all of them draws, ties and sums at the limit included.
func TestSelectionDrawsAsSorting(t *testing.T) {
	sorted := func(p *sampler, logits []float32) int { // the definition, as transformers computes it
		peak := float64(slices.Max(logits))
		p.kept = p.kept[:0]
		for token, logit := range logits {
			p.kept = append(p.kept, candidate{token, math.Exp((float64(logit) - peak) / p.Temperature)})
		}
		p.sort()
		if n := p.TopK; n > 0 {
			for n < len(p.kept) && p.kept[n].score == p.kept[n-1].score {
				n++
			}
			p.kept = p.kept[:n]
		}
		if p.TopP < 1 {
			limit, sum, n := p.TopP*total(p.kept), 0.0, 0
			for n < len(p.kept) && (n == 0 || sum < limit) {
				sum += p.kept[n].score
				n++
			}
			p.kept = p.kept[:n]
		}
		u := p.random.Float64() * total(p.kept)
		for _, c := range p.kept {
			if u -= c.score; u < 0 {
				return c.token
			}
		}
		return p.kept[len(p.kept)-1].token
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []lm.Sampling{{TopP: .9}, {TopP: .5}, {TopP: .999}, {TopP: .01}, {TopK: 1, TopP: 1},
		{TopK: 40, TopP: 1}, {TopK: 300, TopP: .8}} {
		for k := range 60 {
			c.Temperature, c.Seed = []float64{.3, 1, 1.7}[k%3], int64(k)
			logits := make([]float32, 1000)
			for i := range logits {
				logits[i] = float32(r.NormFloat64() * 3)
				if k%4 == 0 { // many equals, so that sums meet the limit
					logits[i] = float32(r.IntN(2))
				}
				if k%8 == 0 {
					logits[i] = 0
				}
			}
			fast, slow := newSampler(c, "x", nil), newSampler(c, "x", nil)
			got, want := fast.draw(logits), sorted(slow, logits)
			if got != want || !slices.Equal(fast.kept, slow.kept) {
				t.Fatalf("%+v, logits %d: drew %d of %d tokens, by sorting all %d of %d", c, k, got, len(fast.kept), want,
					len(slow.kept))
			}
		}
	}
}

func BenchmarkTopP(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	logits := make([]float32, 151936)
	for i := range logits {
		logits[i] = float32(r.NormFloat64() * 3)
	}
	s := newSampler(lm.Sampling{Temperature: 1, TopP: .9}, "x", nil)
	for b.Loop() {
		s.draw(logits)
	}
}

func TestSamplerPenalisesItsOwnTokens(t *testing.T) {
	s := newSampler(lm.Sampling{RepetitionPenalty: 4}, "x", nil)
	logits := []float32{1, 3, 2}
	var drawn []int
	for range 3 {
		drawn = append(drawn, s.next(slices.Clone(logits)))
	}
	if want := []int{1, 2, 0}; !slices.Equal(drawn, want) { // 3, then 2 over 3/4, then 1 over 3/4 and 2/4
		t.Errorf("drew %v, expected %v", drawn, want)
	}
}

func TestSamplerStreams(t *testing.T) {
	draw := func(seed int64, id string) (tokens []int) {
		s := newSampler(lm.Sampling{Temperature: 1, Seed: seed}, id, nil)
		for range 40 {
			tokens = append(tokens, s.next(make([]float32, 50)))
		}
		return tokens
	}
	if !slices.Equal(draw(1, "a"), draw(1, "a")) {
		t.Error("the same seed and item drew different tokens")
	}
	if slices.Equal(draw(1, "a"), draw(1, "b")) || slices.Equal(draw(1, "a"), draw(2, "a")) {
		t.Error("another item or seed drew the same tokens")
	}
}
