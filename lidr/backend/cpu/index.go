package cpu

import (
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// indexAt reads element i of an index tensor.
func indexAt(p unsafe.Pointer, dtype dtypes.DType, i int) int {
	if dtype == dtypes.Int32 {
		return int(*(*int32)(unsafe.Add(p, i*4)))
	}
	return int(*(*int64)(unsafe.Add(p, i*8)))
}

// without returns the numbers 0 … n-1 that are not in list.
func without(n int, list []int) []int {
	var out []int
	for i := range n {
		if !slices.Contains(list, i) {
			out = append(out, i)
		}
	}
	return out
}

// pick returns the sub-view along some axes.
func (w view) pick(axes []int) view {
	out := view{val: w.val, off: w.off}
	for _, a := range axes {
		out.dims, out.strides = append(out.dims, w.dims[a]), append(out.strides, w.strides[a])
	}
	return out
}

// gather schedules Gather: for each index vector, a copy of the window of the operand that it points to.
func (l *lowerer) gather(n *node) (view, error) {
	a := n.attr.(gatherAttr)
	src, ids := l.dense(l.in(n, 0)), l.dense(l.in(n, 1))
	dims := n.shape.Dimensions
	// The batch: output axes that are not window axes, in the order of the index tensor's axes without the index vector.
	batchOut := denseView(nil, dims).pick(without(len(dims), a.offsetOutputAxes))
	batchIDs := ids.pick(without(len(ids.dims), []int{a.indexVectorAxis}))
	vector, vectorStride := 1, 0
	if a.indexVectorAxis < len(ids.dims) {
		vector, vectorStride = ids.dims[a.indexVectorAxis], ids.strides[a.indexVectorAxis]
	}
	// The window: operand axes that are not collapsed, against the output's offset axes.
	windowSrc := src.pick(without(len(src.dims), a.collapsedSliceAxes))
	windowOut := denseView(nil, dims).pick(a.offsetOutputAxes)
	windowSrc.dims = windowOut.dims
	wdims, wout, wsrc := collapse2(windowOut, windowSrc)
	return l.emit("Gather", n.shape, []view{src, ids}, func(x *execution, out *value) {
		size := out.dtype.Size()
		window := product(wdims)
		tasks, bounds := split(batchOut.size(), max(1, copyGrain/max(1, window)), 64)
		dst, from, id := x.base[out.id], x.ptr(src), x.ptr(ids)
		x.parallel(tasks, func(task int, _ *workspace) {
			lo, hi := bounds(task)
			for b := lo; b < hi; b++ {
				to, at := offset2(b, batchOut.dims, batchOut.strides, batchIDs.strides)
				start := 0
				for k := range vector {
					axis := a.startIndexMap[k]
					i := indexAt(id, ids.val.dtype, at+k*vectorStride)
					i = max(0, min(i, src.dims[axis]-a.sliceSizes[axis]))
					start += i * src.strides[axis]
				}
				copyWindow(unsafe.Add(dst, to*size), unsafe.Add(from, start*size), size, wdims, wout, wsrc)
			}
		})
	}), nil
}

// copyWindow copies a small strided window of elements.
func copyWindow(dst, src unsafe.Pointer, size int, dims, ds, ss []int) {
	if len(dims) == 0 {
		copy(unsafe.Slice((*byte)(dst), size), unsafe.Slice((*byte)(src), size))
		return
	}
	if len(dims) == 1 && ds[0] == 1 && ss[0] == 1 {
		copy(unsafe.Slice((*byte)(dst), dims[0]*size), unsafe.Slice((*byte)(src), dims[0]*size))
		return
	}
	for i := range dims[0] {
		copyWindow(unsafe.Add(dst, i*ds[0]*size), unsafe.Add(src, i*ss[0]*size), size, dims[1:], ds[1:], ss[1:])
	}
}

// scatter schedules a Scatter: a copy of the operand (none if it can be updated in place), then the updates in order.
// Tasks split the target, not the updates: each goes through all updates and applies those that fall into its part, so
// no two write to the same place and the order of additions is fixed.
func (l *lowerer) scatter(n *node) (view, error) {
	a := n.attr.(scatterAttr)
	base, ids, updates := l.in(n, 0), l.dense(l.in(n, 1)), l.dense(l.in(n, 2))
	dims := n.shape.Dimensions
	s := &scattering{axes: a.scatterAxesToOperandAxes, ids: ids, updates: updates, target: denseView(nil, dims), vector: 1}
	s.batchUp = updates.pick(without(len(updates.dims), a.updateWindowAxes))
	s.batchIDs = ids.pick(without(len(ids.dims), []int{a.indexVectorAxis}))
	if a.indexVectorAxis < len(ids.dims) {
		s.vector, s.vectorStride = ids.dims[a.indexVectorAxis], ids.strides[a.indexVectorAxis]
	}
	windowOut := s.target.pick(without(len(dims), a.insertedWindowAxes))
	windowUp := updates.pick(a.updateWindowAxes)
	windowOut.dims = windowUp.dims
	s.wdims, s.wup, s.wout = collapse2(windowUp, windowOut)
	s.sizes = slices.Repeat([]int{1}, len(dims))
	for i, axis := range without(len(dims), a.insertedWindowAxes) {
		s.sizes[axis] = windowUp.dims[i]
	}
	if s.combine = scatterKernel(n.op, n.shape.DType); s.combine == nil {
		return view{}, unsupported(n)
	}
	// Tasks can split the target if windows lie side by side: without gaps, and beginning at multiples of their length.
	s.span, s.tasks = 1, 1
	for i, d := range s.wdims {
		s.span += (d - 1) * s.wout[i]
	}
	aligned := s.span == product(s.wdims)
	for _, axis := range s.axes {
		aligned = aligned && s.target.strides[axis]%s.span == 0
	}
	if aligned && s.batchUp.size()*s.span >= 4*copyGrain {
		s.tasks = min(8, n.shape.Size()/s.span)
	}
	w := l.emit(n.op.String(), n.shape, []view{base, ids, updates}, func(x *execution, out *value) {
		if !(base.dense() && x.ptr(base) == x.base[out.id]) {
			copyView(x, denseView(out, dims), base)
		}
		x.parallel(s.tasks, func(task int, w *workspace) { s.run(x, out, task, &w.tile) })
	})
	if base.dense() && base.off == 0 && base.size() == base.val.size && updates.val != base.val && ids.val != base.val {
		l.steps[w.val.step].inPlace = [][2]*value{{w.val, base.val}}
	}
	return w, nil
}

// scattering is a Scatter in the form of windows of updates, each combined with a window of the target.
type scattering struct {
	axes                 []int // of the target, that the elements of an index vector are positions on
	ids, updates, target view
	batchIDs, batchUp    view  // an index vector's first element and a window's, for each update
	vector, vectorStride int   // of an index vector
	sizes                []int // the window's, along each axis of the target
	wdims, wup, wout     []int // the window's, axes merged, with its strides in updates and target
	combine              combiner
	span                 int // elements of the target from a window's first to its last
	tasks                int // parts that the target is cut into
}

// run goes through all updates and applies those of the task's part of the target.
func (s *scattering) run(x *execution, out *value, task int, t *tileArgs) {
	size := out.dtype.Size()
	dst, id, up := x.base[out.id], x.ptr(s.ids), x.ptr(s.updates)
	units := (out.size + s.span - 1) / s.span
	lo, hi := task*units/s.tasks*s.span, (task+1)*units/s.tasks*s.span
	*t = tileArgs{rows: 1}
	for b := range s.batchUp.size() {
		from, at := offset2(b, s.batchUp.dims, s.batchUp.strides, s.batchIDs.strides)
		start, inside := 0, true
		for k := range s.vector {
			axis := s.axes[k]
			i := indexAt(id, s.ids.val.dtype, at+k*s.vectorStride)
			inside = inside && i >= 0 && i+s.sizes[axis] <= s.target.dims[axis]
			start += i * s.target.strides[axis]
		}
		if inside && (s.tasks == 1 || start >= lo && start < hi) {
			combineWindow(s.combine, t, unsafe.Add(dst, start*size), unsafe.Add(up, from*size), size, s.wdims, s.wout, s.wup)
		}
	}
}

// combiner folds n elements of src into dst; t is room for a kernel's arguments.
type combiner func(t *tileArgs, dst, src unsafe.Pointer, n, ds, ss int)

func combineWindow(combine combiner, t *tileArgs, dst, src unsafe.Pointer, size int, dims, ds, ss []int) {
	switch len(dims) {
	case 0:
		combine(t, dst, src, 1, 1, 1)
	case 1:
		combine(t, dst, src, dims[0], ds[0], ss[0])
	default:
		for i := range dims[0] {
			combineWindow(combine, t, unsafe.Add(dst, i*ds[0]*size), unsafe.Add(src, i*ss[0]*size), size, dims[1:], ds[1:],
				ss[1:])
		}
	}
}

func (numbers[T]) combine(op compute.OpType) combiner {
	f := func(a, b T) T { return a + b }
	switch op {
	case compute.OpTypeScatterMax:
		f = func(a, b T) T { return max(a, b) }
	case compute.OpTypeScatterMin:
		f = func(a, b T) T { return min(a, b) }
	}
	size := int(unsafe.Sizeof(T(0)))
	return func(_ *tileArgs, dst, src unsafe.Pointer, n, ds, ss int) {
		for i := range n {
			d := (*T)(unsafe.Add(dst, i*ds*size))
			*d = f(*d, *(*T)(unsafe.Add(src, i*ss*size)))
		}
	}
}

// addHalf adds elements of a half-precision type, rounding each sum.
func addHalf[H interface{ Float32() float32 }](round func(float32) H) combiner {
	return func(_ *tileArgs, dst, src unsafe.Pointer, n, ds, ss int) {
		for i := range n {
			d := (*H)(unsafe.Add(dst, i*ds*2))
			*d = round((*d).Float32() + (*(*H)(unsafe.Add(src, i*ss*2))).Float32())
		}
	}
}

// scatterKernel folds with the element type's plain loop; long float32 sums, as in the gradient of an embedding, with a
// tile kernel.
func scatterKernel(op compute.OpType, dtype dtypes.DType) combiner {
	switch dtype {
	case dtypes.BFloat16:
		return addHalf(bfloat16.FromFloat32)
	case dtypes.Float16:
		return addHalf(float16.FromFloat32)
	}
	e := elements[dtype]
	if e == nil {
		return nil
	}
	plain := e.combine(op)
	if dtype != dtypes.Float32 || op != compute.OpTypeScatterSum {
		return plain
	}
	add := kernels.tile["AddVV"]
	return func(t *tileArgs, dst, src unsafe.Pointer, n, ds, ss int) {
		if n < 16 || ds != 1 || ss != 1 {
			plain(t, dst, src, n, ds, ss)
			return
		}
		t.dst, t.a, t.b, t.n = dst, dst, src, n
		add(t)
	}
}

// starts reads clamped start indices.
func starts(x *execution, indices []view, dims, window []int) []int {
	out := make([]int, len(indices))
	for i, w := range indices {
		out[i] = max(0, min(indexAt(x.ptr(w), dtypes.Int64, 0), dims[i]-window[i]))
	}
	return out
}

func (l *lowerer) startViews(n *node, from int) []view {
	var out []view
	for i := from; i < len(n.inputs); i++ {
		out = append(out, l.in(n, i))
	}
	return out
}

// dynamicSlice schedules DynamicSlice: a strided copy from a position known at run time.
func (l *lowerer) dynamicSlice(n *node) (view, error) {
	src, at := l.in(n, 0), l.startViews(n, 1)
	dims := n.shape.Dimensions
	ones := slices.Repeat([]int{1}, len(dims))
	return l.emit("DynamicSlice", n.shape, append([]view{src}, at...), func(x *execution, out *value) {
		copyView(x, denseView(out, dims), src.slice(dims, starts(x, at, src.dims, dims), ones))
	}), nil
}

// dynamicUpdateSlice schedules DynamicUpdateSlice, in place if the operand is dead afterwards.
func (l *lowerer) dynamicUpdateSlice(n *node) (view, error) {
	base, update, at := l.in(n, 0), l.in(n, 1), l.startViews(n, 2)
	dims := n.shape.Dimensions
	ones := slices.Repeat([]int{1}, len(dims))
	w := l.emit("DynamicUpdateSlice", n.shape, append([]view{base, update}, at...), func(x *execution, out *value) {
		all := denseView(out, dims)
		if !(base.dense() && x.ptr(base) == x.base[out.id]) {
			copyView(x, all, base)
		}
		copyView(x, all.slice(update.dims, starts(x, at, dims, update.dims), ones), update)
	})
	if base.dense() && base.off == 0 && base.size() == base.val.size && update.val != base.val {
		l.steps[w.val.step].inPlace = [][2]*value{{w.val, base.val}}
	}
	return w, nil
}
