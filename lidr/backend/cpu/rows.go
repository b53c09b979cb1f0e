package cpu

import (
	"unsafe"

	"github.com/gomlx/compute/dtypes"
)

// Products of few rows, as in decoding, by a weight whose rows are contiguous ([n, k], as checkpoints hold it) read the
// weight where it is: packing it would cost more than it gains. Every result is a dot product whose additions have one
// order, whatever the number of rows.

// rowsArgs are the operands of a rows kernel: C[tiles·rows × cols] = or += A[tiles·rows × k] · B[cols × k]ᵀ. The
// elements of a row lie side by side; strides are in bytes. ahead is read into the cache on the way, one stretch of k
// float32 for each tile. The assembly reads this layout.
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

// fewRows is the number of rows up to which this is faster than packing: that costs as much as multiplying about 40
// rows, and more if the weight is not in the cache, where rows are read as they lie.
const fewRows = 128

// rowStretch is the longest stretch of k that is multiplied at once: fewRows rows of it stay in the second-level cache,
// rowColumns of the weight's in the first.
const rowStretch = 1536

// stretchUnit divides the places where k is cut: no block of a quantised weight is.
const stretchUnit = 256

// few reports whether gemmRows computes the product.
func (mm *matmul) few() bool {
	return mm.m <= fewRows && mm.k > 0 && mm.rhsK == 1 && mm.lhsK == 1
}

// runFew computes products of few rows: tasks are strips of columns of one product, or several whole products.
func (mm *matmul) runFew(x *execution, batch int) {
	fours := (mm.n + rowColumns - 1) / rowColumns
	strips := min(fours, mm.pieces())
	tasks, bounds := split(batch*strips, 1, mm.tasks())
	x.parallel(tasks, func(task int, w *workspace) {
		for i, end := bounds(task); i < end; i++ {
			a, b, c := mm.matrices(x, i/strips)
			j0, j1 := i%strips*fours/strips*rowColumns, min(mm.n, (i%strips+1)*fours/strips*rowColumns)
			gemmRows(mm.m, j1-j0, mm.k, a, b.at(0, j0), c.at(0, j0), w)
		}
	})
}

// gemmRows computes C[m × n] = A[m × k] · B[k × n] on one thread for a.col = b.row = c.col = 1. Columns of B that are
// no float32 are widened into the first-level cache, once for all rows.
func gemmRows(m, n, k int, a matrix, b source, c matrix, w *workspace) {
	size := b.dtype.Size()
	stretches := max(1, (k+rowStretch-1)/rowStretch)
	border := func(stretch int) int { return stretch * k / stretches / stretchUnit * stretchUnit }
	var panel unsafe.Pointer
	if b.dtype != dtypes.Float32 {
		panel = unsafe.Pointer(unsafe.SliceData(w.scratch(rowColumns * min(k, rowStretch+stretchUnit) * 4)))
	}
	for stretch := range stretches {
		k0, k1 := border(stretch), border(stretch+1)
		if stretch == stretches-1 {
			k1 = k
		}
		args := &w.rows
		*args = rowsArgs{k: k1 - k0, rowA: a.row * 4, rowC: c.row * 4, accumulate: min(stretch, 1)}
		for j := 0; j < n; j += args.cols {
			if args.cols, args.rowB = rowColumns, b.col*size; n-j < rowColumns { // a column at a time
				args.cols, args.rowB = 1, 0
			}
			columns := b.at(k0, j)
			args.b = columns.p
			args.ahead, args.aheadTile = uintptr(args.b)+uintptr(args.cols*b.col*size), b.col*size
			if panel != nil {
				columns.widenRows(args.cols, args.k, panel, w)
				args.b, args.rowB = panel, args.cols/rowColumns*args.k*4
			}
			for i, kind := 0, 0; i < m; i += args.tiles * kernels.rows.rows[kind] {
				for kernels.rows.rows[kind] > m-i {
					kind++
				}
				args.tiles = (m - i) / kernels.rows.rows[kind]
				args.a, args.c = a.at(i, k0).p, c.at(i, j).p
				kernels.rows.run[kind](args)
			}
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
