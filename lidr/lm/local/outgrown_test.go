package local

import (
	"context"
	"slices"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/transformer"
)

// Answers that outgrow the short factors of a rotary embedding go on as if all of their text had been the prompt.
func TestAnswersOutgrowTheirFactors(t *testing.T) {
	l := newModel(t, 256)
	factors := func(x float64) []float64 { return []float64{1, x, x * x, x * x * x} }
	m := transformer.Init(checkpoint.Config{
		ModelType: "phi3", HiddenSize: 32, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 8,
		IntermediateSize: 48, VocabSize: l.tokenizer.VocabSize(), MaxPositionEmbeddings: 256, RMSNormEps: 1e-5,
		RopeTheta: 10000, PartialRotaryFactor: 1, RopeScaling: &checkpoint.RopeScaling{RopeType: "longrope",
			ShortFactor: factors(1), LongFactor: factors(4), OriginalMaxPositionEmbeddings: 20},
	}, 1)
	l = New(l.backend, m, l.tokenizer)
	clear(l.eos)
	var answers []*answer
	for _, n := range []int{3, 12, 17, 19, 20, 30} {
		prompt := make([]int, n)
		for i := range prompt {
			prompt[i] = (n*31 + i*i*7) % 200
		}
		answers = append(answers, &answer{prompt: prompt, limit: 24,
			sampler: newSampler(lm.Sampling{MaxTokens: 24}, "", prompt)})
	}
	if err := l.decode(context.Background(), answers); err != nil {
		t.Fatal(err)
	}
	crossed := 0
	for _, a := range answers {
		if len(a.tokens) != 24 {
			t.Fatalf("%d tokens after a prompt of %d", len(a.tokens), len(a.prompt))
		}
		for i, token := range a.tokens {
			text := slices.Concat(a.prompt, a.tokens[:i])
			if len(text) == 21 && i > 0 {
				crossed++
			}
			next := &answer{prompt: text, limit: 1, sampler: newSampler(lm.Sampling{MaxTokens: 1}, "", text)}
			if err := l.decode(context.Background(), []*answer{next}); err != nil {
				t.Fatal(err)
			}
			if next.tokens[0] != token {
				t.Fatalf("token %d after a prompt of %d is %d, read as a prompt %d", i, len(a.prompt), token, next.tokens[0])
			}
		}
	}
	if crossed != 5 {
		t.Fatalf("%d answers outgrew the factors", crossed)
	}
}
