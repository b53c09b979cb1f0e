package cpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend" // the stock backend, to compare with
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/transformer"
)

func open(t testing.TB, name string) compute.Backend {
	b, err := compute.NewWithConfig(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var decoders = map[string]checkpoint.Config{
	"tied": {ModelType: "llama", HiddenSize: 48, NumHiddenLayers: 2, NumAttentionHeads: 3, NumKeyValueHeads: 3,
		HeadDim: 16, IntermediateSize: 100, VocabSize: 131, MaxPositionEmbeddings: 512, RMSNormEps: 1e-5,
		RopeTheta: 10000, TieWordEmbeddings: true},
	"grouped, biases": {ModelType: "qwen2", HiddenSize: 64, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2,
		HeadDim: 16, IntermediateSize: 96, VocabSize: 200, MaxPositionEmbeddings: 512, RMSNormEps: 1e-6,
		RopeTheta: 1e6},
	"grouped, norms": {ModelType: "qwen3", HiddenSize: 64, NumHiddenLayers: 1, NumAttentionHeads: 4, NumKeyValueHeads: 1,
		HeadDim: 32, IntermediateSize: 64, VocabSize: 77, MaxPositionEmbeddings: 512, RMSNormEps: 1e-6, RopeTheta: 1e6},
	"window": {ModelType: "mistral", HiddenSize: 48, NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2,
		HeadDim: 12, IntermediateSize: 64, VocabSize: 77, MaxPositionEmbeddings: 512, RMSNormEps: 1e-5, RopeTheta: 1e4,
		SlidingWindow: 20},
	"gemma": {ModelType: "gemma3_text", HiddenSize: 48, NumHiddenLayers: 2, NumAttentionHeads: 2, NumKeyValueHeads: 1,
		HeadDim: 32, IntermediateSize: 64, VocabSize: 77, MaxPositionEmbeddings: 512, RMSNormEps: 1e-6, RopeTheta: 1e6,
		RopeLocalTheta: 1e4, QueryPreAttnScalar: 24, SlidingWindow: 50, TieWordEmbeddings: true,
		LayerTypes: []string{checkpoint.SlidingAttention, checkpoint.FullAttention}},
}

// skipStock: the stock backend cannot run in this build.
var skipStock bool

// The gradients of our decoders equal the stock backend's.
func TestGradientsEqualStock(t *testing.T) {
	if skipStock {
		t.Skip("the stock backend fails under the race detector")
	}
	stock, own := open(t, "go:ops_sequential"), open(t, "cpu")
	for name, config := range decoders {
		for _, shape := range [][2]int{{2, 12}, {10, 110}} {
			want := gradients(t, stock, config, shape)
			for _, kernels := range cpu.KernelSets() {
				restore := cpu.UseKernels(kernels)
				got := gradients(t, own, config, shape)
				restore()
				for i := range want {
					scale, worst := 0.0, 0.0
					for k := range want[i] {
						scale = max(scale, math.Abs(float64(want[i][k])))
						worst = max(worst, math.Abs(float64(want[i][k]-got[i][k])))
					}
					if !(worst <= 1e-5*max(scale, 1e-2)) {
						t.Errorf("%s %v with %s kernels, output %d: largest difference %g where the largest value is %g", name, shape,
							kernels, i, worst, scale)
					}
				}
			}
		}
	}
}

func gradients(t testing.TB, b compute.Backend, config checkpoint.Config, shape [2]int) [][]float32 {
	m := transformer.Init(config, 7)
	r := rand.New(rand.NewPCG(3, 4))
	tokens := make([][]int32, shape[0])
	for i := range tokens {
		for range shape[1] {
			tokens[i] = append(tokens[i], r.Int32N(int32(config.VocabSize)))
		}
	}
	exec := model.MustNewExec(b, m.Store, func(scope *model.Scope, tokens *Node) []*Node {
		lp := m.TokenLogprobs(scope, tokens)
		loss := Neg(ReduceAllMean(lp))
		var parameters []*Node
		for v := range scope.IterVariables() {
			parameters = append(parameters, v.NodeValue(tokens.Graph()))
		}
		return append([]*Node{loss, lp}, Gradient(loss, parameters...)...)
	})
	out, err := exec.Call(tokens)
	if err != nil {
		t.Fatal(err)
	}
	var flat [][]float32
	for _, o := range out {
		flat = append(flat, tensors.MustCopyFlatData[float32](o))
	}
	return flat
}

// The bits do not depend on the number of threads.
func TestThreadsGiveSameBits(t *testing.T) {
	one, three := open(t, "cpu:threads=1"), open(t, "cpu:threads=3")
	for name, config := range decoders {
		shape := [2]int{6, 190}
		want := gradients(t, one, config, shape)
		for range 3 {
			got := gradients(t, three, config, shape)
			for i := range want {
				for k := range want[i] {
					if math.Float32bits(want[i][k]) != math.Float32bits(got[i][k]) {
						t.Fatalf("%s: output %d element %d: %g with one thread, %g with three", name, i, k, want[i][k], got[i][k])
					}
				}
			}
		}
	}
}
