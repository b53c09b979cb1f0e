package cpu

import (
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// quantAttr are the parameters of FusedQuantizedDense and QuantizedEmbeddingLookup.
type quantAttr struct {
	format   compute.GGMLQuantType
	integers bool
}

// blocks checks that w [n, bytes] holds rows of blocks and returns their format and the number of values of a row.
func (f *function) blocks(op string, w *node, q *compute.Quantization) (attr quantAttr, k int, err error) {
	if q == nil || q.Scheme != compute.QuantGGML {
		return attr, 0, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: %s of a scheme other than GGML", op)
	}
	attr = quantAttr{q.GGMLType &^ Integers, q.GGMLType&Integers != 0}
	t := blockTypes[attr.format]
	if t == nil {
		return attr, 0, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: %s of format %s", op, attr.format)
	}
	if w.shape.DType != dtypes.Uint8 || w.shape.Rank() != 2 || w.shape.Dimensions[1]%t.bytes != 0 {
		return attr, 0, errors.Errorf("backend cpu: %s: weights have shape %s, want bytes [n, rows of blocks of %d]", op,
			w.shape, t.bytes)
	}
	return attr, w.shape.Dimensions[1] / t.bytes * t.values, nil
}

// FusedQuantizedDense implements compute.Function for weights in blocks (compute.QuantGGML): x [..., k] float32 times
// the transposed weights [n, bytes], plus a bias [n], as [..., n]. With [Integers] the product is of integers.
func (f *function) FusedQuantizedDense(x, weights, bias compute.Value, q *compute.Quantization,
	activation compute.ActivationType) (compute.Value, error) {
	const op = "FusedQuantizedDense"
	in, err := f.castAll(op, x, weights)
	if err != nil {
		return nil, err
	}
	attr, k, err := f.blocks(op, in[1], q)
	if err != nil {
		return nil, err
	}
	dims := in[0].shape.Dimensions
	if activation != compute.ActivationNone || in[0].shape.DType != dtypes.Float32 {
		return nil, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: %s of %s with activation %s", op,
			in[0].shape.DType, activation)
	}
	if len(dims) == 0 || dims[len(dims)-1] != k {
		return nil, errors.Errorf("backend cpu: %s: operand has shape %s, want [..., %d]", op, in[0].shape, k)
	}
	n := in[1].shape.Dimensions[0]
	shape := shapes.Make(dtypes.Float32, append(slices.Clone(dims[:len(dims)-1]), n)...)
	y := f.add(compute.OpTypeFusedQuantizedDense, shape, attr, in...)
	if bias == nil {
		return y, nil
	}
	b, err := f.BroadcastInDim(bias, shape, []int{len(dims) - 1})
	if err != nil {
		return nil, err
	}
	return f.Add(y, b)
}

// QuantizedEmbeddingLookup implements compute.Function for rows of blocks (compute.QuantGGML).
func (f *function) QuantizedEmbeddingLookup(data, indices compute.Value, q *compute.Quantization) (compute.Value,
	error) {
	const op = "QuantizedEmbeddingLookup"
	in, err := f.castAll(op, data, indices)
	if err != nil {
		return nil, err
	}
	attr, k, err := f.blocks(op, in[0], q)
	if err != nil {
		return nil, err
	}
	dims, dtype := in[1].shape.Dimensions, in[1].shape.DType
	if len(dims) == 0 || dims[len(dims)-1] != 1 || dtype != dtypes.Int32 && dtype != dtypes.Int64 {
		return nil, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: %s of indices %s, want int32 or int64 [..., 1]", op,
			in[1].shape)
	}
	attr.integers = false // rows are widened either way
	shape := shapes.Make(dtypes.Float32, append(slices.Clone(dims[:len(dims)-1]), k)...)
	return f.add(compute.OpTypeQuantizedEmbeddingLookup, shape, attr, in...), nil
}

// quantizedDense schedules a product with weights in blocks: in integers, or as a product in float32 whose right-hand
// side is widened as it is read.
func (l *lowerer) quantizedDense(n *node) (view, error) {
	attr := n.attr.(quantAttr)
	t, x, w := blockTypes[attr.format], l.in(n, 0), l.dense(l.in(n, 1))
	k := x.dims[len(x.dims)-1]
	columns := w.dims[0]
	m := x.size() / max(1, k)
	if !attr.integers || k == 0 {
		x = l.dense(x)
		mm := &matmul{m: m, n: columns, k: k, lhs: x, rhs: w, blocks: t, lhsM: k, lhsK: 1, rhsK: 1, rhsN: t.row(k),
			outM: columns}
		out := l.newValue(dtypes.Float32, n.shape.Size())
		mm.out = denseView(out, n.shape.Dimensions)
		l.product(mm)
		return mm.out, nil
	}
	p := &blockProduct{format: t, m: m, n: columns, k: k, x: l.round(x, t), w: w}
	p.out = l.newValue(dtypes.Float32, n.shape.Size())
	l.multiply(p)
	return denseView(p.out, n.shape.Dimensions), nil
}

// quantizedLookup schedules a lookup of rows, which are widened. Indices are clamped, as Gather's are.
func (l *lowerer) quantizedLookup(n *node) (view, error) {
	t, data, ids := blockTypes[n.attr.(quantAttr).format], l.dense(l.in(n, 0)), l.dense(l.in(n, 1))
	row, k := data.dims[1], n.shape.Dimensions[n.shape.Rank()-1]
	return l.emit("QuantizedEmbeddingLookup", n.shape, []view{data, ids}, func(x *execution, out *value) {
		tasks, bounds := split(ids.size(), max(1, copyGrain/max(1, k)), 64)
		from, id, dst := x.ptr(data), x.ptr(ids), x.base[out.id]
		x.parallel(tasks, func(task int, w *workspace) {
			lo, hi := bounds(task)
			for i := lo; i < hi; i++ {
				at := max(0, min(indexAt(id, ids.val.dtype, i), data.dims[0]-1))
				w.widen = widenArgs{dst: unsafe.Add(dst, i*k*4), src: unsafe.Add(from, at*row), blocks: k / t.values}
				kernels.widen[t.name](&w.widen)
			}
		})
	}), nil
}
