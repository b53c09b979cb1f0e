package lidr

import (
	"context"
	"fmt"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// Ask puts requests to any model, one of the run or a judge, through the store: for a step of one's own. step names the
// work in the progress and in timing.jsonl. Each answer is kept for itself, under its request, so that a changed
// request does not ask about the others again, and a request that fails for good ends the step after all others are
// answered and kept. top > 0 asks for the probabilities of the first token too, where the model tells them.
func Ask(ctx context.Context, run *Run, m *Model, step string, requests []lm.Request, sampling lm.Sampling,
	top int) ([]lm.Answer, error) {
	if err := run.unchanged(); err != nil {
		return nil, err
	}
	questions := make([]string, len(requests))
	for i, r := range requests {
		questions[i] = ledger.Key(r)
	}
	key := m.Key("verdicts", sampling, top)
	ask := func(done func(int) bool, save func([]int, []lm.Answer) error) error {
		meter := run.Meter(step, "answers", len(requests), countDone(len(requests), done))
		keep := func(idx []int, out []lm.Answer) error {
			if err := save(idx, out); err != nil {
				return err
			}
			tokens := 0
			for _, a := range out {
				tokens += a.PromptTokens + a.Tokens
			}
			meter.Add(len(idx), tokens)
			return nil
		}
		var err error
		if teller, ok := m.lm.(lm.Asker); ok && top > 0 {
			err = teller.Ask(ctx, requests, sampling, top, done, keep)
		} else {
			err = m.lm.Generate(ctx, requests, sampling, done, func(idx []int, out []lm.Completion) error {
				answers := make([]lm.Answer, len(out))
				for i, c := range out {
					answers[i] = lm.Answer{Completion: c}
				}
				return keep(idx, answers)
			})
		}
		if err != nil {
			return err
		}
		return meter.End()
	}
	return ledger.Remember(ctx, run.store, "verdicts", key, questions, ask)
}

// complete asks a model all requests of a step, through the store.
func complete(ctx context.Context, run *Run, m *Model, step string, requests []lm.Request,
	s lm.Sampling) ([]lm.Completion, error) {
	key := m.Key("completions", requests, s)
	ask := func(done func(int) bool, save func([]int, []lm.Completion) error) error {
		meter := run.Meter(step, "answers", len(requests), countDone(len(requests), done))
		err := m.lm.Generate(ctx, requests, s, done, func(idx []int, out []lm.Completion) error {
			if err := save(idx, out); err != nil {
				return err
			}
			tokens := 0
			for _, c := range out {
				tokens += c.Tokens
			}
			meter.Add(len(idx), tokens)
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		return meter.End()
	}
	return ledger.Collect(ctx, run.store, "completions", key, len(requests), ask)
}
