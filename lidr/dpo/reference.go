package dpo

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/compute"

	"lidrlab/lidr/transformer"
)

// Reference computes the log-probabilities of every pair's sides under m: π_ref, if m holds the weights that the round
// starts from. Of s it uses MaxLength alone. Batches are cut from all pairs sorted by length, whatever is done, so the
// numbers depend, to the last bit, on model, backend and pairs only, and trainings with other settings can share them.
// A batch is skipped if done says so of all its pairs. save gets the indices of a batch's pairs that were not done,
// with the sums over their response tokens, end of turn included, in nats; it is called from this goroutine.
func Reference(
	ctx context.Context, b compute.Backend, m *transformer.Model, pairs []Pair, s Settings,
	done func(i int) bool, save func(idx []int, chosen, rejected []float64) error,
) error {
	longest := s.longest(m.Config)
	if err := checkPairs("pair", pairs, true, longest, m.Config); err != nil {
		return err
	}
	pad := func(batch []int) micro {
		var chosen, rejected []row
		for _, i := range batch {
			chosen = append(chosen, responseRow(pairs[i].Prompt, pairs[i].Chosen, 0))
			rejected = append(rejected, responseRow(pairs[i].Prompt, pairs[i].Rejected, 0))
		}
		return newMicro(pairRows, append(chosen, rejected...), len(batch))
	}
	return rowLogprobs(ctx, b, m, lengthBatches(pairs), done, pad, func(batch []int, sums []float64) error {
		var idx []int
		var chosen, rejected []float64
		for place, i := range batch {
			if done(i) {
				continue
			}
			c, r := sums[place], sums[len(batch)+place]
			if math.IsNaN(c) || math.IsNaN(r) {
				return fmt.Errorf("pair %d has reference log-probabilities %v and %v: the model's weights are broken", i, c, r)
			}
			idx, chosen, rejected = append(idx, i), append(chosen, c), append(rejected, r)
		}
		return save(idx, chosen, rejected)
	})
}
