package cpu

import (
	"math"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// A cache in pages. Keys and values that a graph gathers from a pool, page by page of a table, and lays side by side
// are read where they are: the gather that is recorded is never run. With pool [pages, heads, page, dim] and table
// [batch, n], they are Reshape(Transpose(Gather(pool, table), 0, 2, 1, 3, 4), batch, heads, n·page, dim), widened from
// bfloat16 if the pool is in half precision.
//
// What a query's result is made of depends on its position alone, and not on the queries beside it: its scores are sums
// over dim, its denominator is the sum over the keys up to its own, and its output adds up the pages in their order. So
// a text has the same bits in one piece or in many, and behind a beginning that was read for another.

// paged replaces gathered keys and values by pool and table. ok is false for any others.
func paged(key, value *node) (keys, values, table *node, ok bool) {
	keys, table = poolOf(key)
	values, other := poolOf(value)
	return keys, values, table, keys != nil && values != nil && table == other
}

// poolOf returns the pool and the table that a node gathers pages from, or nil.
func poolOf(n *node) (pool, table *node) {
	if n.op == compute.OpTypeConvertDType && half(n.inputs[0].shape.DType) {
		n = n.inputs[0]
	}
	if n.op != compute.OpTypeReshape {
		return nil, nil
	}
	n = n.inputs[0]
	if n.op != compute.OpTypeTranspose || sprint(n.attr) != sprint([]int{0, 2, 1, 3, 4}) {
		return nil, nil
	}
	n = n.inputs[0]
	if n.op != compute.OpTypeGather || n.shape.Rank() != 5 {
		return nil, nil
	}
	a, pool, ids := n.attr.(gatherAttr), n.inputs[0], n.inputs[1]
	whole := pool.shape.Clone()
	whole.Dimensions[0] = 1
	if sprint(a) != sprint(gatherAttr{2, []int{2, 3, 4}, []int{0}, []int{0}, whole.Dimensions}) ||
		ids.shape.DType != dtypes.Int32 {
		return nil, nil
	}
	return pool, ids
}

// pageSize is the number of keys that lie side by side.
func (a *attention) pageSize() int {
	if a.page > 0 {
		return a.page
	}
	return a.keys
}

// page is page j of keys or values in the cache of a sequence: the row of each key.
func (a *attention) pageOf(x *execution, h heads, batch, head, j int) source {
	if a.page == 0 {
		return source{matrix: h.matrix(x, batch, head), dtype: dtypes.Float32}
	}
	ids := data[int32](x, a.table)
	id := max(0, min(int(ids[batch*(len(ids)/a.batch)+j]), h.view.dims[0]-1)) // clamped, as a gather does
	dtype := h.view.val.dtype
	p := unsafe.Add(x.ptr(h.view), (id*h.batch+head*h.head)*dtype.Size())
	return source{matrix: matrix{p, h.row, 1}, dtype: dtype}
}

// widened returns the first rows of a page in float32; wide is room for them.
func (a *attention) widened(s source, rows int, wide unsafe.Pointer, t *tileArgs) matrix {
	if s.dtype == dtypes.Float32 {
		return s.matrix
	}
	*t = tileArgs{dst: wide, a: s.p, n: a.dim, rows: rows, strideDst: a.dim * 4, strideA: s.row * 2}
	kernels.tile["From"+halfTypes[s.dtype]+"V"](t)
	return matrix{wide, a.dim, 1}
}

// widthShared is the number of key heads, of all sequences, from which on the query heads that share one are one task:
// its keys are then packed once.
const widthShared = 16

// forwardPages computes the outputs of queries that follow those whose keys are in the cache: with n keys in use, query
// i attends to the first n - queries + i + 1.
func (a *attention) forwardPages(x *execution) {
	size, group := a.page, a.heads/a.kvHeads
	if a.batch*a.kvHeads < widthShared {
		group = 1
	}
	perPage, width := panels(a.dim, size), roundUp(a.keys, 16)
	bytes := (a.keys/size*perPage + panels(size, a.dim) + mBlock*max(size, a.dim) + queryBlock*width + 2*queryBlock +
		6*16) * 4
	x.parallel(a.batch*a.heads/group, func(task int, w *workspace) {
		b, h0 := task*group/a.heads, task*group%a.heads
		kv := h0 * a.kvHeads / a.heads
		s := scratch{w.scratch(bytes)}
		keys, values, room := s.take(a.keys/size*perPage), s.take(panels(size, a.dim)), s.take(mBlock*max(size, a.dim))
		p := matrix{s.take(queryBlock * width), width, 1}
		peak, sum := f32(s.take(queryBlock), queryBlock), f32(s.take(queryBlock), queryBlock)
		before := int(data[int32](x, a.lens)[b]) - a.queries
		for j := 0; j*size < min(a.keys, before+a.queries); j++ {
			page := a.pageOf(x, a.k, b, kv, j)
			page.row, page.col = 1, page.row
			page.pack(a.dim, size, unsafe.Add(keys, j*perPage*4), room, w)
		}
		for h := h0; h < h0+group; h++ {
			q, o := a.q.matrix(x, b, h), a.o.matrix(x, b, h)
			for i0 := 0; i0 < a.queries; i0 += queryBlock {
				rows := min(queryBlock, a.queries-i0)
				n := max(1, min(a.keys, before+i0+rows))
				for j := 0; j*size < n; j++ {
					gemmPanels(rows, min(size, n-j*size), a.dim, q.at(i0, 0), unsafe.Add(keys, j*perPage*4), a.dim,
						p.at(0, j*size), false, nil, w)
				}
				a.pageSoftmax(x, b, h, before, i0, rows, n, p, peak, sum, &w.tile)
				out := o.at(i0, 0)
				for j := 0; j*size < n; j++ {
					m := min(size, n-j*size)
					a.pageOf(x, a.v, b, kv, j).pack(m, a.dim, values, room, w)
					gemmPanels(rows, a.dim, m, p.at(0, j*size), values, m, out, j > 0, nil, w)
				}
				w.tile = tileArgs{dst: out.p, a: out.p, b: unsafe.Pointer(&sum[0]), n: a.dim, rows: rows, strideDst: o.row * 4,
					strideA: o.row * 4, strideB: 4}
				kernels.tile["DivVS"](&w.tile)
			}
		}
	})
}

// pageSoftmax turns the scores p of a block of queries over the first n keys into exp((s - peak)·scale), 0 for keys
// that a query does not attend to, and sums each query's.
func (a *attention) pageSoftmax(x *execution, b, h, before, i0, rows, n int, p matrix, peak, sum []float32,
	t *tileArgs) {
	for i := range rows {
		row := f32(p.at(i, 0).p, n)
		for j := max(1, before+i0+i+1); j < n; j++ {
			row[j] = float32(math.Inf(-1))
		}
	}
	a.addBias(x, b, h, i0, rows, n, p)
	scale := float32(a.scale)
	*t = tileArgs{dst: unsafe.Pointer(&peak[0]), a: p.p, n: n, rows: rows, strideDst: 4, strideA: p.row * 4}
	kernels.tile["RowMaxV"](t)
	*t = tileArgs{dst: p.p, a: p.p, b: unsafe.Pointer(&peak[0]), c: unsafe.Pointer(&scale), n: n, rows: rows,
		strideDst: p.row * 4, strideA: p.row * 4, strideB: 4}
	kernels.tile["ExpScaledVSS"](t)
	for i := range rows {
		*t = tileArgs{dst: unsafe.Pointer(&sum[i]), a: p.at(i, 0).p, n: max(1, min(n, before+i0+i+1)), rows: 1}
		kernels.tile["RowSumV"](t)
	}
}
