package scorers

import (
	"context"
	"encoding/json"
	"fmt"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// RewardModel is the score of a reward model behind a server (CroCo, arXiv 2605.26293, ranks a model's own answers by
// an English one). The conversation of prompt and sample is sent in vLLM's form: /classify answers with the values of
// the model's classes, /pooling with those of its tokens, of which the last one counts.
type RewardModel struct {
	Server
	Pooling bool // asks /pooling in the place of /classify
	Class   int  // of /classify, the class whose value is the score; 0 of a reward model, which has one
	// Text sends prompt and sample as one text, with an empty line between them, to a classifier without a chat template.
	Text bool
	// English puts the prompt in the dominant language before the sample, for a reward model that knows no other.
	English bool
}

// Name implements [lidr.Scorer].
func (RewardModel) Name() string { return "reward-model" }

// Key implements [lidr.Scorer].
func (s RewardModel) Key() string {
	return ledger.Key("reward-model/1", s.Model, s.Pooling, s.Class, s.Text, s.English)
}

// Score implements [lidr.Scorer].
func (s RewardModel) Score(ctx context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	questions, err := questions(run, m, samples)
	if err != nil {
		return nil, err
	}
	rows := make([]lidr.SampleScore, len(samples))
	var bodies []map[string]any
	var at []int
	for i, row := range samples {
		prompt := row.Prompt
		if s.English {
			if questions[row.ID] == "" {
				rows[i] = nan(noQuestion)
				continue
			}
			prompt = questions[row.ID]
		}
		body := map[string]any{"messages": []map[string]string{
			{"role": "user", "content": prompt}, {"role": "assistant", "content": row.Response},
		}}
		if s.Text {
			body = map[string]any{"input": prompt + "\n\n" + row.Response}
		}
		bodies, at = append(bodies, body), append(at, i)
	}
	path, read := "/classify", s.class
	if s.Pooling {
		path, read = "/pooling", lastToken
	}
	answers, err := s.ask(ctx, run, m.Name()+" reward model", path, bodies)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		if answers[k].Fault != "" {
			rows[i] = nan(answers[k].Fault)
		} else if rows[i].Score, err = read(answers[k].Data); err != nil {
			return nil, fmt.Errorf("%s%s: sample %s: %w", s.URL, path, requestID(samples[i]), err)
		}
	}
	return rows, nil
}

// class reads {"probs": [0.3, 0.7]}.
func (s RewardModel) class(data json.RawMessage) (float64, error) {
	var found struct{ Probs []float64 }
	if err := json.Unmarshal(data, &found); err != nil {
		return 0, fmt.Errorf("%.100s: %w", data, err)
	}
	if s.Class < 0 || s.Class >= len(found.Probs) {
		return 0, fmt.Errorf("the response has %d classes, expected one of number %d", len(found.Probs), s.Class)
	}
	return found.Probs[s.Class], nil
}

// lastToken reads {"data": [0.3]}, or {"data": [[0.1], [0.3]]} with a value for each token.
func lastToken(data json.RawMessage) (float64, error) {
	var found struct{ Data []json.RawMessage }
	if err := json.Unmarshal(data, &found); err != nil {
		return 0, fmt.Errorf("%.100s: %w", data, err)
	}
	if len(found.Data) == 0 {
		return 0, fmt.Errorf("the response has no value")
	}
	last := found.Data[len(found.Data)-1]
	var value float64
	if json.Unmarshal(last, &value) == nil {
		return value, nil
	}
	var values []float64
	if err := json.Unmarshal(last, &values); err != nil || len(values) != 1 {
		return 0, fmt.Errorf("%.100s has %d values for a token, expected one", last, len(values))
	}
	return values[0], nil
}
