package local

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"lidrlab/lidr/lm"
)

// sampler draws the tokens of one answer from its own random stream.
type sampler struct {
	lm.Sampling
	random *rand.Rand
	seen   map[int]bool // prompt and answer so far; kept only for the repetition penalty
	kept   []candidate  // those that the filters leave
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
	scores := scratch.Get().(*[]float64)
	defer scratch.Put(scores)
	*scores = (*scores)[:0]
	peak := float64(logits[argmax(logits)])
	for _, logit := range logits {
		*scores = append(*scores, math.Exp((float64(logit)-peak)/p.Temperature))
	}
	topK, topP := p.TopK > 0 && p.TopK < len(logits), p.TopP > 0 && p.TopP < 1
	p.kept = p.kept[:0]
	switch {
	case topK:
		p.keep(*scores, largest(*scores, p.TopK)) // tokens as likely as the last one are kept too
		p.sort()
		if topP {
			p.kept = p.kept[:nucleus(p.kept, p.TopP*total(p.kept), 0)]
		}
	case topP:
		p.keepNucleus(*scores)
	default:
		p.keep(*scores, 0)
	}
	u := p.random.Float64() * total(p.kept)
	for _, c := range p.kept {
		if u -= c.score; u < 0 {
			return c.token
		}
	}
	return p.kept[len(p.kept)-1].token // reached by rounding only
}

// scratch holds the scores of a vocabulary.
var scratch = sync.Pool{New: func() any { return new([]float64) }}

// keep keeps the tokens whose score is not below the given one, in the order of their numbers.
func (p *sampler) keep(scores []float64, least float64) {
	for token, score := range scores {
		if !(score < least) {
			p.kept = append(p.kept, candidate{token, score})
		}
	}
}

// sort puts the likeliest tokens first, and of equals the first.
func (p *sampler) sort() {
	slices.SortFunc(p.kept, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.token, b.token))
	})
}

// keepNucleus keeps the likeliest tokens while those before have less than TopP of all together. What it keeps is what
// it would keep if it sorted all tokens and added their scores up in that order; but it sorts those only that may be
// kept, the likeliest quarters of an octave that have TopP together. The sum of all, whose last bits depend on the
// order, is added up otherwise; where its error might decide, all are sorted.
func (p *sampler) keepNucleus(scores []float64) {
	const top = 1023<<2 - (quarters - 1) // the bits of 1, the largest score, are in the last quarter
	var sums [quarters]float64
	for _, score := range scores {
		sums[min(max(0, int(math.Float64bits(score)>>50)-top), quarters-1)] += score // beyond: not a number
	}
	all := 0.0
	for _, sum := range sums {
		all += sum
	}
	doubt := float64(len(scores)) * all * 0x1p-50 // twice the bound of both orders' errors, and more
	limit, likely, q := p.TopP*all, 0.0, quarters
	for q > 0 && !(likely > limit+doubt) {
		q--
		likely += sums[q]
	}
	least := 0.0
	if q > 0 {
		least = math.Float64frombits(uint64(q+top) << 50)
	}
	p.keep(scores, least)
	p.sort()
	n := nucleus(p.kept, limit, doubt)
	if n < 0 {
		p.kept = p.kept[:0]
		p.keep(scores, 0)
		p.sort()
		n = nucleus(p.kept, p.TopP*total(p.kept), 0)
	}
	p.kept = p.kept[:n]
}

// quarters is the number of quarters of an octave below 1 that keepNucleus tells apart: to 2^-64.
const quarters = 256

// nucleus returns how many of the sorted tokens are kept while those before have less than limit together, or -1 if an
// error of the limit by doubt, where that is above 0, might change the number.
func nucleus(sorted []candidate, limit, doubt float64) int {
	sum := 0.0
	for n, c := range sorted {
		if doubt > 0 && n > 0 && !(math.Abs(sum-limit) > doubt) {
			return -1
		}
		if n > 0 && !(sum < limit) {
			return n
		}
		sum += c.score
	}
	if doubt > 0 && !(sum > limit+doubt) { // there may be more
		return -1
	}
	return len(sorted)
}

// largest returns the k-th largest of the scores.
func largest(scores []float64, k int) float64 {
	heap := slices.Clone(scores[:k]) // the k largest so far, none below its parent
	sink := func(i int) {
		for {
			child := 2*i + 1
			if child+1 < k && heap[child+1] < heap[child] {
				child++
			}
			if child >= k || !(heap[child] < heap[i]) {
				return
			}
			heap[i], heap[child] = heap[child], heap[i]
			i = child
		}
	}
	for i := k/2 - 1; i >= 0; i-- {
		sink(i)
	}
	for _, score := range scores[k:] {
		if score > heap[0] {
			heap[0] = score
			sink(0)
		}
	}
	return heap[0]
}

func total(cs []candidate) float64 {
	sum := 0.0
	for _, c := range cs {
		sum += c.score
	}
	return sum
}
