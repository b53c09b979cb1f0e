package dpo

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// plan cuts a training's pairs into steps. A step's batch is a pure function of the fields and the step, so that a
// resumed training gets the same batches.
type plan struct {
	pairs      []Pair
	mismatched []Pair       // KTO's, one for each pair
	ref        [][2]float64 // of the pairs, then of the mismatched; none where the loss has none
	replay     []Pair
	s          Settings

	epoch   int // of batches
	batches [][]int
}

// stepsPerEpoch returns the number of batches that the pairs make; the last may be smaller.
func (p *plan) stepsPerEpoch() int { return (len(p.pairs) + p.s.BatchPairs - 1) / p.s.BatchPairs }

// step returns the micro-batches of step n, counted from 0.
func (p *plan) step(n int) []micro {
	epoch := n / p.stepsPerEpoch()
	if p.batches == nil || p.epoch != epoch {
		p.epoch, p.batches = epoch, p.s.Batches(p.pairs, epoch)
	}
	batch := p.batches[n%p.stepsPerEpoch()]
	return slices.Concat(p.mismatchedBatch(batch), p.pairBatch(batch), p.replayBatch(n))
}

// pairBatch returns the micro-batches of a batch of pairs.
func (p *plan) pairBatch(batch []int) []micro {
	k, weight := pairRows, p.s.Alpha
	switch p.s.Objective {
	case "dpo":
		weight = 0
	case "sft":
		k, weight = chosenRows, 1
	}
	tokens := 0
	for _, i := range batch {
		tokens += len(p.pairs[i].Chosen)
	}
	var micros []micro
	full := microSize(p.s.MicroBatch, p.s.BatchPairs)
	for part := range slices.Chunk(batch, full) {
		var chosen, rejected []row
		var ref [][2]float64
		for _, i := range part {
			pair := p.pairs[i]
			chosen = append(chosen,
				responseRow(pair.Prompt, pair.Chosen, weight*p.s.share(len(pair.Chosen), len(batch), tokens)))
			if k == pairRows {
				rejected = append(rejected, responseRow(pair.Prompt, pair.Rejected, 0))
			}
			if k == pairRows && p.ref != nil {
				ref = append(ref, p.ref[i])
			}
		}
		m := newMicro(k, append(chosen, rejected...), full)
		m.ref, m.pairWeight, m.perToken = ref, 1/float64(len(batch)), preferences[p.s.Loss].perToken
		micros = append(micros, m)
	}
	return micros
}

// replayBatch draws the replayed sequences of step n. They run apart from the pairs, which are shorter.
func (p *plan) replayBatch(n int) []micro {
	if p.s.Replay == 0 {
		return nil
	}
	weight := p.s.Alpha
	if p.s.Objective == "sft" {
		weight = 1
	}
	random := p.s.random("replay", n)
	draw, tokens := make([]Pair, p.s.Replay), 0
	for i := range draw {
		draw[i] = p.replay[random.IntN(len(p.replay))]
		tokens += len(draw[i].Chosen)
	}
	slices.SortStableFunc(draw, func(a, b Pair) int { return cmp.Compare(a.length(), b.length()) })
	var micros []micro
	full := microSize(2*p.s.MicroBatch, len(draw)) // a micro-batch of pairs has two rows a pair
	for part := range slices.Chunk(draw, full) {
		var rows []row
		for _, pair := range part {
			rows = append(rows, responseRow(pair.Prompt, pair.Chosen, weight*p.s.share(len(pair.Chosen), len(draw), tokens)))
		}
		micros = append(micros, newMicro(replayRows, rows, full))
	}
	return micros
}

// weightedBatch returns the micro-batches of a pretraining batch whose weights sum to total, shortest sequences first.
func weightedBatch(batch []Weighted, total float64, size int) []micro {
	batch = slices.Clone(batch)
	slices.SortStableFunc(batch, func(a, b Weighted) int { return cmp.Compare(len(a.Tokens), len(b.Tokens)) })
	var micros []micro
	full := microSize(size, roundUp(len(batch), 1)) // the number of sequences may change from step to step
	for part := range slices.Chunk(batch, full) {
		var rows []row
		for _, w := range part {
			rows = append(rows, weightedRow(w, 1/total))
		}
		micros = append(micros, newMicro(weightedRows, rows, full))
	}
	return micros
}

// share returns the weight of one token's loss in the mean NLL: of a sequence of length tokens among n sequences with
// total tokens together.
func (s Settings) share(length, n, total int) float64 {
	if s.NLL == "token" {
		return 1 / float64(total)
	}
	return 1 / float64(n*length)
}

// microSize returns how many of size items go through the model at once: micro, or all of them.
func microSize(micro, size int) int {
	if micro == 0 {
		return size
	}
	return min(micro, size)
}

// random returns the n-th random stream of that name.
func (s Settings) random(name string, n int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", name, n)
	return rand.New(rand.NewPCG(uint64(s.Seed), h.Sum64()))
}

// length returns the number of tokens of the pair's longer side, prompt included. SFT, which does not read the rejected
// side, uses the same length, so that its batches are those of the DPO training that it is compared with.
func (p Pair) length() int { return len(p.Prompt) + max(len(p.Chosen), len(p.Rejected)) }

// sortByLength sorts indices of pairs, the shortest first. Equal lengths keep their order.
func sortByLength(pairs []Pair, order []int) {
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(pairs[a].length(), pairs[b].length()) })
}

// Batches returns the batches of an epoch, counted from 0, as indices of the pairs: each holds pairs of similar length,
// drawn at random, and their order is random. Under order "given" they are the list's, each sorted by length. One of
// them holds fewer than BatchPairs where these do not divide the pairs. It is how another program's training can follow
// [Train]'s.
func (s Settings) Batches(pairs []Pair, epoch int) [][]int {
	if s.Order == "given" {
		order := make([]int, len(pairs))
		for i := range order {
			order[i] = i
		}
		batches := slices.Collect(slices.Chunk(order, s.BatchPairs))
		for _, batch := range batches {
			sortByLength(pairs, batch)
		}
		return batches
	}
	random := s.random("batches", epoch)
	order := random.Perm(len(pairs))
	sortByLength(pairs, order)
	batches := slices.Collect(slices.Chunk(order, s.BatchPairs))
	random.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	return batches
}
