package dpo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/transformer"
)

// Sequence is a prompt with one response, as token ids. Every token of the response is predicted, none of the prompt.
type Sequence struct{ Prompt, Response []int32 }

// Logprobs computes the log-probability of every sequence's response after its prompt under m: the sum over the
// response's tokens, in nats. Batches are cut from all sequences sorted by length, whatever is done, so the numbers
// depend, to the last bit, on model, backend and sequences only. A batch is skipped if done says so of all its
// sequences. save gets the indices of a batch's sequences that were not done, with their sums; it is called from this
// goroutine.
func Logprobs(
	ctx context.Context, b compute.Backend, m *transformer.Model, sequences []Sequence,
	done func(i int) bool, save func(idx []int, sums []float64) error,
) error {
	longest := m.Config.MaxPositionEmbeddings
	pairs := make([]Pair, len(sequences)) // without a rejected side
	for i, s := range sequences {
		if err := s.check(longest, m.Config.VocabSize); err != nil {
			return fmt.Errorf("sequence %d: %w", i, err)
		}
		pairs[i] = Pair{Prompt: s.Prompt, Chosen: s.Response}
	}
	pad := func(batch []int) micro {
		rows := make([]row, len(batch))
		for place, i := range batch {
			rows[place] = responseRow(pairs[i].Prompt, pairs[i].Chosen, 0)
		}
		return newMicro(replayRows, rows, len(batch))
	}
	return rowLogprobs(ctx, b, m, lengthBatches(pairs), done, pad, func(batch []int, sums []float64) error {
		var idx []int
		var fresh []float64
		for place, i := range batch {
			if done(i) {
				continue
			}
			if math.IsNaN(sums[place]) {
				return fmt.Errorf("sequence %d has log-probability %v: the model's weights are broken", i, sums[place])
			}
			idx, fresh = append(idx, i), append(fresh, sums[place])
		}
		return save(idx, fresh)
	})
}

// check is an error for a sequence that the model cannot read.
func (s Sequence) check(longest, vocabulary int) error {
	n := len(s.Prompt) + len(s.Response)
	switch {
	case len(s.Prompt) == 0:
		return errors.New("the prompt is empty, expected at least one token before the response")
	case len(s.Response) == 0:
		return errors.New("the response is empty, expected at least one token")
	case n > longest:
		return fmt.Errorf("%d tokens, expected at most the model's context of %d", n, longest)
	}
	return checkTokens(slices.Concat(s.Prompt, s.Response), vocabulary)
}

// rowLogprobs passes each batch that is not done through the model, as pad makes it, and gives save the sums of its
// rows.
func rowLogprobs(
	ctx context.Context, b compute.Backend, m *transformer.Model, batches [][]int, done func(i int) bool,
	pad func(batch []int) micro, save func(batch []int, sums []float64) error,
) error {
	exec, err := newForward(b, m)
	if err != nil {
		return err
	}
	defer exec.Finalize()
	for _, batch := range batches {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !slices.ContainsFunc(batch, func(i int) bool { return !done(i) }) {
			continue
		}
		padded := pad(batch)
		sums, err := rowSums(exec, padded)
		if err != nil {
			return err
		}
		if err := save(batch, sums); err != nil {
			return err
		}
	}
	return nil
}

// newForward returns a graph of the sums of a micro-batch's rows, without gradients.
func newForward(b compute.Backend, m *transformer.Model) (*model.Exec, error) {
	exec, err := model.NewExec(b, m.Store, func(scope *model.Scope, in []*Node) *Node {
		_, sums := newInputs(in).logprobs(scope, m)
		return sums
	})
	if err == nil {
		exec.SetMaxCache(-1)
	}
	return exec, err
}

// rowSums returns the sums of a micro-batch's rows by the graph of newForward.
func rowSums(forward *model.Exec, m micro) ([]float64, error) {
	out, err := forward.Exec(m.args()...)
	if err != nil {
		return nil, err
	}
	computed := tensors.MustCopyFlatData[float32](out[0])
	sums := make([]float64, len(m.rows))
	for i := range sums {
		sums[i] = float64(computed[m.slot(i)])
	}
	return sums, finalize(out)
}

// batchPositions bounds the positions of one forward pass without gradients: enough to keep a core busy.
const batchPositions = 4096

// lengthBatches cuts the pairs, sorted by length, into batches of at most batchPositions, or of one pair.
func lengthBatches(pairs []Pair) (batches [][]int) {
	order := make([]int, len(pairs))
	for i := range order {
		order[i] = i
	}
	sortByLength(pairs, order)
	for start, end := 0, 0; start < len(order); start = end {
		for room := batchPositions; end < len(order); end++ {
			if room -= pairs[order[end]].positions(); room < 0 && end > start {
				break
			}
		}
		batches = append(batches, order[start:end])
	}
	return batches
}
