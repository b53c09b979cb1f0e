package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/pkg/errors"
)

// gatherAttr are the parameters of Gather, in StableHLO's terms.
type gatherAttr struct {
	indexVectorAxis                                                 int
	offsetOutputAxes, collapsedSliceAxes, startIndexMap, sliceSizes []int
}

// Gather implements compute.Function. Indices are clamped so that every slice lies inside the operand.
func (f *function) Gather(operand, startIndices compute.Value, indexVectorAxis int,
	offsetOutputAxes, collapsedSliceAxes, startIndexMap, sliceSizes []int, indicesAreSorted bool) (compute.Value, error) {
	in, err := f.castAll("Gather", operand, startIndices)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Gather(in[0].shape, in[1].shape, indexVectorAxis, offsetOutputAxes, collapsedSliceAxes,
		startIndexMap, sliceSizes, indicesAreSorted)
	if err != nil {
		return nil, err
	}
	attr := gatherAttr{indexVectorAxis, slices.Clone(offsetOutputAxes), slices.Clone(collapsedSliceAxes),
		slices.Clone(startIndexMap), slices.Clone(sliceSizes)}
	return f.add(compute.OpTypeGather, shape, attr, in[0], f.indices(in[1])), nil
}

// indices converts index tensors to one of the two dtypes that kernels read, int32 and int64.
func (f *function) indices(n *node) *node {
	if n.shape.DType == dtypes.Int32 {
		return n
	}
	return f.convert(n, dtypes.Int64)
}

// scatterAttr are the parameters of the Scatter operations, in StableHLO's terms.
type scatterAttr struct {
	indexVectorAxis                                                int
	updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int
}

// ScatterSum implements compute.Function. Updates that fall outside the operand are dropped.
func (f *function) ScatterSum(operand, scatterIndices, updates compute.Value, indexVectorAxis int,
	updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, _, _ bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterSum, operand, scatterIndices, updates,
		scatterAttr{indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes})
}

// ScatterMax implements compute.Function.
func (f *function) ScatterMax(operand, scatterIndices, updates compute.Value, indexVectorAxis int,
	updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, _, _ bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterMax, operand, scatterIndices, updates,
		scatterAttr{indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes})
}

// ScatterMin implements compute.Function.
func (f *function) ScatterMin(operand, scatterIndices, updates compute.Value, indexVectorAxis int,
	updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes []int, _, _ bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterMin, operand, scatterIndices, updates,
		scatterAttr{indexVectorAxis, updateWindowAxes, insertedWindowAxes, scatterAxesToOperandAxes})
}

func (f *function) scatter(op compute.OpType, operand, indices, updates compute.Value,
	attr scatterAttr) (compute.Value, error) {
	in, err := f.castAll(op.String(), operand, indices, updates)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Scatter(in[0].shape, in[1].shape, in[2].shape, attr.indexVectorAxis,
		attr.updateWindowAxes, attr.insertedWindowAxes, attr.scatterAxesToOperandAxes)
	if err != nil {
		return nil, err
	}
	if in[0].shape.DType != in[2].shape.DType || shape.DType == dtypes.Bool {
		return nil, errors.Errorf("backend cpu: %s of %s into %s", op, in[2].shape, in[0].shape)
	}
	attr = scatterAttr{attr.indexVectorAxis, slices.Clone(attr.updateWindowAxes), slices.Clone(attr.insertedWindowAxes),
		slices.Clone(attr.scatterAxesToOperandAxes)}
	if half(shape.DType) && op == compute.OpTypeScatterSum { // in place: the target may be large, and the updates few
		return f.add(op, shape, attr, in[0], f.indices(in[1]), in[2]), nil
	}
	target, source := f.widen(in[0]), f.widen(in[2])
	scattered := f.add(op, withDType(shape, target.shape.DType), attr, target, f.indices(in[1]), source)
	return f.convert(scattered, shape.DType), nil
}

// DynamicSlice implements compute.Function.
func (f *function) DynamicSlice(operand compute.Value, startIndices []compute.Value,
	sliceDims []int) (compute.Value, error) {
	in, err := f.castAll("DynamicSlice", append([]compute.Value{operand}, startIndices...)...)
	if err != nil {
		return nil, err
	}
	if err := f.checkStarts("DynamicSlice", in[0], in[1:]); err != nil {
		return nil, err
	}
	shape, err := shapeinference.DynamicSlice(in[0].shape, sliceDims)
	if err != nil {
		return nil, err
	}
	return f.add(compute.OpTypeDynamicSlice, shape, nil, in...), nil
}

// DynamicUpdateSlice implements compute.Function. It works in place if the operand is not needed afterwards.
func (f *function) DynamicUpdateSlice(operand, update compute.Value,
	startIndices []compute.Value) (compute.Value, error) {
	in, err := f.castAll("DynamicUpdateSlice", append([]compute.Value{operand, update}, startIndices...)...)
	if err != nil {
		return nil, err
	}
	if err := f.checkStarts("DynamicUpdateSlice", in[0], in[2:]); err != nil {
		return nil, err
	}
	shape, err := shapeinference.DynamicUpdateSlice(in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	return f.add(compute.OpTypeDynamicUpdateSlice, shape, nil, in...), nil
}

// checkStarts checks start indices and replaces them by int64 scalars.
func (f *function) checkStarts(op string, operand *node, starts []*node) error {
	if len(starts) != operand.shape.Rank() {
		return errors.Errorf("backend cpu: %s: %d start indices for %s", op, len(starts), operand.shape)
	}
	for i, s := range starts {
		if !s.shape.IsScalar() || !s.shape.DType.IsInt() {
			return errors.Errorf("backend cpu: %s: start index %d must be an integer scalar, got %s", op, i, s.shape)
		}
		starts[i] = f.convert(s, dtypes.Int64)
	}
	return nil
}

// dotAttr are the axes of a DotGeneral.
type dotAttr struct {
	lhsContract, lhsBatch, rhsContract, rhsBatch []int
}

// DotGeneral implements compute.Function. Accumulation is in float32 for half precision and float32.
func (f *function) DotGeneral(lhs compute.Value, lhsContract, lhsBatch []int, rhs compute.Value,
	rhsContract, rhsBatch []int, config compute.DotGeneralConfig) (compute.Value, error) {
	in, err := f.castAll("DotGeneral", lhs, rhs)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.DotGeneral(in[0].shape, lhsContract, lhsBatch, in[1].shape, rhsContract, rhsBatch, config)
	if err != nil {
		return nil, err
	}
	outDType := in[0].shape.DType
	acc := outDType
	if config.AccumulatorDType != dtypes.InvalidDType {
		acc = config.AccumulatorDType
	}
	if config.OutputDType != dtypes.InvalidDType {
		outDType = config.OutputDType
	}
	if half(acc) {
		acc = dtypes.Float32
	}
	if !supportedDTypes[acc] || !supportedDTypes[outDType] || acc == dtypes.Bool {
		return nil, errors.Wrapf(compute.ErrNotImplemented, "backend cpu: DotGeneral of %s with accumulator %s and output %s",
			in[0].shape.DType, acc, outDType)
	}
	attr := dotAttr{slices.Clone(lhsContract), slices.Clone(lhsBatch), slices.Clone(rhsContract), slices.Clone(rhsBatch)}
	n := f.add(compute.OpTypeDotGeneral, withDType(shape, acc), attr, f.convert(in[0], acc), f.convert(in[1], acc))
	return f.convert(n, outDType), nil
}
