package scorers

import (
	"context"
	"errors"
	"io/fs"

	"lidrlab/datasets"
	"lidrlab/lidr"
)

// Oracle is the task's own checker: the points of [lidr.Rubric], 0 to 3. It knows the right answers, so that it tells
// how far any scorer is from the best choice among the samples, and is no reward without labels.
type Oracle struct{}

// Name implements [lidr.Scorer].
func (Oracle) Name() string { return "oracle" }

// Key implements [lidr.Scorer].
func (Oracle) Key() string { return "oracle/1" }

// Score implements [lidr.Scorer]. Parts are correct, on_target and steps, each 0 or 1.
func (Oracle) Score(_ context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	check, err := checker(run, m)
	if err != nil {
		return nil, err
	}
	rows := make([]lidr.SampleScore, len(samples))
	for i, row := range samples {
		v, ok := check(row)
		if !ok {
			rows[i] = nan("no gold answer")
			continue
		}
		rows[i].Score = v.Points()
		rows[i] = rows[i].With("correct", one(v.Correct)).With("on_target", one(v.OnTarget)).With("steps", one(v.Steps))
	}
	return rows, nil
}

// checker returns the check of a sample by the gold answer of its prompt, as the model was asked it.
func checker(run *lidr.Run, m *lidr.Model) (func(datasets.Response) (lidr.Verdict, bool), error) {
	var prompts []lidr.Prompt
	err := run.ReadLines(run.Path(m.Name(), "prompts.jsonl"), &prompts)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	gold := map[[2]string]string{}
	for _, p := range prompts {
		gold[[2]string{p.ID, p.Lang}] = p.Answer
	}
	return func(row datasets.Response) (lidr.Verdict, bool) {
		answer := gold[[2]string{row.ID, row.Lang}]
		return run.Check(lidr.Prompt{ID: row.ID, Lang: row.Lang, Prompt: row.Prompt, Answer: answer}, row.Response)
	}, nil
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
