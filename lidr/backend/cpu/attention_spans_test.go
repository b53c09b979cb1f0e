package cpu

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// spansOfTexts lays out texts in a row, each a beginning and its branches, and fills the row with tokens that see
// themselves alone.
func spansOfTexts(width int, texts ...[]int) []int32 {
	var spans []int32
	for _, lengths := range texts {
		first := int32(len(spans) / 3)
		for range lengths[0] {
			spans = append(spans, first, first, first)
		}
		shared := int32(len(spans) / 3)
		for _, n := range lengths[1:] {
			own := int32(len(spans) / 3)
			for range n {
				spans = append(spans, first, shared, own)
			}
		}
	}
	for i := int32(len(spans) / 3); i < int32(width); i++ {
		spans = append(spans, i, i, i)
	}
	return spans
}

// Attention by spans is attention by the mask that they stand for, and so are its gradients; blocks of queries that
// leave out a branch between two ranges of keys are among them.
func TestAttentionBySpans(t *testing.T) {
	const batch, width, heads, kv, dim = 2, 330, 4, 2, 16
	b, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	rows := append(spansOfTexts(width, []int{20, 130, 150}, []int{1, 1, 4}, []int{9}), // the last query block of the long
		spansOfTexts(width, []int{0, 7, 3}, []int{170, 0, 60}, []int{40, 20})...) // branch skips most of the other
	mask := make([]float32, batch*width*width)
	for at := range batch * width {
		first, shared, own := int(rows[3*at]), int(rows[3*at+1]), int(rows[3*at+2])
		for j := range width {
			if !(first <= j && j < shared || own <= j && j <= at%width) {
				mask[at*width+j] = hidden
			}
		}
	}
	spans := tensors.FromFlatDataAndDimensions(rows, batch, width, 3)
	full := tensors.FromFlatDataAndDimensions(mask, batch, 1, width, width)
	var in []any
	for _, h := range []int{heads, kv, kv, heads} {
		in = append(in, tensors.FromFlatDataAndDimensions(random(batch*width*h*dim), batch, width, h, dim))
	}
	run := func(mask *tensors.Tensor) []*tensors.Tensor {
		return MustNewExec(b, func(in []*Node) []*Node {
			config := compute.ScaledDotProductAttentionConfig{Mask: InternalBackendOutputs(in[4])[0]}
			o, _ := BackendFusedScaledDotProductAttention(in[0], in[1], in[2], compute.AttentionAxesLayoutBSHD, &config)
			return append(Gradient(ReduceAllSum(Mul(o, in[3])), in[0], in[1], in[2]), o)
		}).MustCall(append(in, mask)...)
	}
	want := run(full)
	for i, got := range run(spans) {
		x, y := tensors.MustCopyFlatData[float32](got), tensors.MustCopyFlatData[float32](want[i])
		for k := range y {
			if d := math.Abs(float64(x[k] - y[k])); !(d <= 2e-5*math.Max(1, math.Abs(float64(y[k])))) {
				t.Fatalf("%s: element %d is %g, by the mask %g", [4]string{"dq", "dk", "dv", "o"}[i], k, x[k], y[k])
			}
		}
	}
}

// Spans are refused beside what would say otherwise.
func TestSpansAreRefused(t *testing.T) {
	b, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	f := b.Builder("refused").Main()
	x, _ := f.Parameter("x", shapes.Make(dtypes.Float32, 1, 8, 2, 4), nil)
	right, _ := f.Parameter("right", shapes.Make(dtypes.Int32, 1, 8, 3), nil)
	wrong, _ := f.Parameter("wrong", shapes.Make(dtypes.Int32, 1, 9, 3), nil)
	for _, config := range []compute.ScaledDotProductAttentionConfig{{Mask: wrong}, {Mask: right, Causal: true},
		{Mask: right, Bias: x}} {
		if _, _, err := f.FusedScaledDotProductAttention(x, x, x, compute.AttentionAxesLayoutBSHD, &config); err == nil {
			t.Errorf("attention with %+v is not refused", config)
		}
	}
}
