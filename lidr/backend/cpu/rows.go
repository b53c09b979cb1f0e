package cpu

import (
	"unsafe"
)

// Products of rows by a weight whose rows are contiguous ([n, k], as checkpoints hold it) read the weight where it is:
// packing it would cost more than it gains. Every result is a dot product whose additions have one order, whatever the
// number of rows: so a text's results do not depend on those that are computed with it.

// rowsArgs are the operands of a rows kernel: C[tiles·rows × cols] = or += A[tiles·rows × k] · B[cols × k]ᵀ. The
// elements of a row lie side by side; strides are in bytes. ahead is read into the cache on the way, one stretch of k
// elements for each tile. The assembly reads this layout.
type rowsArgs struct {
	k, tiles         int
	a, b, c          unsafe.Pointer
	rowA, rowB, rowC int
	cols, accumulate int
	ahead            uintptr // no pointer: it may lie beyond the weight
	aheadTile        int
}

// rowKernels are the rows kernels in use: for tiles of these numbers of rows, descending to 1, and rowColumns columns.
type rowKernels struct {
	rows []int
	run  []func(*rowsArgs)
}

const rowColumns = 4

// pairKernels are the kernels of products whose two operands are bfloat16: rows kernels, and stream kernels for at most
// one tile. A set without them widens both operands. One with AMX multiplies by that where it can.
type pairKernels struct {
	rows, stream rowKernels
	amx          amxKernels
}

// heldValues is the number of values of A that stay in the second-level cache while they meet the columns of B.
const heldValues = 192 << 10

// rowStretch is the longest stretch of k that is multiplied at once: rowColumns of the weight's stay in the first-level
// cache. Another length would change results: each stretch's sum is added to them.
const rowStretch = 1536

// stretchUnit divides the places where k is cut: no block of a quantised weight is.
const stretchUnit = 256

// asStored reports whether the product is computed by gemmRows.
func (mm *matmul) asStored() bool { return mm.rhsK == 1 && mm.lhsK == 1 && mm.k > 0 }

// storedTasks is the number of tasks of a batch of products by a weight as it is stored.
func (mm *matmul) storedTasks(batch int) int {
	const grain = 64 << 10 // values of the weight that are worth a task even if they meet one row
	return max(mm.tasks(), min(64, batch*mm.n*mm.k/grain))
}

// runStored computes products by a weight as it is stored: tasks are strips of columns of one product, or several whole
// products.
func (mm *matmul) runStored(x *execution, batch int) {
	tasks := mm.storedTasks(batch)
	if mm.m*mm.k > 8*heldValues { // each task reads all of A, which no cache of a core's own holds
		tasks = min(tasks, 2*x.backend.threads)
	}
	fours := (mm.n + rowColumns - 1) / rowColumns
	strips := min(fours, (tasks+batch-1)/batch)
	tasks, bounds := split(batch*strips, 1, tasks)
	x.parallel(tasks, func(task int, w *workspace) {
		for i, end := bounds(task); i < end; i++ {
			a, b, c := mm.matrices(x, i/strips)
			j0, j1 := i%strips*fours/strips*rowColumns, min(mm.n, (i%strips+1)*fours/strips*rowColumns)
			gemmRows(mm.m, j1-j0, mm.k, source{matrix: a, dtype: mm.lhs.val.dtype}, b.at(0, j0), c.at(0, j0), w)
		}
	})
}

// gemmRows computes C[m × n] = A[m × k] · B[k × n] on one thread for a.col = b.row = c.col = 1. A is float32, or A and
// B are bfloat16.
func gemmRows(m, n, k int, a, b source, c matrix, w *workspace) {
	stretches := max(1, (k+rowStretch-1)/rowStretch)
	border := func(stretch int) int { return stretch * k / stretches / stretchUnit * stretchUnit }
	for stretch := range stretches {
		k0, k1 := border(stretch), border(stretch+1)
		if stretch == stretches-1 {
			k1 = k
		}
		kc := k1 - k0
		w.rows = rowsArgs{k: kc, rowA: a.row * a.dtype.Size(), rowC: c.row * 4, accumulate: min(stretch, 1)}
		for i, held := 0, max(1, heldValues/kc); i < m; i += held {
			rowsStretch(min(held, m-i), n, a.at(i, k0), b.at(k0, 0), c.at(i, 0), w)
		}
	}
}

// streamBytes divides the stretches of the first operand that stream kernels read: their vectors.
const streamBytes = 64

// rowsStretch computes a stretch of gemmRows, w.rows.k elements long. Columns of B that are no float32 are widened into
// the first-level cache, once for all rows, unless these are so few that a stream kernel reads them.
func rowsStretch(m, n int, a, b source, c matrix, w *workspace) {
	args, size, set := &w.rows, b.dtype.Size(), &kernels.rows
	var panel unsafe.Pointer
	stream := kernels.stream[halfTypes[b.dtype]]
	if half(a.dtype) {
		stream, set = kernels.pairs.stream, &kernels.pairs.rows
	}
	if b.blocks == nil && len(stream.rows) > 0 && m <= stream.rows[0] && args.k*a.dtype.Size()%streamBytes == 0 {
		set = &stream
	} else if b.dtype != a.dtype {
		panel = unsafe.Pointer(unsafe.SliceData(w.scratch(rowColumns * args.k * 4)))
	}
	for j := 0; j < n; j += args.cols {
		if args.cols, args.rowB = rowColumns, b.col*size; n-j < rowColumns { // a column at a time
			args.cols, args.rowB = 1, 0
		}
		columns := b.at(0, j)
		args.b = columns.p
		args.ahead, args.aheadTile = uintptr(args.b)+uintptr(args.cols*b.col*size), b.col*size
		if panel != nil {
			columns.widenRows(args.cols, args.k, panel, w)
			args.b, args.rowB = panel, args.cols/rowColumns*args.k*4
		}
		for i, kind := 0, 0; i < m; i += args.tiles * set.rows[kind] {
			for set.rows[kind] > m-i {
				kind++
			}
			args.tiles = (m - i) / set.rows[kind]
			args.a, args.c = a.at(i, 0).p, c.at(i, j).p
			set.run[kind](args)
		}
	}
}

// widenRows writes the first k elements of n columns as rows of float32.
func (s source) widenRows(n, k int, dst unsafe.Pointer, w *workspace) {
	if s.blocks == nil {
		w.tile = tileArgs{dst: dst, a: s.p, n: k, rows: n, strideDst: k * 4, strideA: s.col * s.dtype.Size()}
		kernels.tile["From"+halfTypes[s.dtype]+"V"](&w.tile)
		return
	}
	for i := range n {
		w.widen = widenArgs{dst: unsafe.Add(dst, i*k*4), src: unsafe.Add(s.p, i*s.col+s.k0/s.blocks.values*s.blocks.bytes),
			blocks: k / s.blocks.values}
		kernels.widen[s.blocks.name](&w.widen)
	}
}

func goRows(g *rowsArgs) {
	for i := range g.tiles {
		a, c := f32(unsafe.Add(g.a, i*g.rowA), g.k), f32(unsafe.Add(g.c, i*g.rowC), g.cols)
		for j := range c {
			var acc [4]float32
			for e, v := range f32(unsafe.Add(g.b, j*g.rowB), g.k) {
				acc[e&3] += v * a[e]
			}
			sum := acc[0] + acc[1] + acc[2] + acc[3]
			if g.accumulate != 0 {
				sum += c[j]
			}
			c[j] = sum
		}
	}
}
