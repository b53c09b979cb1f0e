package transformer_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes/bfloat16"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/transformer"
)

// inBlocks returns the checkpoint with its matrices rounded to Q8_0, in blocks and widened again.
func inBlocks(t *testing.T, ck *checkpoint.Checkpoint) (stored, wide *checkpoint.Checkpoint) {
	t.Helper()
	q80 := &checkpoint.Type{Name: "Q8_0", Block: 32, Bytes: 34, Decode: func(dst []float32, src []byte) {
		for ; len(dst) >= 32; dst, src = dst[32:], src[34:] {
			var d [1]float32
			checkpoint.F16.Decode(d[:], src)
			for i, q := range src[2:34] {
				dst[i] = d[0] * float32(int8(q))
			}
		}
	}}
	stored, wide = &checkpoint.Checkpoint{Config: ck.Config}, &checkpoint.Checkpoint{Config: ck.Config}
	for _, tensor := range ck.Tensors {
		if len(tensor.Shape) == 2 {
			values, err := tensor.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			raw := make([]byte, len(values)/32*34)
			if err := checkpoint.EncodeQ80(raw, values); err != nil {
				t.Fatal(err)
			}
			if tensor, err = checkpoint.StoredTensor(tensor.Name, tensor.Shape, q80, raw, nil); err != nil {
				t.Fatal(err)
			}
		}
		values, err := tensor.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		stored.Tensors = append(stored.Tensors, tensor)
		wide.Tensors = append(wide.Tensors, checkpoint.NewTensor(tensor.Name, tensor.Shape, values))
	}
	return stored, wide
}

func smallInBlocks(t *testing.T) (stored, wide *checkpoint.Checkpoint) {
	ck, err := transformer.Init(checkpoint.Config{ModelType: "llama", VocabSize: 96, HiddenSize: 64, IntermediateSize: 96,
		NumHiddenLayers: 2, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 16, MaxPositionEmbeddings: 64,
		RMSNormEps: 1e-5, RopeTheta: 1e4, TieWordEmbeddings: true}, 3).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	return inBlocks(t, ck)
}

func logprobsOf(t *testing.T, b compute.Backend, m *transformer.Model, tokens [][]int32) []float32 {
	t.Helper()
	exec := model.MustNewExec(b, m.Store,
		func(scope *model.Scope, tokens *Node) *Node { return m.TokenLogprobs(scope, tokens) })
	out, err := exec.Call(tokens)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](out[0])
}

// A model whose matrices stay in blocks gives the log-probabilities of one whose matrices were widened, to the bit;
// computed with integers, close ones, which are the same for stored and for freshly rounded blocks.
func TestBlocks(t *testing.T) {
	b, err := backend.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	stored, wide := smallInBlocks(t)
	tokens := [][]int32{{1, 5, 70, 3, 9, 22, 41, 2}, {8, 8, 95, 0, 1, 2, 3, 4}}
	logprobs := func(m *transformer.Model, err error) []float32 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return logprobsOf(t, b, m, tokens)
	}
	want := logprobs(transformer.New(wide))
	for i, v := range logprobs(transformer.NewStored(stored, b)) {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("in blocks: log-probability %d is %g, want %g", i, v, want[i])
		}
	}
	integers := logprobs(transformer.NewQuantized(stored, b, "stored"))
	same := true
	for i, v := range integers {
		same = same && v == want[i]
		if d := math.Abs(float64(v - want[i])); !(d < 0.05) {
			t.Errorf("in integers: log-probability %d is %g, want about %g", i, v, want[i])
		}
	}
	if same {
		t.Error("nothing was computed in integers")
	}
	for i, v := range logprobs(transformer.NewQuantized(wide, b, "q8")) {
		if v != integers[i] {
			t.Errorf("rounded at load: log-probability %d is %g, want %g", i, v, integers[i])
		}
	}
	if _, err := transformer.NewQuantized(wide, b, "stored"); err == nil {
		t.Error("a model without blocks was computed with them")
	}
	if _, err := transformer.NewQuantized(wide, b, "q3"); err == nil {
		t.Error("q3 was accepted")
	}
}

// With "bf16", products by a model's matrices in bfloat16 round the other side too: log-probabilities are close to
// those of float32, and a sequence's do not depend on those beside it. A model without such a matrix is refused.
func TestInBFloat16(t *testing.T) {
	b, err := backend.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	_, wide := smallInBlocks(t)
	if _, err := transformer.NewQuantized(wide, b, "bf16"); err == nil {
		t.Error("a model in float32 was computed in bfloat16")
	}
	narrow := &checkpoint.Checkpoint{Config: wide.Config}
	for _, tensor := range wide.Tensors {
		if len(tensor.Shape) == 2 {
			values, err := tensor.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			var raw []byte
			for _, v := range values {
				raw = binary.LittleEndian.AppendUint16(raw, uint16(bfloat16.FromFloat32(v)))
			}
			tensor, err = checkpoint.StoredTensor(tensor.Name, tensor.Shape, checkpoint.BF16, raw, nil)
			if err != nil {
				t.Fatal(err)
			}
		}
		narrow.Tensors = append(narrow.Tensors, tensor)
	}
	tokens := [][]int32{{1, 5, 70, 3, 9, 22, 41, 2}, {8, 8, 95, 0, 1, 2, 3, 4}}
	logprobs := func(tokens [][]int32, m *transformer.Model, err error) []float32 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return logprobsOf(t, b, m, tokens)
	}
	m, err := transformer.NewStored(narrow, b)
	want := logprobs(tokens, m, err)
	m, err = transformer.NewQuantized(narrow, b, "bf16")
	got := logprobs(tokens, m, err)
	same := true
	for i, v := range got {
		same = same && v == want[i]
		if d := math.Abs(float64(v - want[i])); !(d < 0.02) {
			t.Errorf("log-probability %d is %g, want about %g", i, v, want[i])
		}
	}
	if same {
		t.Error("nothing was rounded")
	}
	if alone := logprobs(tokens[:1], m, nil); !slices.Equal(alone, got[:len(alone)]) {
		t.Errorf("alone %g, beside another sequence %g", alone, got[:len(alone)])
	}
}

// An adapter on matrices in blocks has the gradients of one on the widened matrices, to the bit.
func TestAdapterOnBlocks(t *testing.T) {
	b, err := backend.Open("cpu")
	if err != nil {
		t.Fatal(err)
	}
	stored, wide := smallInBlocks(t)
	gradients := func(m *transformer.Model, err error) [][]float32 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		adapter, err := transformer.InitAdapter(stored.Config, 2, 4, []string{"q_proj", "down_proj"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range adapter.Tensors { // B is 0 in a new one
			values, err := a.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			for j := range values {
				values[j] += float32(i+j%7) / 100
			}
		}
		if m, err = m.WithAdapter(adapter); err != nil {
			t.Fatal(err)
		}
		m.Checkpointing = true
		names, err := m.Trained()
		if err != nil {
			t.Fatal(err)
		}
		exec := model.MustNewExec(b, m.Store, func(scope *model.Scope, tokens *Node) []*Node {
			loss := ReduceAllSum(m.TokenLogprobs(scope, tokens))
			var trained []*Node
			for _, tensor := range adapter.Tensors {
				trained = append(trained, names[tensor.Name].NodeValue(tokens.Graph()))
			}
			return Gradient(loss, trained...)
		})
		out, err := exec.Call([][]int32{{1, 5, 70, 3, 9, 22, 41, 2}})
		if err != nil {
			t.Fatal(err)
		}
		var all [][]float32
		for _, o := range out {
			all = append(all, tensors.MustCopyFlatData[float32](o))
		}
		return all
	}
	want, got := gradients(transformer.New(wide)), gradients(transformer.NewStored(stored, b))
	for i := range want {
		for j, w := range want[i] {
			if w != got[i][j] {
				t.Fatalf("gradient %d, element %d is %g, want %g", i, j, got[i][j], w)
			}
		}
	}
}
