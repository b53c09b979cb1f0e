package scorers

import (
	"context"
	"errors"
	"fmt"
	"math"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// Hidden is LaCoMSA's reward (Tran et al., EACL 2026, and the authors' code): the likeness of the model's own hidden
// states of a sample to those of its English answers. With h(y) the mean over y's tokens of the last layer's states
// after the final norm, E the English answers to the prompt and L the samples to it in the language of y,
//
//	r = mean over e in E of cos(h(y), h(e))
//	gap = cos(h(y), mean h(L)) − cos(h(y), mean h(E)) − r
//	score = σ(gap/2)·r
//
// so that an answer in its own language, away from the English ones in the last layer, weighs more: a gap of −0.4 has
// the weight 0.450166. The authors can take r from another layer; package transformer gives the last one, their
// script's default. Its mask hides as many tokens as the bare instruction has, so that some of the chat template's are
// part of its mean; here the answer's tokens alone are. The model's weights must be here.
type Hidden struct{}

// Name implements [lidr.Scorer].
func (Hidden) Name() string { return "hidden" }

// Key implements [lidr.Scorer].
func (Hidden) Key() string { return "hidden/1" }

// Score implements [lidr.Scorer]. Parts are similarity, r, gap and weight.
func (Hidden) Score(ctx context.Context, run *lidr.Run, m *lidr.Model,
	samples []datasets.Response) ([]lidr.SampleScore, error) {
	if m.Weights() == nil {
		return nil, fmt.Errorf("%s is behind a server, which tells no hidden states; load its checkpoint", m.Path)
	}
	english := answers(samples, run.Settings.Dominant)
	var ids []string
	groups := map[string][]int{} // the samples to a prompt, in all languages
	for i, row := range samples {
		if groups[row.ID] == nil {
			ids = append(ids, row.ID)
		}
		groups[row.ID] = append(groups[row.ID], i)
	}
	exec, err := model.NewExec(m.Engine(), m.Weights().Store, func(scope *model.Scope, in []*Node) *Node {
		states := m.Weights().Hidden(scope, in[0])                                                // [rows, T, D]
		return ReduceSum(Mul(states, BroadcastToShape(ExpandDims(in[1], -1), states.Shape())), 1) // [rows, D]
	})
	if err != nil {
		return nil, err
	}
	defer exec.Finalize()
	exec.SetMaxCache(-1)
	compute := func(done func(int) bool, save func([]int, [][]lidr.SampleScore) error) error {
		known := 0
		for i := range ids {
			if done(i) {
				known++
			}
		}
		meter := run.Meter(m.Name()+" hidden states", "prompts", len(ids), known)
		defer meter.Stop()
		for i, id := range ids {
			if done(i) {
				continue
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			var group []datasets.Response
			for _, k := range groups[id] {
				group = append(group, samples[k])
			}
			states, err := pooled(run, m, exec, group)
			if err != nil {
				return fmt.Errorf("prompt %s: %w", id, err)
			}
			if err := save([]int{i}, [][]lidr.SampleScore{likeness(group, states, run.Settings.Dominant)}); err != nil {
				return err
			}
			meter.Add(1, 0)
		}
		return meter.End()
	}
	key := m.Key("hidden", samples, english, run.Settings.Generate, run.Settings.Dominant)
	found, err := ledger.Collect(ctx, run.Store(), "hidden", key, len(ids), compute)
	if err != nil {
		return nil, err
	}
	rows := make([]lidr.SampleScore, len(samples))
	for i, id := range ids {
		for k, at := range groups[id] {
			rows[at] = found[i][k]
		}
	}
	return rows, nil
}

// pooled returns the mean of the hidden states of each sample's tokens, nil for one that is longer than the context.
func pooled(run *lidr.Run, m *lidr.Model, exec *model.Exec, group []datasets.Response) ([][]float64, error) {
	states := make([][]float64, len(group))
	for i, row := range group { // one at a time: no state depends on what it is computed with
		messages, err := run.Settings.Generate.Messages(row.Prompt, row.Lang)
		if err != nil {
			return nil, err
		}
		prompt, err := m.Tokenizer().Thinking(run.Settings.Generate.Thinking).EncodeChat(messages, true, "")
		if err != nil {
			return nil, err
		}
		answer := m.Tokenizer().EncodeContent(row.Response)
		n := len(prompt) + len(answer)
		if n > m.LM().ContextLength() || len(answer) == 0 {
			continue
		}
		const step = 32 // lengths are rounded up, so that few graphs are compiled
		length := min((n+step-1)/step*step, m.LM().ContextLength())
		tokens, weights := make([]int32, length), make([]float32, length)
		for k, id := range append(prompt, answer...) {
			tokens[k] = int32(id)
			if k >= len(prompt) {
				weights[k] = 1 / float32(len(answer))
			}
		}
		out, err := exec.Exec(tensors.FromFlatDataAndDimensions(tokens, 1, length),
			tensors.FromFlatDataAndDimensions(weights, 1, length))
		if err != nil {
			return nil, err
		}
		for _, x := range tensors.MustCopyFlatData[float32](out[0]) {
			states[i] = append(states[i], float64(x))
		}
		for _, t := range out {
			err = errors.Join(err, t.FinalizeAll())
		}
		if err != nil {
			return nil, err
		}
	}
	return states, nil
}

// likeness scores the samples to one prompt by their states.
func likeness(group []datasets.Response, states [][]float64, dominant string) []lidr.SampleScore {
	var english [][]float64
	byLang := map[string][][]float64{}
	for i, row := range group {
		if states[i] == nil {
			continue
		}
		byLang[row.Lang] = append(byLang[row.Lang], states[i])
		if row.Lang == dominant && row.From == "" {
			english = append(english, states[i])
		}
	}
	rows := make([]lidr.SampleScore, len(group))
	for i, row := range group {
		switch {
		case row.Lang == dominant:
			rows[i] = nan(isEnglish)
		case states[i] == nil:
			rows[i] = nan(tooLong)
		case len(english) == 0:
			rows[i] = nan(noEnglish)
		}
		if rows[i].Fault != "" {
			continue
		}
		r := 0.0
		for _, e := range english {
			r += cosine(states[i], e) / float64(len(english))
		}
		gap := cosine(states[i], meanOf(byLang[row.Lang])) - cosine(states[i], meanOf(english)) - r
		weight := gapWeight(gap)
		rows[i].Score = weight * r
		rows[i] = rows[i].With("similarity", r).With("gap", gap).With("weight", weight)
	}
	return rows
}

// gapWeight is σ(gap/2).
func gapWeight(gap float64) float64 { return 1 / (1 + math.Exp(-gap/2)) }

func meanOf(vectors [][]float64) []float64 {
	mean := make([]float64, len(vectors[0]))
	for _, v := range vectors {
		for k, x := range v {
			mean[k] += x / float64(len(vectors))
		}
	}
	return mean
}

func cosine(a, b []float64) float64 {
	ab, aa, bb := 0.0, 0.0, 0.0
	for k := range a {
		ab, aa, bb = ab+a[k]*b[k], aa+a[k]*a[k], bb+b[k]*b[k]
	}
	return ab / math.Sqrt(aa*bb)
}
