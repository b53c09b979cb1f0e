package dpo

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/transformer"
)

// smolLM2 and qwen are the shapes of SmolLM2-135M and of Qwen2.5-Coder-0.5B, whose head is a matrix of its own in GGUF.
var (
	smolLM2 = checkpoint.Config{
		Architectures: []string{"LlamaForCausalLM"}, ModelType: "llama",
		HiddenSize: 576, NumHiddenLayers: 30, NumAttentionHeads: 9, NumKeyValueHeads: 3, HeadDim: 64, IntermediateSize: 1536,
		VocabSize: 49152, MaxPositionEmbeddings: 8192, RMSNormEps: 1e-5, RopeTheta: 100000, TieWordEmbeddings: true,
		BOSTokenID: 1, EOSTokenIDs: []int{2}, TorchDType: "float32",
	}
	qwen = checkpoint.Config{
		Architectures: []string{"Qwen2ForCausalLM"}, ModelType: "qwen2",
		HiddenSize: 896, NumHiddenLayers: 24, NumAttentionHeads: 14, NumKeyValueHeads: 2, HeadDim: 64, IntermediateSize: 4864,
		VocabSize: 151936, MaxPositionEmbeddings: 32768, RMSNormEps: 1e-6, RopeTheta: 1e6,
		BOSTokenID: -1, EOSTokenIDs: []int{2}, TorchDType: "float32",
	}
)

// BenchmarkReal takes steps of DPO+NLL on 4 pairs of 302 tokens, 46 of them prompt, of models of real size with random
// weights. "saturated" has rewards far apart, whose gradients are close to 0, "8bit" moments in 8 bits.
func BenchmarkReal(b *testing.B) {
	for _, config := range []struct {
		name string
		checkpoint.Config
	}{{"smollm2", smolLM2}, {"qwen", qwen}} {
		for _, kind := range []string{"lora", "lora-checkpointing", "full", "full-8bit", "full-saturated"} {
			b.Run(config.name+"/"+kind, func(b *testing.B) {
				m := transformer.Init(config.Config, 1)
				if strings.HasPrefix(kind, "lora") {
					a, err := transformer.InitAdapter(m.Config, 16, 32, m.Config.AdapterTargets(), 1)
					if err != nil {
						b.Fatal(err)
					}
					if m, err = m.WithAdapter(a); err != nil {
						b.Fatal(err)
					}
				}
				m.Checkpointing = strings.HasSuffix(kind, "checkpointing")
				benchmarkStep(b, m, kind)
			})
		}
	}
}

func benchmarkStep(b *testing.B, m *transformer.Model, kind string) {
	r := rand.New(rand.NewPCG(1, 1))
	tokens := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = r.Int32N(int32(m.Config.VocabSize))
		}
		return out
	}
	s := DefaultSettings()
	s.LR, s.BatchPairs = 1e-6, 4
	if kind == "full-8bit" {
		s.Moments = "8bit"
	}
	p := plan{s: s, room: passPositions(m.Config.HiddenSize), ref: make([][2]float64, 4)}
	for i := range p.ref {
		p.pairs = append(p.pairs, Pair{tokens(46), tokens(256), tokens(256)})
		if kind == "full-saturated" {
			p.ref[i] = [2]float64{-2760 - 400, -2760 + 400}
		}
	}
	t, err := newTrainer(openBackend(b), m, s)
	if err != nil {
		b.Fatal(err)
	}
	defer t.close()
	micros := p.step(0)
	beside, whose := spare(0)
	err = t.fit(1, func(int) ([]micro, error) { return micros, nil }, beside, whose, func(text string) { b.Log(text) })
	if err != nil {
		b.Fatal(err)
	}
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak from here on
	if _, err := t.step(1, 1e-6, micros); err != nil {
		b.Fatal(err)
	}
	seen := 0
	for i := 0; b.Loop(); i++ {
		step, err := t.step(i+2, 1e-6, micros)
		if err != nil {
			b.Fatal(err)
		}
		seen += step.Tokens
	}
	b.ReportMetric(float64(seen)/b.Elapsed().Seconds(), "tokens/s")
	b.ReportMetric(peakGB(), "peak-GB")
}

// peakGB is the largest resident size since the peak was reset, on Linux.
func peakGB() float64 {
	data, _ := os.ReadFile("/proc/self/status")
	var kb float64
	for line := range strings.Lines(string(data)) {
		fmt.Sscanf(line, "VmHWM: %f kB", &kb)
	}
	return kb / 1e6
}
