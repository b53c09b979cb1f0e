package dpo

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/transformer"
)

// trainer holds the part of a training that is on the device: the parameters and the two graphs.
type trainer struct {
	backend  compute.Backend
	m        *transformer.Model
	s        Settings
	params   []parameter
	gradient *model.Exec  // one compiled graph for each shape of micro-batch
	forward  *model.Exec  // the same without gradient, of mismatched rows
	update   *model.Exec  // one graph
	steps    []Step       // done so far
	saving   <-chan error // the end of the state that is being written, nil for none
}

// newTrainer puts the optimizer's variables into the model's store; close takes them out.
func newTrainer(b compute.Backend, m *transformer.Model, s Settings) (*trainer, error) {
	t := &trainer{backend: b, m: m, s: s}
	var err error
	if t.params, err = newParameters(m, s.Moments == "8bit"); err != nil {
		return nil, errors.Join(err, t.close())
	}
	if err := t.compile(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// compile makes the two graphs anew, as after a change of the model's Checkpointing.
func (t *trainer) compile() (err error) {
	t.finalize()
	t.gradient, err = model.NewExec(t.backend, t.m.Store, func(scope *model.Scope, in []*Node) []*Node {
		x := newInputs(in)
		each, sums := x.logprobs(scope, t.m)
		loss, nll := x.loss(each, sums, t.s)
		accumulate(t.params, loss)
		return []*Node{sums, nll}
	})
	if err != nil {
		return err
	}
	t.gradient.SetMaxCache(-1)
	if t.forward, err = newForward(t.backend, t.m); err != nil {
		return err
	}
	t.update, err = model.NewExec(t.backend, t.m.Store, func(scope *model.Scope, rates []*Node) []*Node {
		return []*Node{update(t.params, t.s, rates)}
	})
	return err
}

func (t *trainer) finalize() {
	for _, exec := range []*model.Exec{t.gradient, t.forward, t.update} {
		if exec != nil {
			exec.Finalize()
		}
	}
}

// close also gives back the memory of the steps, which what follows a training, saving the model, has no use for.
func (t *trainer) close() error {
	t.finalize()
	err := t.m.Store.DeleteVariablesInScope(optimizerScope)
	trim(t.backend)
	debug.FreeOSMemory()
	return err
}

// trim leaves to the garbage collector what the backend keeps for further computations of the kind that were done.
func trim(b compute.Backend) {
	if pool, ok := b.(interface{ Trim() }); ok {
		pool.Trim()
	}
}

// args returns the graph's inputs for the micro-batch, in the order of newInputs.
func (m *micro) args() []any {
	n, scale := len(m.place), make([]float32, m.slots())
	for i, r := range m.rows {
		scale[m.slot(i)] = 1
		if m.perToken {
			scale[m.slot(i)] = 1 / float32(len(r.at))
		}
	}
	args := []any{
		tensors.FromFlatDataAndDimensions(m.tokens, m.height, m.width),
		tensors.FromFlatDataAndDimensions(m.spans, m.height, m.width, 3),
		tensors.FromFlatDataAndDimensions(m.place, n),
		tensors.FromFlatDataAndDimensions(m.labels, n),
		tensors.FromFlatDataAndDimensions(m.owners, n),
		tensors.FromFlatDataAndDimensions(m.weights, n),
		tensors.FromFlatDataAndDimensions(scale, len(scale)),
	}
	if m.kind != pairRows {
		return args
	}
	ref, weights := make([]float32, 2*m.padded), make([]float32, m.padded)
	for i, r := range m.ref {
		ref[i], ref[m.padded+i] = float32(r[0]), float32(r[1])
	}
	for i := range len(m.rows) / 2 {
		weights[i] = float32(m.pairWeight)
	}
	return append(args, tensors.FromFlatDataAndDimensions(ref, 2, m.padded),
		tensors.FromFlatDataAndDimensions(weights, m.padded), tensors.FromScalar(float32(m.kl)))
}

// saved returns when the state that is being written is on the disk.
func (t *trainer) saved() error {
	if t.saving == nil {
		return nil
	}
	err := <-t.saving
	t.saving = nil
	return err
}

// run takes the steps from the first that is not done to the last of total, saving the state as the hooks say, beside
// the gradients of the next step. rate and batch return step n's learning rate and micro-batches, n counted from 0.
func (t *trainer) run(ctx context.Context, total int, rate func(n, total int) float64,
	batch func(n int) ([]micro, error), h Hooks, state *state) (_ []Step, err error) {
	defer func() {
		if failed := t.saved(); err == nil {
			err = failed
		}
	}()
	for n := len(t.steps); n < total; n++ {
		if err := ctx.Err(); err != nil {
			return t.steps, err
		}
		micros, err := batch(n)
		if err != nil {
			return t.steps, fmt.Errorf("step %d: %w", n+1, err)
		}
		step, err := t.step(n, rate(n, total), micros)
		if err != nil {
			return t.steps, err
		}
		t.steps = append(t.steps, step)
		if h.OnStep != nil {
			if err := h.OnStep(step); err != nil {
				return t.steps, err
			}
		}
		if h.CheckpointEvery > 0 && (n+1)%h.CheckpointEvery == 0 && n+1 < total {
			t.saving = state.save(t)
		}
	}
	return t.steps, nil
}

// step accumulates the gradients of the micro-batches and updates the weights.
func (t *trainer) step(n int, lr float64, micros []micro) (Step, error) {
	var numbers tally
	var err error
	if micros, numbers.kl, err = t.estimateKL(micros); err != nil {
		return Step{}, fmt.Errorf("step %d: %w", n+1, err)
	}
	for _, m := range micros {
		out, err := t.gradient.Exec(m.args()...)
		if err != nil {
			return Step{}, fmt.Errorf("step %d: %w", n+1, err)
		}
		numbers.add(m, tensors.MustCopyFlatData[float32](out[0]), float64(tensors.ToScalar[float32](out[1])))
		if err := finalize(out); err != nil {
			return Step{}, fmt.Errorf("step %d: %w", n+1, err)
		}
	}
	step := numbers.step(t.s)
	step.Step, step.LR = n+1, lr
	if math.IsNaN(step.Loss) || math.IsInf(step.Loss, 0) {
		return step, fmt.Errorf("the loss is %v at step %d: lower lr (now %g) or clip_norm (now %g), or look for broken "+
			"weights in the starting model", step.Loss, n+1, t.s.LR, t.s.ClipNorm)
	}
	if n == 0 && len(numbers.rejected) > 0 {
		noise := exactNoise
		if t.m.Quantization != "" {
			noise = coarseNoise
		}
		if err := numbers.checkFirst(t.s, noise); err != nil {
			return step, err
		}
	}
	if err := t.saved(); err != nil {
		return step, err
	}
	out, err := t.update.Exec(t.s.updateRates(n+1, lr)...)
	if err != nil {
		return step, fmt.Errorf("step %d: %w", n+1, err)
	}
	step.GradNorm = float64(tensors.ToScalar[float32](out[0]))
	if math.IsNaN(step.GradNorm) || math.IsInf(step.GradNorm, 0) {
		return step, fmt.Errorf("the gradient's norm is %v at step %d, where the loss was %g: lower lr (now %g)",
			step.GradNorm, n+1, step.Loss, t.s.LR)
	}
	return step, finalize(out)
}

// finalize frees what a graph returned, without waiting for the garbage collector.
func finalize(out []*tensors.Tensor) error {
	for _, t := range out {
		if err := t.FinalizeAll(); err != nil {
			return err
		}
	}
	return nil
}
