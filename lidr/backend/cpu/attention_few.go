package cpu

import (
	"math"
	"unsafe"
)

// fewQueries is the number of queries up to which packing keys and values costs more than it gains, as in decoding.
const fewQueries = 4

// sharing is the number of query heads that meet a key head's rows together at most.
const sharing = 4

// forwardFew computes the outputs for few queries, reading keys and values in place. Heads that share a key head are
// computed together where they attend to the same keys: scores by dot products of rows, outputs as the product of the
// probabilities and the values. Keys at the end that a bias hides are not read.
func (a *attention) forwardFew(x *execution) {
	width, each, size := roundUp(a.keys, 16), a.heads/a.kvHeads, a.pageSize()
	groups := (each + sharing - 1) / sharing // of a key head
	if a.biased && a.bias.strides[1] != 0 {  // each head has keys of its own
		groups = each
	}
	room := 0 // for a page in float32
	if half(a.k.view.val.dtype) {
		room = size * a.dim
	}
	tasks, bounds := split(a.batch*a.kvHeads*groups, max(1, copyGrain/(each*a.keys*a.dim/groups+1)), 64)
	x.parallel(tasks, func(task int, w *workspace) {
		s := scratch{w.scratch((sharing*width + roundUp(2*sharing+1, 16) + room) * 4)}
		p := matrix{s.take(sharing * width), width, 1}
		stats := f32(s.take(2*sharing+1), 2*sharing+1)
		peaks, sums, scale := stats[:sharing], stats[sharing:2*sharing], &stats[2*sharing]
		wide := s.take(room)
		*scale = float32(a.scale)
		lo, hi := bounds(task)
		for item := lo; item < hi; item++ {
			part := item % groups
			b, kv := item/groups/a.kvHeads, item/groups%a.kvHeads
			h, group := kv*each+part*each/groups, (part+1)*each/groups-part*each/groups
			for i := range a.queries {
				t, n := &w.tile, a.visible(x, b, h, i)
				q := matrix{a.q.matrix(x, b, h).at(i, 0).p, a.q.head, 1}
				o := matrix{a.o.matrix(x, b, h).at(i, 0).p, a.o.head, 1}
				if n == 0 {
					for r := range group {
						clear(f32(o.at(r, 0).p, a.dim))
					}
					continue
				}
				for j := 0; j < n; j += size {
					m := min(size, n-j)
					k := a.widened(a.pageOf(x, a.k, b, kv, j/size), min(size, roundUp(m, 4)), wide, t)
					a.scores(group, m, q, k, p.at(0, j), t)
				}
				for r := range group {
					a.addBias(x, b, h+r, i, 1, n, p.at(r, 0))
				}
				*t = tileArgs{dst: unsafe.Pointer(&peaks[0]), a: p.p, n: n, rows: group, strideDst: 4, strideA: width * 4}
				kernels.tile["RowMaxV"](t)
				*t = tileArgs{dst: p.p, a: p.p, b: unsafe.Pointer(&peaks[0]), c: unsafe.Pointer(scale), n: n, rows: group,
					strideDst: width * 4, strideA: width * 4, strideB: 4}
				kernels.tile["ExpScaledVSS"](t)
				*t = tileArgs{dst: unsafe.Pointer(&sums[0]), a: p.p, n: n, rows: group, strideDst: 4, strideA: width * 4}
				kernels.tile["RowSumV"](t)
				for j := 0; j < n; j += size {
					m := min(size, n-j)
					mix(group, a.dim, m, p.at(0, j), a.widened(a.pageOf(x, a.v, b, kv, j/size), m, wide, t), o, j > 0, w)
				}
				*t = tileArgs{dst: o.p, a: o.p, b: unsafe.Pointer(&sums[0]), n: a.dim, rows: group, strideDst: o.row * 4,
					strideA: o.row * 4, strideB: 4}
				kernels.tile["DivVS"](t)
				if !a.lengths {
					lse := f32(x.ptr(a.lse), a.batch*a.heads*a.queries)
					for r := range group {
						lse[(b*a.heads+h+r)*a.queries+i] = float32(float64(peaks[r])*a.scale + math.Log(float64(sums[r])))
					}
				}
			}
		}
	})
}

// scores computes the dot products of rows of q with the first n rows of k, the keys of a page, a block of which stays
// in the first-level cache for all of q. What p holds after the first n columns is unspecified.
func (a *attention) scores(rows, n int, q, k, p matrix, t *tileArgs) {
	const block = 128
	for j := 0; j < n; j += block {
		m := min(block, n-j)
		dots := kernels.tile["RowDotVV"]
		if four := roundUp(m, 4); kernels.dots != nil && a.dim%16 == 0 && j+four <= a.pageSize() {
			dots, m = kernels.dots, four
		}
		for r := range rows {
			*t = tileArgs{dst: p.at(r, j).p, a: q.at(r, 0).p, b: k.at(j, 0).p, n: a.dim, rows: m, strideDst: 4,
				strideB: k.row * 4}
			dots(t)
		}
	}
}

// mix computes C[m × n] = or += A[m × k] · B[k × n] for few rows and b.col = c.col = 1, without packing B.
func mix(m, n, k int, a, b, c matrix, accumulate bool, w *workspace) {
	width, args, t := kernels.micro.width, &w.gemm, &w.tile
	if n%width != 0 { // the micro-kernels would read beyond a row
		for i := range m {
			if !accumulate {
				clear(f32(c.at(i, 0).p, n))
			}
			*t = tileArgs{dst: c.at(i, 0).p, a: b.p, b: a.at(i, 0).p, c: c.at(i, 0).p, n: n, rows: k, strideA: b.row * 4,
				strideB: a.col * 4}
			kernels.tile["MulAddVSV"](t)
		}
		return
	}
	for j := 0; j < n; j += width {
		for i, kind := 0, 0; i < m; i += kernels.micro.rows[kind] {
			for kernels.micro.rows[kind] > m-i {
				kind++
			}
			*args = gemmArgs{k: k, a: a.at(i, 0).p, b: b.at(0, j).p, c: c.at(i, j).p, rowA: a.row * 4, kA: a.col * 4,
				rowB: b.row * 4, rowC: c.row * 4, cols: width}
			if accumulate {
				args.accumulate = 1
			}
			kernels.micro.run[kind](args)
		}
	}
}

// visible returns the number of keys up to the last one that query i of a head attends to.
func (a *attention) visible(x *execution, batch, head, i int) int {
	_, n := a.reach(x, batch, i, i+1)
	if a.biased {
		w := a.bias
		bias := f32(unsafe.Add(x.ptr(w), (batch*w.strides[0]+head*w.strides[1]+i*w.strides[2])*4), n)
		for n > 1 && bias[n-1] <= hidden/2 {
			n--
		}
	}
	return n
}
