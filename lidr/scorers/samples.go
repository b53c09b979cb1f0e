package scorers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/lm"
)

// Reasons why a sample has no score.
const (
	noEnglish  = "no answer in the dominant language"
	isEnglish  = "is in the dominant language"
	tooLong    = "longer than the model's context"
	noQuestion = "no prompt in the dominant language"
)

// answers are the model's own samples in one language, by the prompt's id: a translation of another sample is none.
func answers(samples []datasets.Response, lang string) map[string][]datasets.Response {
	own := map[string][]datasets.Response{}
	for _, row := range samples {
		if row.Lang == lang && row.From == "" {
			own[row.ID] = append(own[row.ID], row)
		}
	}
	return own
}

// others are the dominant language's answers to the prompt of a sample, without the sample itself.
func others(english map[string][]datasets.Response, of datasets.Response) []datasets.Response {
	return slices.DeleteFunc(slices.Clone(english[of.ID]), func(row datasets.Response) bool { return row == of })
}

// requestID names the request about a sample, with whatever else tells it from others.
func requestID(of datasets.Response, more ...any) string {
	return fmt.Sprintf("%s/%s/%d", of.ID, of.Lang, of.Sample) + fmt.Sprint(more...)
}

// likelihood is the log-probability of a text after a prompt: the sum over so many tokens, end of turn included.
type likelihood struct {
	Sum    float64 `json:"sum"`
	Tokens int     `json:"tokens"`
	Fault  string  `json:"fault,omitempty"`
}

// chunk is the number of texts whose probabilities are computed and kept together.
const chunk = 256

// likelihoods returns the log-probability of each text after its request under a model, through the store: chunks of
// equal length are computed whole, so that their numbers do not depend on what was done before.
func likelihoods(ctx context.Context, run *lidr.Run, m *lidr.Model, step string, requests []lm.Request,
	texts []string) ([]likelihood, error) {
	order := make([]int, len(requests))
	for i := range order {
		order[i] = i
	}
	length := func(i int) int {
		n := len(texts[i])
		for _, message := range requests[i].Messages {
			n += len(message.Content)
		}
		return n
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(length(i), length(j)) })
	compute := func(done func(int) bool, save func([]int, []likelihood) error) error {
		known := 0
		for i := range requests {
			if done(i) {
				known++
			}
		}
		meter := run.Meter(step, "texts", len(requests), known)
		defer meter.Stop()
		for part := range slices.Chunk(order, chunk) {
			if !slices.ContainsFunc(part, func(i int) bool { return !done(i) }) {
				continue
			}
			found, err := computeLikelihoods(ctx, m, requests, texts, part)
			if err != nil {
				return err
			}
			var idx []int
			var fresh []likelihood
			for k, i := range part {
				if !done(i) {
					idx, fresh = append(idx, i), append(fresh, found[k])
				}
			}
			if err := save(idx, fresh); err != nil {
				return err
			}
			meter.Add(len(idx), 0)
		}
		return meter.End()
	}
	if len(requests) == 0 {
		return nil, nil
	}
	return ledger.Collect(ctx, run.Store(), "likelihoods", m.Key("likelihoods", requests, texts), len(requests), compute)
}

// computeLikelihoods computes one chunk. What is too long for the model, or a server refuses for good, has a fault.
func computeLikelihoods(ctx context.Context, m *lidr.Model, requests []lm.Request, texts []string,
	part []int) ([]likelihood, error) {
	out := make([]likelihood, len(part))
	var asked []int // places in part
	for k, i := range part {
		n := 1
		if m.Tokenizer() != nil {
			n += len(m.Tokenizer().EncodeContent(texts[i]))
		}
		tokens, err := m.LM().CountTokens(requests[i])
		if err != nil {
			return nil, err
		}
		if m.Tokenizer() != nil && tokens+n > m.LM().ContextLength() {
			out[k].Fault = tooLong
		} else {
			asked = append(asked, k)
		}
	}
	for len(asked) > 0 {
		var r []lm.Request
		var t []string
		for _, k := range asked {
			r, t = append(r, requests[part[k]]), append(t, texts[part[k]])
		}
		sums, tokens, err := m.LM().Logprobs(ctx, r, t)
		var incomplete *lm.IncompleteError
		if errors.As(err, &incomplete) {
			for _, f := range incomplete.Failed {
				if !f.Final {
					return nil, err
				}
				out[asked[f.Index]].Fault = lm.FaultFailed
			}
			asked = slices.DeleteFunc(asked, func(k int) bool { return out[k].Fault != "" })
			continue
		} else if err != nil {
			return nil, err
		}
		for j, k := range asked {
			out[k] = likelihood{Sum: sums[j], Tokens: tokens[j]}
		}
		break
	}
	return out, nil
}

// questions are the prompts in the dominant language by their ids: those that the model was asked, and those of the
// samples.
func questions(run *lidr.Run, m *lidr.Model, samples []datasets.Response) (map[string]string, error) {
	var asked []lidr.Prompt
	err := run.ReadLines(run.Path(m.Name(), "prompts.jsonl"), &asked)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	found := map[string]string{}
	for _, p := range asked {
		if p.Lang == run.Settings.Dominant {
			found[p.ID] = p.Prompt
		}
	}
	for _, row := range samples {
		if row.Lang == run.Settings.Dominant {
			found[row.ID] = row.Prompt
		}
	}
	return found, nil
}
