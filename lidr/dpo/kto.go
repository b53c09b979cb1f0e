package dpo

import (
	"slices"

	"lidrlab/lidr/checkpoint"
)

// Mismatched returns the pairs whose log-ratios estimate KTO's KL(π ‖ π_ref): every prompt with the responses of
// another pair (arXiv 2402.01306, §4.1). Who gets whose is drawn by seed, in one cycle through all pairs, as TRL's
// KTOTrainer rotates a shuffled data set; like there it stays so for the training, so that the reference is computed
// once, and a response is cut where prompt and response are longer than a pair may be under c. The estimate of a step
// is
//
//	kl = max(0, mean of log π(y'|x) − log π_ref(y'|x) over both sides of the batch's mismatched pairs)
//
// without gradient, over the whole batch, whatever the micro-batches are (TRL: over each micro-batch). It costs a
// forward pass of each batch.
func (s Settings) Mismatched(pairs []Pair, c checkpoint.Config) []Pair {
	out := make([]Pair, len(pairs))
	order := s.random("mismatched", 0).Perm(len(pairs))
	for place, i := range order {
		from := pairs[order[(place+1)%len(order)]]
		out[i] = Pair{Prompt: pairs[i].Prompt, Chosen: from.Chosen, Rejected: from.Rejected}
		room := max(0, s.longest(c)-len(pairs[i].Prompt))
		out[i].Chosen = out[i].Chosen[:min(len(out[i].Chosen), room)]
		out[i].Rejected = out[i].Rejected[:min(len(out[i].Rejected), room)]
	}
	return out
}

// mismatchedBatch returns the micro-batches of a batch's mismatched pairs, whose log-probabilities alone are computed.
func (p *plan) mismatchedBatch(batch []int) []micro {
	if p.mismatched == nil {
		return nil
	}
	var micros []micro
	full := microSize(p.s.MicroBatch, p.s.BatchPairs)
	for part := range slices.Chunk(batch, full) {
		var rows []row
		var ref [][2]float64
		for _, i := range part {
			pair := p.mismatched[i]
			rows = append(rows, responseRow(pair.Prompt, pair.Chosen, 0), responseRow(pair.Prompt, pair.Rejected, 0))
			ref = append(ref, p.ref[len(p.pairs)+i])
		}
		m := newMicro(mismatchedRows, rows, 2*full)
		m.ref = ref
		micros = append(micros, m)
	}
	return micros
}

// estimateKL computes KTO's estimate from a step's mismatched rows, and returns it with the micro-batches that follow
// them, which it is noted in. Without mismatched rows it is 0.
func (t *trainer) estimateKL(micros []micro) ([]micro, float64, error) {
	var ratios []float64
	for len(micros) > 0 && micros[0].kind == mismatchedRows {
		sums, err := rowSums(t.forward, micros[0])
		if err != nil {
			return nil, 0, err
		}
		for i, logp := range sums {
			ratios = append(ratios, logp-micros[0].ref[i/2][i%2])
		}
		micros = micros[1:]
	}
	if ratios == nil {
		return micros, 0, nil
	}
	kl := max(0, mean(ratios))
	for i := range micros {
		micros[i].kl = kl
	}
	return micros, kl, nil
}
