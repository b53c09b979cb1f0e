package local

import (
	"context"
	"fmt"
	"testing"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/transformer"
)

// small is the size of the embedded miniature model, about 1.1 M parameters.
var small = checkpoint.Config{
	ModelType: "llama", HiddenSize: 128, NumHiddenLayers: 4, NumAttentionHeads: 4, NumKeyValueHeads: 4, HeadDim: 32,
	IntermediateSize: 384, VocabSize: 2048, MaxPositionEmbeddings: 512, RMSNormEps: 1e-5, RopeTheta: 10000,
	TieWordEmbeddings: true,
}

// benchmark decodes batches of rows prompts of 32 tokens into answers of the given number of tokens. load loads the
// model.
func benchmark(b *testing.B, narrow bool, rows, tokens, counted int) {
	engine, err := backend.Open("")
	if err != nil {
		b.Fatal(err)
	}
	ck, err := transformer.Init(small, 1).Checkpoint()
	if err != nil {
		b.Fatal(err)
	}
	m, err := transformer.New(ck)
	if narrow {
		m, err = transformer.NewBFloat16(ck, engine)
	}
	if err != nil {
		b.Fatal(err)
	}
	l := New(engine, m, byteTokenizer(b))
	clear(l.eos) // random weights would end at random
	run := func() {
		answers := make([]*answer, rows)
		for r := range answers {
			prompt := make([]int, 32)
			for k := range prompt {
				prompt[k] = (r*31 + k*k*7) % small.VocabSize
			}
			answers[r] = &answer{prompt: prompt, limit: tokens, sampler: newSampler(lm.Sampling{}, "", prompt)}
		}
		if err := l.decode(context.Background(), answers); err != nil {
			b.Fatal(err)
		}
	}
	run() // compiles
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(b.N*counted)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkPrefill reads prompts and draws one token of each.
func BenchmarkPrefill(b *testing.B) { benchmark(b, false, batchSize, 1, batchSize*32) }

// BenchmarkDecode draws answers of 40 tokens; reading the prompts is part of the time, not of the tokens.
func BenchmarkDecode(b *testing.B) {
	for _, rows := range []int{1, batchSize} {
		b.Run(fmt.Sprintf("batch=%d", rows), func(b *testing.B) { benchmark(b, false, rows, 40, rows*40) })
		b.Run(fmt.Sprintf("batch=%d,bfloat16", rows), func(b *testing.B) { benchmark(b, true, rows, 40, rows*40) })
	}
}
