package transformer

import (
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/checkpoint"
)

// small is the size of the embedded miniature model, about 1.1 M parameters.
var small = checkpoint.Config{
	ModelType: "llama", HiddenSize: 128, NumHiddenLayers: 4, NumAttentionHeads: 4, NumKeyValueHeads: 4, HeadDim: 32,
	IntermediateSize: 384, VocabSize: 2048, MaxPositionEmbeddings: 512, RMSNormEps: 1e-5, RopeTheta: 10000,
	TieWordEmbeddings: true,
}

// BenchmarkGradient computes a loss over 2048 tokens and its gradients: a training step without the optimizer.
func BenchmarkGradient(b *testing.B) {
	const rows, length = 16, 129
	tokens := make([][]int32, rows)
	for r := range tokens {
		for t := range length {
			tokens[r] = append(tokens[r], int32((r*31+t*t*7)%small.VocabSize))
		}
	}
	for _, engine := range backends(b) {
		b.Run(engine.String(), func(b *testing.B) {
			m := Init(small, 1)
			exec := model.MustNewExec(engine, m.Store, func(scope *model.Scope, tokens *Node) []*Node {
				loss := Neg(ReduceAllMean(m.TokenLogprobs(scope, tokens)))
				var parameters []*Node
				for v := range scope.IterVariables() {
					parameters = append(parameters, v.NodeValue(tokens.Graph()))
				}
				return append([]*Node{loss}, Gradient(loss, parameters...)...)
			})
			for b.Loop() {
				if _, err := exec.Call(tokens); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*rows*(length-1))/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
