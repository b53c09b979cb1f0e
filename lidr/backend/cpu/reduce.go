package cpu

import (
	"math"
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// reduce schedules a reduction outside the fused groups, over any axes and element types: the operand's reduced axes
// are moved to the end by a view, and each output element folds its own elements in order.
func (l *lowerer) reduce(n *node) (view, error) {
	w := l.in(n, 0)
	axes := n.attr.([]int)
	var kept []int
	for a := range w.dims {
		if !slices.Contains(axes, a) {
			kept = append(kept, a)
		}
	}
	run := reduceKernel(n.op, n.shape.DType)
	if run == nil {
		return view{}, unsupported(n)
	}
	outer, inner := w.transpose(kept), w.transpose(axes)
	odims, ostrides := outer.collapsed()
	idims, istrides := inner.collapsed()
	return l.emit(n.op.String(), n.shape, []view{w}, func(x *execution, out *value) {
		tasks, bounds := split(out.size, max(1, copyGrain/max(1, product(idims))), 64)
		src := x.ptr(w)
		parallel(x.backend.threads, tasks, func(task int) {
			lo, hi := bounds(task)
			run(x.base[out.id], src, lo, hi, odims, ostrides, idims, istrides)
		})
	}), nil
}

type reduceFunc func(dst, src unsafe.Pointer, lo, hi int, odims, ostrides, idims, istrides []int)

func reduceWith[T any](start T, f func(a, b T) T) reduceFunc {
	return func(dst, src unsafe.Pointer, lo, hi int, odims, ostrides, idims, istrides []int) {
		size := int(unsafe.Sizeof(start))
		n := product(idims)
		index := make([]int, len(idims))
		for o := lo; o < hi; o++ {
			off, _ := offset2(o, odims, ostrides, ostrides)
			acc := start
			clear(index)
			for range n {
				acc = f(acc, *(*T)(unsafe.Add(src, off*size)))
				for i := len(idims) - 1; i >= 0; i-- {
					index[i]++
					off += istrides[i]
					if index[i] < idims[i] {
						break
					}
					off -= idims[i] * istrides[i]
					index[i] = 0
				}
			}
			*(*T)(unsafe.Add(dst, o*size)) = acc
		}
	}
}

func reduceKernel(op compute.OpType, dtype dtypes.DType) reduceFunc {
	switch dtype {
	case dtypes.Bool:
		switch op {
		case compute.OpTypeReduceLogicalAnd:
			return reduceWith(true, func(a, b bool) bool { return a && b })
		case compute.OpTypeReduceLogicalOr:
			return reduceWith(false, func(a, b bool) bool { return a || b })
		case compute.OpTypeReduceLogicalXor:
			return reduceWith(false, func(a, b bool) bool { return a != b })
		}
	case dtypes.Float32:
		return reduceNumber(op, float32(math.Inf(-1)), float32(math.Inf(1)))
	case dtypes.Float64:
		return reduceNumber(op, math.Inf(-1), math.Inf(1))
	case dtypes.Int8:
		return reduceInteger[int8](op, math.MinInt8, math.MaxInt8)
	case dtypes.Int16:
		return reduceInteger[int16](op, math.MinInt16, math.MaxInt16)
	case dtypes.Int32:
		return reduceInteger[int32](op, math.MinInt32, math.MaxInt32)
	case dtypes.Int64:
		return reduceInteger[int64](op, math.MinInt64, math.MaxInt64)
	case dtypes.Uint8:
		return reduceInteger[uint8](op, 0, math.MaxUint8)
	case dtypes.Uint16:
		return reduceInteger[uint16](op, 0, math.MaxUint16)
	case dtypes.Uint32:
		return reduceInteger[uint32](op, 0, math.MaxUint32)
	case dtypes.Uint64:
		return reduceInteger[uint64](op, 0, math.MaxUint64)
	}
	return nil
}

func reduceNumber[T number](op compute.OpType, lowest, highest T) reduceFunc {
	switch op {
	case compute.OpTypeReduceSum:
		return reduceWith(T(0), func(a, b T) T { return a + b })
	case compute.OpTypeReduceProduct:
		return reduceWith(T(1), func(a, b T) T { return a * b })
	case compute.OpTypeReduceMax:
		return reduceWith(lowest, func(a, b T) T { return max(a, b) })
	case compute.OpTypeReduceMin:
		return reduceWith(highest, func(a, b T) T { return min(a, b) })
	}
	return nil
}

func reduceInteger[T integer](op compute.OpType, lowest, highest T) reduceFunc {
	switch op {
	case compute.OpTypeReduceBitwiseAnd:
		return reduceWith(^T(0), func(a, b T) T { return a & b })
	case compute.OpTypeReduceBitwiseOr:
		return reduceWith(T(0), func(a, b T) T { return a | b })
	case compute.OpTypeReduceBitwiseXor:
		return reduceWith(T(0), func(a, b T) T { return a ^ b })
	}
	return reduceNumber(op, lowest, highest)
}

// argMinMax schedules ArgMinMax with an int64 result: the first of equal elements, or the first NaN.
func (l *lowerer) argMinMax(n *node) (view, error) {
	attr := n.attr.(argAttr)
	w := l.in(n, 0)
	rest := slices.Concat(w.dims[:attr.axis], w.dims[attr.axis+1:])
	outer := view{w.val, w.off, rest, slices.Concat(w.strides[:attr.axis], w.strides[attr.axis+1:])}
	odims, ostrides := outer.collapsed()
	count, stride := w.dims[attr.axis], w.strides[attr.axis]
	run := argKernel(n.inputs[0].shape.DType, attr.isMin)
	if run == nil {
		return view{}, unsupported(n)
	}
	return l.emit("ArgMinMax", n.shape, []view{w}, func(x *execution, out *value) {
		tasks, bounds := split(out.size, max(1, copyGrain/max(1, count)), 64)
		dst := result[int64](x, out)
		parallel(x.backend.threads, tasks, func(task int) {
			lo, hi := bounds(task)
			for o := lo; o < hi; o++ {
				off, _ := offset2(o, odims, ostrides, ostrides)
				dst[o] = int64(run(x.ptr(w), off, stride, count))
			}
		})
	}), nil
}

func argKernel(dtype dtypes.DType, isMin bool) func(src unsafe.Pointer, off, stride, n int) int {
	switch dtype {
	case dtypes.Float32:
		return arg[float32](isMin)
	case dtypes.Float64:
		return arg[float64](isMin)
	case dtypes.Int8:
		return arg[int8](isMin)
	case dtypes.Int16:
		return arg[int16](isMin)
	case dtypes.Int32:
		return arg[int32](isMin)
	case dtypes.Int64:
		return arg[int64](isMin)
	case dtypes.Uint8:
		return arg[uint8](isMin)
	case dtypes.Uint16:
		return arg[uint16](isMin)
	case dtypes.Uint32:
		return arg[uint32](isMin)
	case dtypes.Uint64:
		return arg[uint64](isMin)
	}
	return nil
}

func arg[T number](isMin bool) func(src unsafe.Pointer, off, stride, n int) int {
	return func(src unsafe.Pointer, off, stride, n int) int {
		size := int(unsafe.Sizeof(T(0)))
		best, at := *(*T)(unsafe.Add(src, off*size)), 0
		for i := range n {
			v := *(*T)(unsafe.Add(src, (off+i*stride)*size))
			if best != best {
				break
			}
			if v != v || isMin && v < best || !isMin && v > best {
				best, at = v, i
			}
		}
		return at
	}
}
