package transformer

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/checkpoint"
)

// InBFloat16 is the quantization of products by matrices in bfloat16 ([NewQuantized]).
const InBFloat16 = "bf16"

// NewQuantized is [NewStored] with products of fewer bits than float32 has. With "stored" and "q8" they are products in
// integers, as llama.cpp's are: x is rounded to blocks of 32 signed bytes for each product with a matrix in blocks
// (cpu.Integers). With "stored", these are the matrices that the checkpoint holds in blocks; with "q8", all others are
// rounded to Q8_0 as well, which takes half the memory of bfloat16. With "bf16", x is rounded to bfloat16 for each
// product with a matrix that the checkpoint holds in bfloat16, as vLLM and Transformers do with such a model; sums stay
// float32. An adapter that is merged into the checkpoint is computed in float32 beside what it was merged into, since
// rounding would lose much of what it adds. Such a model decodes and trains an adapter. It needs our own backend.
func NewQuantized(ck *checkpoint.Checkpoint, b compute.Backend, how string) (*Model, error) {
	ours, ok := b.(*cpu.Backend)
	switch {
	case how != "stored" && how != "q8" && how != InBFloat16:
		return nil, fmt.Errorf("transformer: quantization %q, expected %q, %q or %q", how, "stored", "q8", InBFloat16)
	case !ok:
		return nil, fmt.Errorf("transformer: the backend %s does not compute with integers or bfloat16; take %q", b, cpu.Name)
	}
	if ck.Adapter != nil {
		merged := *ck.Below
		merged.Below, merged.Adapter = nil, nil // an adapter under an adapter stays merged
		below, err := NewQuantized(&merged, b, how)
		if err != nil {
			return nil, err
		}
		return below.WithAdapter(ck.Adapter)
	}
	m, err := newStored(ck, ours, how == "q8")
	if err != nil {
		return nil, err
	}
	m.Quantization = how
	if how == InBFloat16 {
		return m, hasBFloat16(ck)
	}
	for name := range m.formats {
		m.formats[name] |= cpu.Integers
	}
	if len(m.formats) == 0 {
		return nil, fmt.Errorf("transformer: the model has no matrix that can be computed with integers; with %q, matrices "+
			"whose rows are multiples of 32 values are rounded, and with %q none", "q8", "stored")
	}
	return m, nil
}

// hasBFloat16 is an error if no matrix is in bfloat16.
func hasBFloat16(ck *checkpoint.Checkpoint) error {
	for _, t := range ck.Tensors {
		if len(t.Shape) == 2 && t.Type == checkpoint.BF16 {
			return nil
		}
	}
	return fmt.Errorf("transformer: the model has no matrix in bfloat16, which %q computes with; %q rounds any matrix",
		InBFloat16, "q8")
}

// inPairs reports whether products with a matrix are computed in bfloat16: with one that is held in it, or with any one
// that is trained.
func (w weights) inPairs(matrix *Node) bool {
	return w.m.Quantization == InBFloat16 && (matrix.DType() == dtypes.BFloat16 || w.m.source == nil)
}

// pairProduct is a product in bfloat16, as NewQuantized has it. So are those of its gradient: that by the result is
// rounded to bfloat16 too, while the gradients by x and matrix are passed on as they are.
func (w weights) pairProduct(x, matrix *Node) *Node {
	if matrix.DType() == x.DType() {
		matrix = roundedThrough(matrix)
	} else {
		matrix = ConvertDType(matrix, x.DType())
	}
	y := DotGeneral(roundedThrough(x), []int{1}, nil, matrix, []int{1}, nil)
	if w.m.source != nil && w.m.adapter == nil { // it only decodes
		return y
	}
	return IdentityWithCustomGradient(y, func(_, d *Node) *Node { return rounded(d) })
}

// rounded returns x rounded to bfloat16.
func rounded(x *Node) *Node { return ConvertDType(ConvertDType(x, dtypes.BFloat16), x.DType()) }

// roundedThrough is rounded with a gradient that knows nothing of rounding.
func roundedThrough(x *Node) *Node {
	y, _ := InternalFusedOpCaller(func() *Node { return rounded(x) }, func() *Node { return x }, true)
	return y
}

// blockValue returns a matrix in blocks as bytes [out, bytes of a row], in the memory that it is stored in.
func blockValue(b *cpu.Backend, t checkpoint.Tensor) (*tensors.Tensor, error) {
	raw, file := t.Raw()
	buffer, err := b.Map(shapes.Make(dtypes.Uint8, t.Shape[0], len(raw)/t.Shape[0]), raw, file)
	if err != nil {
		return nil, err
	}
	return tensors.FromBuffer(buffer)
}

// roundedValue returns a matrix rounded to Q8_0.
func roundedValue(t checkpoint.Tensor) (*tensors.Tensor, error) {
	values := tensors.FromShape(shapes.Make(dtypes.Uint8, t.Shape[0], t.Shape[1]/32*34))
	var failed error
	err := tensors.MutableFlatData(values, func(flat []uint8) {
		failed = t.Each(func(from int, values []float32) error {
			return checkpoint.EncodeQ80(flat[from/32*34:], values)
		})
	})
	if failed != nil {
		err = failed
	}
	return values, err
}

func inBlocks(format compute.GGMLQuantType) *Quantization {
	return &Quantization{Scheme: compute.QuantGGML, GGMLType: format}
}

// blockProduct is product for a matrix in blocks. Only an adapter's training needs its gradient, which is that of the
// product with the widened matrix.
func (w weights) blockProduct(x, matrix *Node, format compute.GGMLQuantType) *Node {
	fused := func() *Node {
		return BackendFusedQuantizedDense(x, matrix, nil, inBlocks(format), compute.ActivationNone)
	}
	if w.m.adapter == nil {
		return fused()
	}
	y, _ := InternalFusedOpCaller(fused, func() *Node {
		wide := StopGradient(w.unpacked(matrix.Checkpoint(), format))
		return DotGeneral(x, []int{1}, nil, wide, []int{1}, nil)
	}, true)
	if w.again {
		return y
	}
	return y.StopCheckpoint()
}

// unpacked returns a matrix in blocks as float32 [out, in].
func (w weights) unpacked(matrix *Node, format compute.GGMLQuantType) *Node {
	rows := Iota(w.g, shapes.Make(dtypes.Int32, matrix.Shape().Dim(0), 1), 0)
	return BackendQuantizedEmbeddingLookup(matrix, rows, inBlocks(format))
}
