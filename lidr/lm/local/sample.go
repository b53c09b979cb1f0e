package local

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"lidrlab/lidr/lm"
)

// sampler draws the tokens of one answer from its own random stream.
type sampler struct {
	lm.Sampling
	random *rand.Rand
	seen   map[int]bool // prompt and answer so far; kept only for the repetition penalty
	kept   []candidate  // scratch
}

type candidate struct {
	token int
	score float64 // logit, then unnormalised probability
}

// newSampler returns the sampler of the item of that ID, whose prompt is given.
func newSampler(s lm.Sampling, id string, prompt []int) *sampler {
	seed := sha256.Sum256(fmt.Appendf(nil, "%d\n%s", s.Seed, id))
	p := &sampler{Sampling: s, random: rand.New(rand.NewChaCha8(seed))}
	if s.RepetitionPenalty != 0 && s.RepetitionPenalty != 1 {
		p.seen = map[int]bool{}
		for _, token := range prompt {
			p.seen[token] = true
		}
	}
	return p
}

// next chooses a token; logits [V] are overwritten.
func (p *sampler) next(logits []float32) int {
	for token := range p.seen { // RepetitionPenaltyLogitsProcessor
		if logits[token] > 0 {
			logits[token] /= float32(p.RepetitionPenalty)
		} else {
			logits[token] *= float32(p.RepetitionPenalty)
		}
	}
	token := 0
	if p.Temperature == 0 {
		token = argmax(logits)
	} else {
		token = p.draw(logits)
	}
	if p.seen != nil {
		p.seen[token] = true
	}
	return token
}

// argmax returns the index of the largest value, the first of equals.
func argmax(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}

// draw filters by top-k, then top-p, as Hugging Face's TopKLogitsWarper and TopPLogitsWarper do after the temperature,
// and draws from what is left.
func (p *sampler) draw(logits []float32) int {
	peak := float64(logits[argmax(logits)])
	p.kept = p.kept[:0]
	for token, logit := range logits {
		p.kept = append(p.kept, candidate{token, math.Exp((float64(logit) - peak) / p.Temperature)})
	}
	topK, topP := p.TopK > 0 && p.TopK < len(p.kept), p.TopP > 0 && p.TopP < 1
	if topK || topP {
		slices.SortFunc(p.kept, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.token, b.token))
		})
	}
	if topK { // tokens as likely as the last one kept are kept too
		last := p.kept[p.TopK-1].score
		n := p.TopK
		for n < len(p.kept) && p.kept[n].score == last {
			n++
		}
		p.kept = p.kept[:n]
	}
	if topP { // keep a token while those before it have less than TopP together
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
	return p.kept[len(p.kept)-1].token // reached by rounding only
}

func total(cs []candidate) float64 {
	sum := 0.0
	for _, c := range cs {
		sum += c.score
	}
	return sum
}
