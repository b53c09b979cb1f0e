package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/transformer"
)

func (w workload) config() checkpoint.Config {
	return checkpoint.Config{
		Architectures: []string{"LlamaForCausalLM"}, ModelType: "llama", TorchDType: "float32", BOSTokenID: -1,
		EOSTokenIDs: []int{2}, HiddenSize: w.Hidden, NumHiddenLayers: w.Layers, NumAttentionHeads: w.Heads,
		NumKeyValueHeads: w.Heads, HeadDim: w.Hidden / w.Heads, IntermediateSize: w.FFN, VocabSize: w.Vocab,
		MaxPositionEmbeddings: 1024, RMSNormEps: 1e-5, RopeTheta: 10000, TieWordEmbeddings: true,
	}
}

// engine opens the workload's backend.
func (w workload) engine() (compute.Backend, error) {
	if w.Backend == cpu.Name {
		return backend.Open(fmt.Sprintf("cpu:threads=%d", w.Threads))
	}
	return backend.Open(w.Backend)
}

// measure runs a workload on its backend.
func measure(w workload) (outcome, error) {
	b, err := w.engine()
	if err != nil {
		return outcome{}, err
	}
	m := transformer.Init(w.config(), 1)
	if err := m.ToDevice(b); err != nil {
		return outcome{}, err
	}
	debug.FreeOSMemory() // the memory that the weights were made in
	// Reset VmHWM, so that loading is not measured.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return outcome{}, err
	}
	loaded, err := memory("VmRSS")
	if err != nil {
		return outcome{}, err
	}
	var out outcome
	switch w.Kind {
	case "train", "dpo":
		out.TokensPerSecond, err = w.training(b, m)
	case "decode":
		out.TokensPerSecond, err = w.decoding(b, m)
	}
	if err != nil {
		return outcome{}, err
	}
	peak, err := memory("VmHWM")
	out.Memory = peak - loaded
	return out, err
}

// memory returns a size of this process as the kernel reports it, in MB.
func memory(field string) (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			var kb float64
			_, err := fmt.Sscan(rest, &kb)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status: no field %s", field)
}

// training returns tokens per second by the median time of a step, after two.
func (w workload) training(b compute.Backend, m *transformer.Model) (float64, error) {
	r := rand.New(rand.NewPCG(1, 1))
	tokens := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = r.Int32N(int32(w.Vocab))
		}
		return out
	}
	s := dpo.DefaultSettings()
	s.LR, s.Schedule, s.Warmup, s.MaxLength = 1e-4, "constant", 0, 1024
	var times []time.Duration
	last := time.Now()
	hooks := dpo.Hooks{OnStep: func(dpo.Step) error {
		times = append(times, time.Since(last))
		last = time.Now()
		return nil
	}}
	var err error
	if w.Kind == "train" {
		weights := slices.Repeat([]float32{1}, w.Length)
		_, err = dpo.Pretrain(context.Background(), b, m, func(int) []dpo.Weighted {
			batch := make([]dpo.Weighted, w.Rows)
			for i := range batch {
				batch[i] = dpo.Weighted{Tokens: tokens(w.Length + 1), Weights: weights}
			}
			return batch
		}, w.Steps+2, s, hooks)
	} else {
		s.BatchPairs = w.Rows / 2
		pairs := make([]dpo.Pair, s.BatchPairs*(w.Steps+2))
		for i := range pairs {
			half := w.Length / 2
			pairs[i] = dpo.Pair{Prompt: tokens(half), Chosen: append(tokens(w.Length-half-1), 2),
				Rejected: append(tokens(w.Length-half-1), 2)}
		}
		ref := make([][2]float64, len(pairs))
		undone := func(int) bool { return false }
		err = dpo.Reference(context.Background(), b, m, pairs, s, undone, func(idx []int, chosen, rejected []float64) error {
			for k, i := range idx {
				ref[i] = [2]float64{chosen[k], rejected[k]}
			}
			return nil
		})
		if err == nil {
			last = time.Now()
			_, err = dpo.Train(context.Background(), b, m, pairs, ref, nil, s, hooks)
		}
	}
	if err != nil {
		return 0, err
	}
	times = times[2:]
	slices.Sort(times)
	return float64(w.Rows*w.Length) / times[len(times)/2].Seconds(), nil
}

// decoding returns tokens per second of greedy decoding after prompts of 32 tokens, in a cache of fixed size.
func (w workload) decoding(b compute.Backend, m *transformer.Model) (float64, error) {
	const prompt = 32
	prefill, err := model.NewExec(b, m.Store, func(scope *model.Scope, in []*Node) []*Node {
		logits, cache := m.Prefill(scope, in[0], in[1], w.Length)
		return append([]*Node{logits}, cache...)
	})
	if err != nil {
		return 0, err
	}
	step, err := model.NewExec(b, m.Store, func(scope *model.Scope, in []*Node) []*Node {
		logits, cache := m.Step(scope, in[0], in[1], in[2:])
		return append([]*Node{logits}, cache...)
	})
	if err != nil {
		return 0, err
	}
	r := rand.New(rand.NewPCG(1, 1))
	tokens, lengths := make([]int32, w.Rows*prompt), slices.Repeat([]int32{prompt}, w.Rows)
	for i := range tokens {
		tokens[i] = r.Int32N(int32(w.Vocab))
	}
	out, err := prefill.Call(tensors.FromFlatDataAndDimensions(tokens, w.Rows, prompt), lengths)
	if err != nil {
		return 0, err
	}
	var begin time.Time
	for i := range w.Steps + 4 {
		if i == 4 {
			begin = time.Now()
		}
		next := make([]int32, w.Rows)
		tensors.MustConstFlatData(out[0], func(logits []float32) {
			for row := range next {
				for t, v := range logits[row*w.Vocab : (row+1)*w.Vocab] {
					if v > logits[row*w.Vocab+int(next[row])] {
						next[row] = int32(t)
					}
				}
			}
		})
		out[0].MustFinalizeAll()
		args := []any{next, slices.Repeat([]int32{int32(prompt + i)}, w.Rows)}
		for _, cache := range out[1:] {
			donated, err := DonateTensorBuffer(cache, b, 0)
			if err != nil {
				return 0, err
			}
			args = append(args, donated)
		}
		if out, err = step.Call(args...); err != nil {
			return 0, err
		}
	}
	return float64(w.Rows*w.Steps) / time.Since(begin).Seconds(), nil
}

// peakGEMM measures the rate of square matrix products, in GFLOP/s.
func peakGEMM(w workload) (float64, error) {
	b, err := w.engine()
	if err != nil {
		return 0, err
	}
	const n = 1024
	exec, err := NewExec(b, func(x, y *Node) *Node { return DotGeneral(x, []int{1}, nil, y, []int{0}, nil) })
	if err != nil {
		return 0, err
	}
	x := tensors.FromFlatDataAndDimensions(slices.Repeat([]float32{0.5}, n*n), n, n)
	best := time.Hour
	for range 20 {
		begin := time.Now()
		out, err := exec.Call(x, x)
		if err != nil {
			return 0, err
		}
		best = min(best, time.Since(begin))
		out[0].MustFinalizeAll()
	}
	return 2 * n * n * n / best.Seconds() / 1e9, nil
}
