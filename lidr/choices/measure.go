package choices

import (
	"context"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// reader returns a function for the token ids of the texts of each question, and the number of tokens that the model
// can read. A server's are asked for all at once, through the store. what names them in the progress.
func reader(
	ctx context.Context, run *lidr.Run, m *lidr.Model, what string, items []datasets.ChoiceItem, examples string,
) (tokens func(i int) [][]int32, limit int, err error) {
	if tok := m.Tokenizer(); tok != nil {
		return func(i int) (all [][]int32) {
			for _, text := range textsOf(items[i], examples) {
				all = append(all, int32s(tok.EncodeDocument(text)))
			}
			return all
		}, m.LM().ContextLength(), nil
	}
	server := m.LM().(lm.TextModel)
	var texts []string
	first := make([]int, len(items)+1) // of each question's texts
	for i, item := range items {
		texts = append(texts, textsOf(item, examples)...)
		first[i+1] = len(texts)
	}
	encoder, err := server.Encoder()
	if err != nil {
		return nil, 0, err
	}
	ids, err := collect(ctx, run, m, what+" tokens", "tokens", m.Key("tokens", encoder, texts), len(texts),
		func(done func(int) bool, save func([]int, [][]int32) error) error {
			return server.Encode(ctx, texts, done, save)
		})
	return func(i int) [][]int32 { return ids[first[i]:first[i+1]] }, server.TextLength(), err
}

func int32s(ids []int) []int32 {
	out := make([]int32, len(ids))
	for i, id := range ids {
		out[i] = int32(id)
	}
	return out
}

// logprobs returns the log-probabilities of the sequences, through the store. what names them in the progress.
func logprobs(
	ctx context.Context, run *lidr.Run, m *lidr.Model, what string, sequences []dpo.Sequence,
) ([]float64, error) {
	return collect(ctx, run, m, what, "choices", m.Key("choices", sequences), len(sequences),
		func(done func(int) bool, save func([]int, []float64) error) error {
			if m.Weights() != nil {
				return dpo.Logprobs(ctx, m.Engine(), m.Weights(), sequences, done, save)
			}
			prompts, responses := make([][]int32, len(sequences)), make([][]int32, len(sequences))
			for i, s := range sequences {
				prompts[i], responses[i] = s.Prompt, s.Response
			}
			return m.LM().(lm.TextModel).TokenLogprobs(ctx, prompts, responses, done, save)
		})
}

// collect returns n items of a kind through the store, and shows how many compute has saved.
func collect[T any](
	ctx context.Context, run *lidr.Run, m *lidr.Model, what, kind, key string, n int,
	compute func(done func(int) bool, save func([]int, []T) error) error,
) ([]T, error) {
	return ledger.Collect(ctx, run.Store(), kind, key, n,
		func(done func(int) bool, save func([]int, []T) error) error {
			finished := 0
			for i := range n {
				if done(i) {
					finished++
				}
			}
			meter := run.Meter(m.Name()+" "+what, kind, n, finished)
			defer meter.Stop()
			err := compute(done, func(idx []int, items []T) error {
				meter.Add(len(idx), 0)
				return save(idx, items)
			})
			if err != nil {
				return err
			}
			return meter.End()
		})
}
