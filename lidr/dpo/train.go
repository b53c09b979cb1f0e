package dpo

import (
	"context"
	"errors"
	"fmt"

	"github.com/gomlx/compute"

	"lidrlab/lidr/transformer"
)

// Hooks are called, and save the training's state, between the steps of a training.
type Hooks struct {
	// OnStep is called after every step, in order; its error ends the training. After a resume it is called again for
	// the steps that follow the last checkpoint, with equal values.
	OnStep func(Step) error
	// CheckpointDir is the folder that the training's state is saved in, as StateFile. A later call with equal arguments
	// resumes from it, one with other arguments is an error. The caller removes the folder after saving the model.
	CheckpointDir string
	// CheckpointEvery is the number of steps between two savings of the state; 0 saves none. The state after the last
	// step is not saved, since the model holds the weights then.
	CheckpointEvery int
	// Memory bounds what the process takes while it trains, in bytes; 0 for what the machine, or the control group, has
	// available. Where all activations are too much, they are computed again as [transformer.Model.Checkpointing] says,
	// which changes no result; a training that cannot fit is refused before its first step.
	Memory int
	// Note, if set, is told how much memory a training of a gigabyte or more takes; and that a state cannot be resumed,
	// since another kind of processor computed it, and that the training begins again.
	Note func(string)
}

// Train trains m, in place, on the pairs for s.Epochs epochs. It returns all steps, those before a resume included.
// ref holds the reference log-probabilities of the chosen and rejected sides of [Settings.Referenced]'s lists, one
// after the other, each from [Reference] (nil under objective "sft", which reads no rejected side, and losses without
// reference). replay holds the sequences, prompt and chosen, that s.Replay draws from.
//
// While it trains, the process collects garbage early (debug.SetGCPercent).
//
// Equal arguments on an equal backend give equal steps and weights, bit for bit, whether or not the training was killed
// and resumed. After an error, m's weights are those of an unfinished training.
func Train(ctx context.Context, b compute.Backend, m *transformer.Model, pairs []Pair, ref [][2]float64, replay []Pair,
	s Settings, h Hooks) ([]Step, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("training settings: %w", err)
	}
	longest, preference := s.longest(m.Config), s.Objective != "sft"
	p := plan{pairs: pairs, ref: ref, replay: replay, s: s, room: passPositions(m.Config.HiddenSize)}
	if err := checkPairs("pair", pairs, preference, longest, m.Config); err != nil {
		return nil, err
	}
	if preference {
		if s.Loss == "kto" {
			p.mismatched = s.Mismatched(pairs, m.Config)
		}
		if err := s.checkReference(ref, len(pairs)); err != nil {
			return nil, err
		}
	}
	if s.Replay > 0 {
		if err := checkPairs("replay sequence", replay, false, longest, m.Config); err != nil {
			return nil, err
		}
	}
	batch := func(n int) ([]micro, error) { return p.step(n), nil }
	return train(ctx, b, m, s, h, s.Epochs*p.stepsPerEpoch(), s.learningRate, batch, []any{pairs, ref, replay})
}

// Pretrain trains m, in place, on the batches next(0), next(1), …, next(steps−1). The loss of a batch is Σ w·nll / Σ w
// over its tokens. next must be a pure function of the step, since a resumed training asks for a step again. Pretrain
// uses of s the learning rate, the optimizer, MaxLength and MicroBatch, which counts sequences here: sequences are
// taken shortest first, so that a micro-batch smaller than the batch saves padding. The warm-up begins one increment
// above rate 0, which is how the shipped model was made.
func Pretrain(ctx context.Context, b compute.Backend, m *transformer.Model, next func(step int) []Weighted, steps int,
	s Settings, h Hooks) ([]Step, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("training settings: %w", err)
	}
	if steps < 1 {
		return nil, errors.New("pretraining for 0 steps: expected at least 1")
	}
	longest := s.longest(m.Config)
	batch := func(n int) ([]micro, error) {
		sequences := next(n)
		total, err := checkWeighted(sequences, longest, m.Config)
		if err != nil {
			return nil, err
		}
		return weightedBatch(sequences, total, s.MicroBatch, passPositions(m.Config.HiddenSize)), nil
	}
	rate := func(n, total int) float64 {
		if warm := s.WarmupSteps(total); n < warm {
			return s.LR * float64(n+1) / float64(warm)
		}
		return s.learningRate(n, total)
	}
	return train(ctx, b, m, s, h, steps, rate, batch, next(0))
}

// train runs a training of total steps, and resumes it where the hooks name a folder with its state. data is what it
// trains on, which the state's key depends on, and rate(n, total) the learning rate of step n, counted from 0.
func train(ctx context.Context, b compute.Backend, m *transformer.Model, s Settings, h Hooks, total int,
	rate func(n, total int) float64, batch func(int) ([]micro, error), data any) (steps []Step, err error) {
	if h.CheckpointEvery < 0 || h.CheckpointEvery > 0 && h.CheckpointDir == "" {
		return nil, fmt.Errorf("a checkpoint every %d steps in folder %q: expected 0 (none), or more and a folder",
			h.CheckpointEvery, h.CheckpointDir)
	}
	st, err := newState(b, m, s, h, total, data)
	if err != nil {
		return nil, err
	}
	t, err := newTrainer(b, m, s)
	if err != nil {
		return nil, err
	}
	defer func(given bool) {
		m.Checkpointing = given
		err = errors.Join(err, t.close())
	}(m.Checkpointing)
	trim(b) // answers were generated before
	collecting.begin()
	defer collecting.end()
	beside, whose := spare(h.Memory)
	if err := t.fit(total, batch, beside, whose, st.note); err != nil {
		return nil, err
	}
	if err := st.load(t); err != nil {
		return nil, err
	}
	return t.run(ctx, total, rate, batch, h, st)
}
