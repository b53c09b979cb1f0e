package cpu

import (
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// copyGrain is the smallest number of elements worth a task of their own.
const copyGrain = 32 << 10

// dense returns the view if its elements lie in order, else a copy of it.
func (l *lowerer) dense(w view) view {
	if w.dense() {
		return w
	}
	return l.copy(w)
}

// copy schedules a dense copy of a view; equal copies are made once.
func (l *lowerer) copy(w view) view {
	key := copyKey{w.val, w.off, sprint(w.dims, w.strides)}
	if c, ok := l.copies[key]; ok && c.val.storage == inArena {
		return c
	}
	out := l.newValue(w.val.dtype, w.size())
	l.push(&step{name: "Copy", reads: []*value{w.val}, writes: []*value{out}, run: func(x *execution) {
		copyView(x, denseView(out, w.dims), w)
	}})
	c := denseView(out, w.dims)
	l.copies[key] = c
	return c
}

// copyView copies src to dst, two views of the same dimensions.
func copyView(x *execution, dst, src view) {
	switch src.val.dtype.Size() {
	case 1:
		copyStrided[uint8](x, dst, src)
	case 2:
		copyStrided[uint16](x, dst, src)
	case 4:
		copyStrided[uint32](x, dst, src)
	case 8:
		copyStrided[uint64](x, dst, src)
	}
}

// copyStrided walks the destination in order, cut into tasks along the outer axes.
func copyStrided[T any](x *execution, dst, src view) {
	if src.size() == 0 {
		return
	}
	dims, ds, ss := collapse2(dst, src)
	d0, s0 := x.ptr(dst), x.ptr(src)
	var zero T
	size := int(unsafe.Sizeof(zero))
	k := len(dims) - 1
	if k < 0 {
		*(*T)(d0) = *(*T)(s0)
		return
	}
	// Transposition of the two inner axes: walk in blocks so that both sides use whole cache lines.
	if k >= 1 && ds[k] == 1 && ss[k] != 1 && ss[k-1] == 1 && dims[k] >= 8 && dims[k-1] >= 8 {
		outer, m, n := product(dims[:k-1]), dims[k-1], dims[k]
		tasks, bounds := split(outer*m, max(1, copyGrain/n), 64)
		x.parallel(tasks, func(task int, _ *workspace) {
			lo, hi := bounds(task)
			for lo < hi {
				o, i0 := lo/m, lo%m
				i1 := min(m, i0+hi-lo)
				do, so := offset2(o, dims[:k-1], ds, ss)
				const block = 16
				for jb := 0; jb < n; jb += block {
					je := min(n, jb+block)
					for i := i0; i < i1; i++ {
						d := unsafe.Slice((*T)(unsafe.Add(d0, (do+i*ds[k-1]+jb)*size)), je-jb)
						s := so + i + jb*ss[k]
						for j := range d {
							d[j] = *(*T)(unsafe.Add(s0, s*size))
							s += ss[k]
						}
					}
				}
				lo += i1 - i0
			}
		})
		return
	}
	inner := dims[k]
	rows := product(dims[:k])
	if rows == 1 && ds[k] == 1 && ss[k] == 1 { // one long run: cut it
		tasks, bounds := split(inner, copyGrain, 64)
		x.parallel(tasks, func(task int, _ *workspace) {
			lo, hi := bounds(task)
			copy(unsafe.Slice((*T)(unsafe.Add(d0, lo*size)), hi-lo), unsafe.Slice((*T)(unsafe.Add(s0, lo*size)), hi-lo))
		})
		return
	}
	tasks, bounds := split(rows, max(1, copyGrain/inner), 64)
	x.parallel(tasks, func(task int, _ *workspace) {
		lo, hi := bounds(task)
		index := make([]int, k)
		rest := lo
		for i := k - 1; i >= 0; i-- {
			index[i] = rest % dims[i]
			rest /= dims[i]
		}
		do, so := offset2(lo, dims[:k], ds, ss)
		for range hi - lo {
			d, s := unsafe.Add(d0, do*size), unsafe.Add(s0, so*size)
			switch {
			case ds[k] == 1 && ss[k] == 1:
				copy(unsafe.Slice((*T)(d), inner), unsafe.Slice((*T)(s), inner))
			case ds[k] == 1 && ss[k] == 0:
				row, v := unsafe.Slice((*T)(d), inner), *(*T)(s)
				for i := range row {
					row[i] = v
				}
			default:
				for i := range inner {
					*(*T)(unsafe.Add(d, i*ds[k]*size)) = *(*T)(unsafe.Add(s, i*ss[k]*size))
				}
			}
			for i := k - 1; i >= 0; i-- {
				index[i]++
				do, so = do+ds[i], so+ss[i]
				if index[i] < dims[i] {
					break
				}
				do, so = do-dims[i]*ds[i], so-dims[i]*ss[i]
				index[i] = 0
			}
		}
	})
}

// collapse2 merges neighbouring axes that one stride describes in both views.
func collapse2(dst, src view) (dims, ds, ss []int) {
	for i, d := range dst.dims {
		if d == 1 {
			continue
		}
		if k := len(dims) - 1; k >= 0 && ds[k] == d*dst.strides[i] && ss[k] == d*src.strides[i] {
			dims[k] *= d
			ds[k], ss[k] = dst.strides[i], src.strides[i]
			continue
		}
		dims, ds, ss = append(dims, d), append(ds, dst.strides[i]), append(ss, src.strides[i])
	}
	return dims, ds, ss
}

// offset2 is the place of the flat index in two strided layouts.
func offset2(index int, dims, ds, ss []int) (d, s int) {
	for i := len(dims) - 1; i >= 0; i-- {
		d += index % dims[i] * ds[i]
		s += index % dims[i] * ss[i]
		index /= dims[i]
	}
	return d, s
}

// windows are the places of a Concatenate's operands in its output.
func windows(n *node, out *value) []view {
	axis := n.attr.(int)
	starts, ones := make([]int, n.shape.Rank()), slices.Repeat([]int{1}, n.shape.Rank())
	var ws []view
	for _, in := range n.inputs {
		ws = append(ws, denseView(out, n.shape.Dimensions).slice(in.shape.Dimensions, starts, ones))
		starts[axis] += in.shape.Dimensions[axis]
	}
	return ws
}

// concatenate copies each operand into its window.
func (l *lowerer) concatenate(n *node) (view, error) {
	var parts []view
	for i := range n.inputs {
		parts = append(parts, l.in(n, i))
	}
	return l.emit("Concatenate", n.shape, parts, func(x *execution, out *value) {
		for i, w := range windows(n, out) {
			copyView(x, w, parts[i])
		}
	}), nil
}

// pad fills the output and copies the operand into its window. Negative padding crops.
func (l *lowerer) pad(n *node) (view, error) {
	src, fill := l.in(n, 0), l.in(n, 1)
	config := n.attr.([]compute.PadAxis)
	dims := n.shape.Dimensions
	dst := denseView(nil, dims)
	// Along each axis the operand's element i goes to Start + i·(Interior+1); keep those inside the output.
	from, to := make([]int, len(dims)), make([]int, len(dims))
	steps, count := make([]int, len(dims)), make([]int, len(dims))
	for i, c := range config {
		steps[i] = c.Interior + 1
		first := max(0, (-c.Start+steps[i]-1)/steps[i])
		end := src.dims[i]
		if limit := dims[i] - c.Start; end > 0 && (end-1)*steps[i] >= limit {
			end = (limit + steps[i] - 1) / steps[i]
		}
		from[i], count[i], to[i] = first, max(0, end-first), c.Start+first*steps[i]
	}
	part := src.slice(count, from, slices.Repeat([]int{1}, len(dims)))
	window := dst.slice(count, to, steps)
	return l.emit("Pad", n.shape, []view{src, fill}, func(x *execution, out *value) {
		all := denseView(out, dims)
		copyView(x, all, fill.broadcast(dims, nil))
		w := window
		w.val = out
		copyView(x, w, part)
	}), nil
}

// iotaConstant returns the bytes of 0, 1, … n-1.
func iotaConstant(dtype dtypes.DType, n int) []byte {
	values := make([]int64, n)
	for i := range values {
		values[i] = int64(i)
	}
	out := make([]byte, n*dtype.Size())
	if convert := converter(dtypes.Int64, dtype); n > 0 {
		convert(unsafe.Pointer(unsafe.SliceData(out)), unsafe.Pointer(unsafe.SliceData(values)), nil, n)
	}
	return out
}
