package lidr

import (
	"context"

	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// Prices are what a judge's tokens cost, in dollars per million; 0 where it is not known.
type Prices = lm.Prices

// usage is what a judging took in all, what the store already held included.
type usage struct {
	Judge        string  `json:"judge"`
	Questions    int     `json:"questions"`
	PromptTokens int     `json:"prompt_tokens"`
	AnswerTokens int     `json:"answer_tokens"`
	Dollars      float64 `json:"dollars,omitempty"` // where the prices are known
}

// add counts a judge's answers; tokens are as it counts them, 0 where its server does not say.
func (u *usage) add(judge *Model, answers []lm.Answer, p Prices) {
	u.Judge = judge.Path
	for _, a := range answers {
		u.Questions++
		u.PromptTokens, u.AnswerTokens = u.PromptTokens+a.PromptTokens, u.AnswerTokens+a.Tokens
	}
	u.Dollars = p.Dollars(u.PromptTokens, u.AnswerTokens)
}

// topLogprobs is how many alternatives of the verdict's token are asked for, as in AlpacaEval 2.
const topLogprobs = 5

// ask puts questions to a judge. Each verdict is kept for itself, under its question, so that a changed pair does not ask
// about the others again. top > 0 asks for the probabilities of the first token too, where the model tells them.
func ask(ctx context.Context, run *Run, judge *Model, step string, requests []lm.Request, sampling lm.Sampling, top int) ([]lm.Answer, error) {
	questions := make([]string, len(requests))
	for i, r := range requests {
		questions[i] = ledger.Key(r)
	}
	key := judge.key("verdicts", sampling, top)
	return ledger.Remember(ctx, run.store, "verdicts", key, questions, func(done func(int) bool, save func([]int, []lm.Answer) error) error {
		meter := run.meter(step, "verdicts", len(requests), countDone(len(requests), done))
		keep := func(idx []int, out []lm.Answer) error {
			if err := save(idx, out); err != nil {
				return err
			}
			tokens := 0
			for _, a := range out {
				tokens += a.PromptTokens + a.Tokens
			}
			meter.add(len(idx), tokens)
			return nil
		}
		var err error
		if teller, ok := judge.lm.(lm.Asker); ok && top > 0 {
			err = teller.Ask(ctx, requests, sampling, top, done, keep)
		} else {
			err = judge.lm.Generate(ctx, requests, sampling, done, func(idx []int, out []lm.Completion) error {
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
		return meter.end()
	})
}
