package cpu

import (
	"reflect"
	"strings"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

func shapeOfFlat(flat any, dims []int) (shapes.Shape, error) {
	t := reflect.TypeOf(flat)
	if t == nil || t.Kind() != reflect.Slice {
		return shapes.Invalid(), errors.Errorf("backend cpu: a constant needs a flat slice, got %T", flat)
	}
	return shapes.Make(dtypes.FromGoType(t.Elem()), dims...), nil
}

func withDType(s shapes.Shape, d dtypes.DType) shapes.Shape { return shapes.Make(d, s.Dimensions...) }

// widen converts half-precision nodes to float32.
func (f *function) widen(n *node) *node {
	if !half(n.shape.DType) {
		return n
	}
	return f.add(compute.OpTypeConvertDType, withDType(n.shape, dtypes.Float32), nil, n)
}

func (f *function) convert(n *node, d dtypes.DType) *node {
	if n.shape.DType == d {
		return n
	}
	return f.add(compute.OpTypeConvertDType, withDType(n.shape, d), nil, n)
}

func (f *function) unary(op compute.OpType, x compute.Value) (compute.Value, error) {
	n, err := f.node(op.String(), x)
	if err != nil {
		return nil, err
	}
	shape := withDType(n.shape, dtypes.Bool)
	if op == compute.OpTypeIsFinite { // shapeinference lacks it
		if !n.shape.DType.IsFloat() {
			return nil, errors.Errorf("backend cpu: IsFinite of %s", n.shape)
		}
	} else if shape, err = shapeinference.UnaryOp(op, n.shape); err != nil {
		return nil, err
	}
	if half(n.shape.DType) {
		wide := f.widen(n)
		if shape.DType == dtypes.Bool {
			return f.add(op, shape, nil, wide), nil
		}
		return f.convert(f.add(op, withDType(shape, dtypes.Float32), nil, wide), shape.DType), nil
	}
	return f.add(op, shape, nil, n), nil
}

func (f *function) binary(op compute.OpType, lhs, rhs compute.Value) (compute.Value, error) {
	in, err := f.castAll(op.String(), lhs, rhs)
	if err != nil {
		return nil, err
	}
	infer := shapeinference.BinaryOp
	if comparisonOps[op] {
		infer = shapeinference.ComparisonOp
	}
	shape, err := infer(op, in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	if op == compute.OpTypeAdd {
		if axis, parts := padsSideBySide(in[0], in[1]); parts != nil {
			return f.add(compute.OpTypeConcatenate, shape, axis, parts...), nil
		}
	}
	a, b := f.broadcastTo(f.widen(in[0]), shape), f.broadcastTo(f.widen(in[1]), shape)
	if half(shape.DType) {
		return f.convert(f.add(op, withDType(shape, dtypes.Float32), nil, a, b), shape.DType), nil
	}
	return f.add(op, shape, nil, a, b), nil
}

// broadcastTo makes implicit broadcasting explicit: a scalar, or axes of dimension 1, to shape's dimensions.
func (f *function) broadcastTo(n *node, shape shapes.Shape) *node {
	if n.shape.EqualDimensions(shape) {
		return n
	}
	axes := make([]int, n.shape.Rank())
	for i := range axes {
		axes[i] = i
	}
	return f.add(compute.OpTypeBroadcastInDim, withDType(shape, n.shape.DType), axes, n)
}

// padsSideBySide recognises the gradient of a tensor cut in two, the sum of its 0-padded halves, and returns the axis
// and the halves in order, whose concatenation is equal.
func padsSideBySide(a, b *node) (axis int, parts []*node) {
	if a.op != compute.OpTypePad || b.op != compute.OpTypePad || !zero(a.inputs[1]) || !zero(b.inputs[1]) ||
		!a.shape.Equal(b.shape) {
		return 0, nil
	}
	axis = -1
	pa, pb := a.attr.([]compute.PadAxis), b.attr.([]compute.PadAxis)
	for i := range pa {
		if pa[i] == (compute.PadAxis{}) && pb[i] == (compute.PadAxis{}) {
			continue
		}
		if axis >= 0 || pa[i].Interior != 0 || pb[i].Interior != 0 {
			return 0, nil
		}
		axis = i
	}
	if axis < 0 {
		return 0, nil
	}
	if pa[axis].Start != 0 {
		a, b, pa, pb = b, a, pb, pa
	}
	na, nb := a.inputs[0].shape.Dimensions[axis], b.inputs[0].shape.Dimensions[axis]
	if pa[axis] != (compute.PadAxis{End: nb}) || pb[axis] != (compute.PadAxis{Start: na}) {
		return 0, nil
	}
	return axis, []*node{a.inputs[0], b.inputs[0]}
}

// zero reports whether a node is a constant of zero bits only.
func zero(n *node) bool {
	c, ok := n.attr.(constant)
	return ok && strings.Trim(string(c), "\x00") == ""
}

// Where implements compute.Function.
func (f *function) Where(condition, onTrue, onFalse compute.Value) (compute.Value, error) {
	in, err := f.castAll("Where", condition, onTrue, onFalse)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Where(in[0].shape, in[1].shape, in[2].shape)
	if err != nil {
		return nil, err
	}
	for i, n := range in {
		in[i] = f.broadcastTo(n, shape)
	}
	return f.add(compute.OpTypeWhere, shape, nil, in...), nil
}

// Clamp implements compute.Function.
func (f *function) Clamp(low, x, high compute.Value) (compute.Value, error) {
	in, err := f.castAll("Clamp", low, x, high)
	if err != nil {
		return nil, err
	}
	for i, n := range in {
		if n.shape.DType != in[1].shape.DType || (i != 1 && !n.shape.IsScalar() && !n.shape.EqualDimensions(in[1].shape)) {
			return nil, errors.Errorf("backend cpu: Clamp: bounds %s and %s do not fit %s", in[0].shape, in[2].shape,
				in[1].shape)
		}
	}
	v, err := f.binary(compute.OpTypeMax, x, low)
	if err != nil {
		return nil, err
	}
	return f.binary(compute.OpTypeMin, v, high)
}

// ConvertDType implements compute.Function.
func (f *function) ConvertDType(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	n, err := f.node("ConvertDType", x)
	if err != nil {
		return nil, err
	}
	if err := checkShape(withDType(n.shape, dtype)); err != nil {
		return nil, errors.WithMessage(err, "ConvertDType")
	}
	return f.convert(n, dtype), nil
}

// Bitcast implements compute.Function.
func (f *function) Bitcast(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	n, err := f.node("Bitcast", x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Bitcast(n.shape, dtype)
	if err != nil {
		return nil, err
	}
	if err := checkShape(shape); err != nil {
		return nil, errors.WithMessage(err, "Bitcast")
	}
	return f.add(compute.OpTypeBitcast, shape, nil, n), nil
}

// FusedSoftmax implements compute.Function. It is recorded in parts, which are fused again.
func (f *function) FusedSoftmax(x compute.Value, axis int) (compute.Value, error) {
	n, err := f.node("FusedSoftmax", x)
	if err != nil {
		return nil, err
	}
	if axis < 0 || axis >= n.shape.Rank() || !n.shape.DType.IsFloat() {
		return nil, errors.Errorf("backend cpu: FusedSoftmax over axis %d of %s", axis, n.shape)
	}
	wide := f.widen(n)
	kept := wide.shape.Clone()
	kept.Dimensions[axis] = 1
	over := func(op compute.OpType, n *node) *node {
		v, err := f.reduce(op, n, []int{axis})
		if err != nil {
			panic(err) // the axis and the element type were checked
		}
		return f.broadcastTo(f.reshape(v.(*node), kept), wide.shape)
	}
	e := f.add(compute.OpTypeExp, wide.shape, nil,
		f.add(compute.OpTypeSub, wide.shape, nil, wide, over(compute.OpTypeReduceMax, wide)))
	return f.convert(f.add(compute.OpTypeDiv, wide.shape, nil, e, over(compute.OpTypeReduceSum, e)), n.shape.DType), nil
}
