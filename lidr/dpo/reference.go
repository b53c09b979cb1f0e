package dpo

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/transformer"
)

// referencePositions bounds the padded positions of one forward pass of [Reference]: enough to keep a core busy.
const referencePositions = 4096

// Reference computes the log-probabilities of every pair's sides under m: π_ref, if m holds the weights that the round
// starts from. Of s it uses MaxLength alone. Batches are cut from all pairs sorted by length, done or not, so the
// numbers depend, to the last bit, on model, backend and pairs only, and trainings with other settings can share them.
// A batch whose pairs are all done is skipped. save gets the indices of a batch's pairs that were not done, with the
// sums over their response tokens, end of turn included, in nats; it is called from this goroutine.
func Reference(ctx context.Context, b compute.Backend, m *transformer.Model, pairs []Pair, s Settings,
	done func(i int) bool, save func(idx []int, chosen, rejected []float64) error) error {
	longest := s.longest(m.Config)
	if err := checkPairs("pair", pairs, true, longest, m.Config); err != nil {
		return err
	}
	exec, err := model.NewExec(b, m.Store, func(scope *model.Scope, in []*Node) *Node {
		_, sums := newInputs(in).logprobs(scope, m)
		return sums
	})
	if err != nil {
		return err
	}
	defer exec.Finalize()
	exec.SetMaxCache(-1)
	for _, batch := range referenceBatches(pairs) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !slices.ContainsFunc(batch, func(i int) bool { return !done(i) }) {
			continue
		}
		sums, err := batchLogprobs(exec, pairs, batch, longest)
		if err != nil {
			return err
		}
		var idx []int
		var chosen, rejected []float64
		for place, i := range batch {
			if done(i) {
				continue
			}
			c, r := sums[place][0], sums[place][1]
			if math.IsNaN(c) || math.IsNaN(r) {
				return fmt.Errorf("pair %d has reference log-probabilities %v and %v: the model's weights are broken", i, c, r)
			}
			idx, chosen, rejected = append(idx, i), append(chosen, c), append(rejected, r)
		}
		if err := save(idx, chosen, rejected); err != nil {
			return err
		}
	}
	return nil
}

// referenceBatches cuts the pairs, sorted by length, into batches of at most referencePositions, or of one pair.
func referenceBatches(pairs []Pair) (batches [][]int) {
	order := make([]int, len(pairs))
	for i := range order {
		order[i] = i
	}
	sortByLength(pairs, order)
	for start, end := 0, 0; start < len(order); start = end {
		for end = start + 1; end < len(order) && 2*(end+1-start)*pairs[order[end]].length() <= referencePositions; end++ {
		}
		batches = append(batches, order[start:end])
	}
	return batches
}

// batchLogprobs returns the log-probabilities of the chosen and rejected sides of the pairs of a batch.
func batchLogprobs(exec *model.Exec, pairs []Pair, batch []int, longest int) ([][2]float64, error) {
	var chosen, rejected []row
	for _, i := range batch {
		chosen = append(chosen, responseRow(pairs[i].Prompt, pairs[i].Chosen, 0))
		rejected = append(rejected, responseRow(pairs[i].Prompt, pairs[i].Rejected, 0))
	}
	m := newMicro(pairRows, append(chosen, rejected...), len(batch), longest)
	out, err := exec.Exec(m.args()...)
	if err != nil {
		return nil, err
	}
	sums, logps := tensors.MustCopyFlatData[float32](out[0]), make([][2]float64, len(batch))
	for place := range batch {
		logps[place] = [2]float64{float64(sums[m.slot(place)]), float64(sums[m.slot(len(batch)+place)])}
	}
	return logps, finalize(out)
}
