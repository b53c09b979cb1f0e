package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
	"github.com/pkg/errors"
)

// Identity implements compute.Function.
func (f *function) Identity(x compute.Value) (compute.Value, error) {
	n, err := f.node("Identity", x)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// OptimizationBarrier implements compute.Function. Each barrier is a new value, so that operations on it are not
// replaced by the equal ones on its operand, and are computed again.
func (f *function) OptimizationBarrier(operands ...compute.Value) ([]compute.Value, error) {
	in, err := f.castAll("OptimizationBarrier", operands...)
	if err != nil {
		return nil, err
	}
	out := make([]compute.Value, len(in))
	for i, n := range in {
		out[i] = f.addUnique(compute.OpTypeOptimizationBarrier, n.shape, nil, n)
	}
	return out, nil
}

// SchedulingBarrier implements compute.Function as [function.OptimizationBarrier] does: operations run in the order in
// which they are recorded, so those on the result run after the dependencies anyway.
func (f *function) SchedulingBarrier(operand compute.Value, dependencies ...compute.Value) (compute.Value, error) {
	if _, err := f.castAll("SchedulingBarrier", dependencies...); err != nil {
		return nil, err
	}
	out, err := f.OptimizationBarrier(operand)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Iota implements compute.Function.
func (f *function) Iota(shape shapes.Shape, axis int) (compute.Value, error) {
	if err := checkShape(shape); err != nil {
		return nil, errors.WithMessage(err, "Iota")
	}
	if axis < 0 || axis >= shape.Rank() {
		return nil, errors.Errorf("backend cpu: Iota: axis %d is out of range for %s", axis, shape)
	}
	ramp := constant(iotaConstant(shape.DType, shape.Dimensions[axis]))
	c := f.add(compute.OpTypeConstant, shapes.Make(shape.DType, shape.Dimensions[axis]), ramp)
	return f.add(compute.OpTypeBroadcastInDim, shape, []int{axis}, c), nil
}

// Reshape implements compute.Function.
func (f *function) Reshape(x compute.Value, dims ...int) (compute.Value, error) {
	n, err := f.node("Reshape", x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Reshape(n.shape, dims)
	if err != nil {
		return nil, err
	}
	return f.reshape(n, shape), nil
}

func (f *function) reshape(n *node, shape shapes.Shape) *node {
	if n.shape.EqualDimensions(shape) {
		return n
	}
	if n.op == compute.OpTypeReshape {
		n = n.inputs[0]
		return f.reshape(n, shape)
	}
	return f.add(compute.OpTypeReshape, shape, nil, n)
}

// Transpose implements compute.Function.
func (f *function) Transpose(x compute.Value, permutation ...int) (compute.Value, error) {
	n, err := f.node("Transpose", x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Transpose(n.shape, permutation)
	if err != nil {
		return nil, err
	}
	perm := slices.Clone(permutation)
	if n.op == compute.OpTypeTranspose { // compose
		inner := n.attr.([]int)
		for i, p := range perm {
			perm[i] = inner[p]
		}
		n = n.inputs[0]
	}
	if slices.IsSorted(perm) {
		return n, nil
	}
	return f.add(compute.OpTypeTranspose, shape, perm, n), nil
}

// BroadcastInDim implements compute.Function.
func (f *function) BroadcastInDim(x compute.Value, outputShape shapes.Shape,
	broadcastAxes []int) (compute.Value, error) {
	n, err := f.node("BroadcastInDim", x)
	if err != nil {
		return nil, err
	}
	if err := checkShape(outputShape); err != nil {
		return nil, errors.WithMessage(err, "BroadcastInDim")
	}
	if err := shapeinference.BroadcastInDim(n.shape, outputShape, broadcastAxes, nil); err != nil {
		return nil, err
	}
	shape := withDType(outputShape, n.shape.DType)
	if n.shape.EqualDimensions(shape) {
		return n, nil
	}
	return f.add(compute.OpTypeBroadcastInDim, shape, slices.Clone(broadcastAxes), n), nil
}

// sliceAttr are the parameters of Slice.
type sliceAttr struct{ starts, strides []int }

// Slice implements compute.Function.
func (f *function) Slice(x compute.Value, starts, limits, strides []int) (compute.Value, error) {
	n, err := f.node("Slice", x)
	if err != nil {
		return nil, err
	}
	if strides == nil {
		strides = slices.Repeat([]int{1}, n.shape.Rank())
	}
	shape, err := shapeinference.Slice(n.shape, starts, limits, strides)
	if err != nil {
		return nil, err
	}
	if n.shape.EqualDimensions(shape) {
		return n, nil
	}
	return f.add(compute.OpTypeSlice, shape, sliceAttr{slices.Clone(starts), slices.Clone(strides)}, n), nil
}

// Reverse implements compute.Function.
func (f *function) Reverse(x compute.Value, axes ...int) (compute.Value, error) {
	n, err := f.node("Reverse", x)
	if err != nil {
		return nil, err
	}
	for _, a := range axes {
		if a < 0 || a >= n.shape.Rank() {
			return nil, errors.Errorf("backend cpu: Reverse: axis %d is out of range for %s", a, n.shape)
		}
	}
	return f.add(compute.OpTypeReverse, n.shape, slices.Clone(axes), n), nil
}

// Concatenate implements compute.Function.
func (f *function) Concatenate(axis int, operands ...compute.Value) (compute.Value, error) {
	in, err := f.castAll("Concatenate", operands...)
	if err != nil {
		return nil, err
	}
	inShapes := make([]shapes.Shape, len(in))
	for i, n := range in {
		inShapes[i] = n.shape
	}
	shape, err := shapeinference.Concatenate(inShapes, axis)
	if err != nil {
		return nil, err
	}
	if len(in) == 1 {
		return in[0], nil
	}
	return f.add(compute.OpTypeConcatenate, shape, axis, in...), nil
}

// Pad implements compute.Function.
func (f *function) Pad(x, fill compute.Value, axes ...compute.PadAxis) (compute.Value, error) {
	in, err := f.castAll("Pad", x, fill)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Pad(in[0].shape, axes...)
	if err != nil {
		return nil, err
	}
	if !in[1].shape.IsScalar() || in[1].shape.DType != shape.DType {
		return nil, errors.Errorf("backend cpu: Pad: the fill value must be a scalar %s, got %s", shape.DType, in[1].shape)
	}
	config := make([]compute.PadAxis, in[0].shape.Rank())
	copy(config, axes)
	return f.add(compute.OpTypePad, shape, config, in...), nil
}

// reduce records a reduction. Half-precision values are reduced in float32.
func (f *function) reduce(op compute.OpType, x compute.Value, axes []int) (compute.Value, error) {
	n, err := f.node(op.String(), x)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		axes = make([]int, n.shape.Rank())
		for i := range axes {
			axes[i] = i
		}
	}
	shape, err := shapeinference.Reduce(n.shape, axes)
	if err != nil {
		return nil, err
	}
	dtype := n.shape.DType
	switch op {
	case compute.OpTypeReduceLogicalAnd, compute.OpTypeReduceLogicalOr, compute.OpTypeReduceLogicalXor:
		if dtype != dtypes.Bool {
			return nil, errors.Errorf("backend cpu: %s needs bool, got %s", op, dtype)
		}
	case compute.OpTypeReduceBitwiseAnd, compute.OpTypeReduceBitwiseOr, compute.OpTypeReduceBitwiseXor:
		if !dtype.IsInt() {
			return nil, errors.Errorf("backend cpu: %s needs integers, got %s", op, dtype)
		}
	default:
		if dtype == dtypes.Bool {
			return nil, errors.Errorf("backend cpu: %s of bool", op)
		}
	}
	axes = slices.Clone(axes)
	slices.Sort(axes)
	wide := f.widen(n)
	// Axes of dimension 1 need no reduction.
	axes = slices.DeleteFunc(axes, func(a int) bool { return n.shape.Dimensions[a] == 1 })
	if len(axes) == 0 {
		return f.reshape(n, shape), nil
	}
	return f.convert(f.add(op, withDType(shape, wide.shape.DType), axes, wide), shape.DType), nil
}

// ArgMinMax implements compute.Function.
func (f *function) ArgMinMax(x compute.Value, axis int, outputDType dtypes.DType, isMin bool) (compute.Value, error) {
	n, err := f.node("ArgMinMax", x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.ArgMinMax(n.shape, axis, outputDType)
	if err != nil {
		return nil, err
	}
	return f.convert(f.add(compute.OpTypeArgMinMax, withDType(shape, dtypes.Int64), argAttr{axis, isMin}, f.widen(n)),
		outputDType), nil
}

type argAttr struct {
	axis  int
	isMin bool
}

// RNGBitGenerator implements compute.Function with the same bits as GoMLX's stock go backend: a PCG seeded by the
// first two words of the state.
func (f *function) RNGBitGenerator(state compute.Value,
	shape shapes.Shape) (newState, values compute.Value, err error) {
	n, err := f.node("RNGBitGenerator", state)
	if err != nil {
		return nil, nil, err
	}
	if !n.shape.Equal(compute.RNGStateShape) {
		return nil, nil, errors.Errorf("backend cpu: RNGBitGenerator: the state must be %s, got %s", compute.RNGStateShape,
			n.shape)
	}
	if err := checkShape(shape); err != nil || shape.DType == dtypes.Bool {
		return nil, nil, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: RNGBitGenerator of %s", shape)
	}
	size := shape.Size() * shape.DType.Size()
	return f.addOutput(compute.OpTypeRNGBitGenerator, n.shape, size, 0, n),
		f.addOutput(compute.OpTypeRNGBitGenerator, shape, size, 1, n), nil
}
