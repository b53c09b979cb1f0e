package transformer

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
)

// gradients returns the token log-probabilities of a batch, and the gradient of their uneven sum by every trained
// weight.
func gradients(t *testing.T, b compute.Backend, m *Model, tokens [][]int32) (out [][]float32) {
	t.Helper()
	trained, err := m.Trained()
	if err != nil {
		t.Fatal(err)
	}
	exec := model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*Node) []*Node {
		logprobs := m.TokenLogprobs(scope, in[0])
		loss := ReduceAllSum(Square(logprobs))
		var parameters []*Node
		for _, name := range slices.Sorted(maps.Keys(trained)) {
			parameters = append(parameters, trained[name].NodeValue(in[0].Graph()))
		}
		return append([]*Node{logprobs}, Gradient(loss, parameters...)...)
	})
	results, err := exec.Call(tokens)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		out = append(out, tensors.MustCopyFlatData[float32](r))
	}
	return out
}

func batch(rows, length, vocab int) [][]int32 {
	tokens := make([][]int32, rows)
	for r := range tokens {
		for i := range length {
			tokens[r] = append(tokens[r], int32((r*31+i*i*7+3)%vocab))
		}
	}
	return tokens
}

// variants are decoders that differ in what they compute: norms, windows, caps, fused matrices, factors and turns.
func variants(t *testing.T) map[string]checkpoint.Config {
	t.Helper()
	all, cases := map[string]checkpoint.Config{"tiny": tiny()}, goldenCases(t)
	for _, name := range []string{"gemma2", "gemma3-scaled", "granite", "olmo2", "phi4-mini", "smollm3-sliding",
		"cohere2"} {
		config, err := checkpoint.ParseConfig(cases[name].Config)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = config
	}
	return all
}

// Layers that are computed again give the same bits as layers that are kept, on weights of either kind and with an
// adapter.
func TestCheckpointing(t *testing.T) {
	for _, b := range backends(t) {
		for variant, config := range variants(t) {
			for name, m := range map[string]*Model{
				"float32":             hashed(t, config),
				"adapter":             withHashedAdapter(t, hashed(t, config)),
				"adapter on bfloat16": withHashedAdapter(t, hashedNarrow(t, b, config)),
			} {
				kept := gradients(t, b, m, batch(3, 17, 67))
				m.Checkpointing = true
				for i, again := range gradients(t, b, m, batch(3, 17, 67)) {
					near(t, b.String()+" "+variant+" "+name, again, kept[i], 1e-6)
				}
			}
		}
	}
}

// Products in bfloat16 leave log-probabilities and gradients, of all weights and of an adapter, off by some hundredths
// of their length, since each factor is off by up to 2^-9 (a tenth where a model scales its embeddings and norms up);
// and checkpointing changes them by no more than in float32.
func TestTrainingInBFloat16(t *testing.T) {
	for _, b := range backends(t) {
		for variant, config := range variants(t) {
			for name, m := range map[string]*Model{
				"all": hashed(t, config), "adapter": withHashedAdapter(t, hashedNarrow(t, b, config)),
			} {
				want := gradients(t, b, m, batch(3, 17, 67))
				m.Quantization = InBFloat16
				got := gradients(t, b, m, batch(3, 17, 67))
				m.Checkpointing = true
				for i, again := range gradients(t, b, m, batch(3, 17, 67)) {
					what := fmt.Sprint(b, " ", variant, " ", name, " ", i)
					near(t, what, again, got[i], 1e-6)
					var off, length float64
					for j, w := range want[i] {
						off += math.Pow(float64(got[i][j]-w), 2)
						length += math.Pow(float64(w), 2)
					}
					if share := math.Sqrt(off / length); !(share > 1e-5 && share < 0.15) {
						t.Errorf("%s is off by %.2g of its length", what, share)
					}
				}
			}
		}
	}
}

// A model held as bfloat16 computes what one computes whose float32 weights were rounded beforehand, to the bit.
func TestBFloat16(t *testing.T) {
	for _, b := range backends(t) {
		for variant, config := range variants(t) {
			t.Run(b.String()+"/"+variant, func(t *testing.T) { checkBFloat16(t, b, config) })
		}
	}
}

func checkBFloat16(t *testing.T, b compute.Backend, config checkpoint.Config) {
	ck, err := hashed(t, config).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	narrow := hashedNarrow(t, b, config)
	if _, err := narrow.Trained(); err == nil {
		t.Error("coarse weights can be trained")
	}
	rounded, err := narrow.Clone()
	if err != nil {
		t.Fatal(err)
	}
	changed, err := rounded.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	const norm = "model.norm.weight"
	if !slices.Equal(lidrtest.Values(t, *ck.Tensor(norm)), lidrtest.Values(t, *changed.Tensor(norm))) {
		t.Error("norms are rounded")
	}
	near(t, "rounded weights", lidrtest.Values(t, *changed.Tensor("model.embed_tokens.weight")),
		lidrtest.Values(t, *ck.Tensor("model.embed_tokens.weight")), 1.0/256)
	want := gradients(t, b, withHashedAdapter(t, rounded), batch(3, 17, 67))
	for i, got := range gradients(t, b, withHashedAdapter(t, narrow), batch(3, 17, 67)) {
		if !slices.Equal(got, want[i]) {
			t.Errorf("result %d differs from that of rounded float32 weights", i)
		}
	}
	prompts := [][]int32{{5}, {7, 11, 13, 2, 3}}
	decoded := decodeGreedy(t, b, narrow, prompts, 8, 32, 8)
	if !slices.EqualFunc(decoded, decodeGreedy(t, b, rounded, prompts, 8, 32, 8), slices.Equal) {
		t.Error("greedy continuations differ from those of rounded float32 weights")
	}
}

// hashedNarrow returns the hashed model held as bfloat16.
func hashedNarrow(t *testing.T, b compute.Backend, config checkpoint.Config) *Model {
	t.Helper()
	ck, err := hashed(t, config).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := NewBFloat16(ck, b)
	if err != nil {
		t.Fatal(err)
	}
	return narrow
}

// Log-probabilities and gradients in chunks of positions are those of all logits at once, and so they are where an
// adapter leaves the head frozen.
func TestChunkedLogprobs(t *testing.T) {
	c := checkpoint.Config{
		ModelType: "llama", HiddenSize: 8, NumHiddenLayers: 1, NumAttentionHeads: 1, NumKeyValueHeads: 1, HeadDim: 8,
		IntermediateSize: 8, VocabSize: 17000, MaxPositionEmbeddings: 2048, RMSNormEps: 1e-5, RopeTheta: 10000,
		TieWordEmbeddings: true,
	}
	b, m, n := backends(t)[0], hashed(t, c), 2001
	if n*c.VocabSize <= chunkLogits {
		t.Fatal("the test needs more than one chunk")
	}
	labels, hidden := batch(1, n, c.VocabSize)[0], hashedWeight("hidden", []int{n, c.HiddenSize})
	run := func(m *Model, logprobs func(scope *model.Scope, hidden, labels *Node) *Node) []*tensors.Tensor {
		exec := model.MustNewExec(b, m.Store, func(scope *model.Scope, in []*Node) []*Node {
			each := logprobs(scope, in[0], in[1])
			head := m.Store.GetVariable("model.embed_tokens.weight").NodeValue(in[0].Graph())
			return append([]*Node{each}, Gradient(ReduceAllMean(Square(each)), in[0], head)...)
		})
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(hidden, n, c.HiddenSize), labels)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	whole := run(m, func(scope *model.Scope, hidden, labels *Node) *Node {
		return labelLogprobs(m.Head(scope, hidden), labels)
	})
	for i, chunked := range run(m, m.LabelLogprobs) {
		near(t, "chunked", tensors.MustCopyFlatData[float32](chunked), tensors.MustCopyFlatData[float32](whole[i]), 1e-5)
	}
	adapted := withHashedAdapter(t, m)
	for i, frozen := range run(adapted, adapted.LabelLogprobs)[:2] {
		near(t, "frozen", tensors.MustCopyFlatData[float32](frozen), tensors.MustCopyFlatData[float32](whole[i]), 1e-5)
	}
}
