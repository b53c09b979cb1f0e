package cpu

import (
	"math"
	"unsafe"
)

// fewQueries is the number of queries up to which packing keys and values costs more than it gains, as in decoding.
const fewQueries = 4

// forwardFew computes the outputs for few queries, reading keys and values in place: scores by dot products of rows,
// outputs by adding up rows. Keys at the end that a bias hides are not read.
func (a *attention) forwardFew(x *execution) {
	width := roundUp(a.keys, 16)
	tasks, bounds := split(a.batch*a.heads, max(1, copyGrain/(a.keys*a.dim+1)), 64)
	x.parallel(tasks, func(task int, w *workspace) {
		s := scratch{w.scratch((width + 2*16) * 4)}
		p := matrix{s.take(width), width, 1}
		t, stats := &w.tile, f32(s.take(3), 3)
		stats[2] = float32(a.scale)
		peak, sum, scale := unsafe.Pointer(&stats[0]), unsafe.Pointer(&stats[1]), unsafe.Pointer(&stats[2])
		lo, hi := bounds(task)
		for item := lo; item < hi; item++ {
			b, h := item/a.heads, item%a.heads
			kv := h * a.kvHeads / a.heads
			k, v, o := a.k.matrix(x, b, kv), a.v.matrix(x, b, kv), a.o.matrix(x, b, h)
			for i := range a.queries {
				n := a.visible(x, b, h, i)
				out := o.at(i, 0).p
				clear(f32(out, a.dim))
				if n == 0 {
					continue
				}
				*t = tileArgs{dst: p.p, a: a.q.matrix(x, b, h).at(i, 0).p, b: k.p, n: a.dim, rows: n, strideDst: 4,
					strideB: k.row * 4}
				kernels.tile["RowDotVV"](t)
				a.addBias(x, b, h, i, 1, n, p)
				*t = tileArgs{dst: peak, a: p.p, n: n, rows: 1}
				kernels.tile["RowMaxV"](t)
				*t = tileArgs{dst: p.p, a: p.p, b: peak, c: scale, n: n, rows: 1}
				kernels.tile["ExpScaledVSS"](t)
				*t = tileArgs{dst: sum, a: p.p, n: n, rows: 1}
				kernels.tile["RowSumV"](t)
				*t = tileArgs{dst: out, a: v.p, b: p.p, c: out, n: a.dim, rows: n, strideA: v.row * 4, strideB: 4}
				kernels.tile["MulAddVSV"](t)
				*t = tileArgs{dst: out, a: out, b: sum, n: a.dim, rows: 1}
				kernels.tile["DivVS"](t)
				if !a.lengths {
					f32(x.ptr(a.lse), a.batch*a.heads*a.queries)[item*a.queries+i] = float32(float64(stats[0])*a.scale +
						math.Log(float64(stats[1])))
				}
			}
		}
	})
}

// visible returns the number of keys up to the last one that query i of a head attends to.
func (a *attention) visible(x *execution, batch, head, i int) int {
	n := a.reach(x, batch, i+1)
	if a.biased {
		w := a.bias
		bias := f32(unsafe.Add(x.ptr(w), (batch*w.strides[0]+head*w.strides[1]+i*w.strides[2])*4), n)
		for n > 1 && bias[n-1] <= hidden/2 {
			n--
		}
	}
	return n
}
