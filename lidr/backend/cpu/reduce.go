package cpu

import (
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
		x.parallel(tasks, func(task int, _ *workspace) {
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
	if e := elements[dtype]; e != nil {
		return e.reduce(op)
	}
	switch op { // bool
	case compute.OpTypeReduceLogicalAnd:
		return reduceWith(true, func(a, b bool) bool { return a && b })
	case compute.OpTypeReduceLogicalOr:
		return reduceWith(false, func(a, b bool) bool { return a || b })
	case compute.OpTypeReduceLogicalXor:
		return reduceWith(false, func(a, b bool) bool { return a != b })
	}
	return nil
}

func (e numbers[T]) reduce(op compute.OpType) reduceFunc {
	switch op {
	case compute.OpTypeReduceSum:
		return reduceWith(T(0), func(a, b T) T { return a + b })
	case compute.OpTypeReduceProduct:
		return reduceWith(T(1), func(a, b T) T { return a * b })
	case compute.OpTypeReduceMax:
		return reduceWith(e.lowest, func(a, b T) T { return max(a, b) })
	case compute.OpTypeReduceMin:
		return reduceWith(e.highest, func(a, b T) T { return min(a, b) })
	}
	return nil
}

func (e integers[T, U]) reduce(op compute.OpType) reduceFunc {
	switch op {
	case compute.OpTypeReduceBitwiseAnd:
		return reduceWith(^T(0), func(a, b T) T { return a & b })
	case compute.OpTypeReduceBitwiseOr:
		return reduceWith(T(0), func(a, b T) T { return a | b })
	case compute.OpTypeReduceBitwiseXor:
		return reduceWith(T(0), func(a, b T) T { return a ^ b })
	}
	return e.numbers.reduce(op)
}

// argMinMax schedules ArgMinMax with an int64 result: the first of equal elements, or the first NaN.
func (l *lowerer) argMinMax(n *node) (view, error) {
	attr := n.attr.(argAttr)
	w := l.in(n, 0)
	rest := slices.Concat(w.dims[:attr.axis], w.dims[attr.axis+1:])
	outer := view{w.val, w.off, rest, slices.Concat(w.strides[:attr.axis], w.strides[attr.axis+1:])}
	odims, ostrides := outer.collapsed()
	count, stride := w.dims[attr.axis], w.strides[attr.axis]
	e := elements[n.inputs[0].shape.DType]
	if e == nil {
		return view{}, unsupported(n)
	}
	run := e.arg(attr.isMin)
	return l.emit("ArgMinMax", n.shape, []view{w}, func(x *execution, out *value) {
		tasks, bounds := split(out.size, max(1, copyGrain/max(1, count)), 64)
		dst := result[int64](x, out)
		x.parallel(tasks, func(task int, _ *workspace) {
			lo, hi := bounds(task)
			for o := lo; o < hi; o++ {
				off, _ := offset2(o, odims, ostrides, ostrides)
				dst[o] = int64(run(x.ptr(w), off, stride, count))
			}
		})
	}), nil
}

func (numbers[T]) arg(isMin bool) func(src unsafe.Pointer, off, stride, n int) int {
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
