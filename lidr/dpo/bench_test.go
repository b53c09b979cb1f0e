package dpo

import (
	"math/rand/v2"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/transformer"
)

// million is the shape of the miniature model, 1.2 M weights.
var million = checkpoint.Config{
	Architectures: []string{"LlamaForCausalLM"}, ModelType: "llama",
	HiddenSize: 128, NumHiddenLayers: 4, NumAttentionHeads: 4, NumKeyValueHeads: 4, HeadDim: 32, IntermediateSize: 512,
	VocabSize: 1024, MaxPositionEmbeddings: 512, RMSNormEps: 1e-6, RopeTheta: 10000, TieWordEmbeddings: true,
	BOSTokenID: -1, EOSTokenIDs: []int{2}, TorchDType: "float32",
}

// BenchmarkStep takes whole training steps, compilation excluded: DPO+NLL on 8 pairs of 256 tokens, half of them
// prompt; DPO+NLL on 32 pairs of the miniature world's lengths; and pretraining on 16 sequences of 256 tokens and on 32
// of 128 (with -cpu 1,2 what a second thread brings).
func BenchmarkStep(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	tokens := func(n int) []int32 {
		out := make([]int32, n)
		for i := range out {
			out[i] = r.Int32N(int32(million.VocabSize))
		}
		return out
	}
	s := DefaultSettings()
	s.LR = 1e-4
	fixed, real := plan{s: s}, plan{s: s}
	for range 8 {
		fixed.pairs = append(fixed.pairs, Pair{tokens(128), tokens(129), tokens(129)})
	}
	for range 32 {
		real.pairs = append(real.pairs, Pair{tokens(24 + r.IntN(10)), tokens(32 + r.IntN(14)), tokens(32 + r.IntN(14))})
	}
	fixed.s.BatchPairs, real.s.BatchPairs = 8, 32
	fixed.ref, real.ref = make([][2]float64, 8), make([][2]float64, 32)
	sequences := func(rows, width int) (out []Weighted) {
		for range rows {
			w := Weighted{tokens(width + 1), make([]float32, width)}
			for i := range w.Weights {
				w.Weights[i] = 1
			}
			out = append(out, w)
		}
		return out
	}
	for _, test := range []struct {
		name   string
		micros []micro
	}{
		{"pairs=8x2x256", fixed.step(0)},
		{"pairs=32x2x70", real.step(0)},
		{"pretrain=16x256", weightedBatch(sequences(16, 256), 16*256, 0)},
		{"pretrain=32x128", weightedBatch(sequences(32, 128), 32*128, 0)},
	} {
		b.Run(test.name, func(b *testing.B) {
			t, err := newTrainer(openBackend(b), transformer.Init(million, 1), s)
			if err != nil {
				b.Fatal(err)
			}
			defer t.close()
			seen, slots := 0, 0.0
			for i := 0; b.Loop(); i++ {
				step, err := t.step(i+1, 1e-4, test.micros) // not 0: these references are made up
				if err != nil {
					b.Fatal(err)
				}
				seen, slots = seen+step.Tokens, step.Padding
			}
			b.ReportMetric(float64(seen)/b.Elapsed().Seconds(), "tokens/s")
			b.ReportMetric(slots, "padding")
		})
	}
}
