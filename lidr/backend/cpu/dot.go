package cpu

import (
	"slices"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// matmul is a DotGeneral brought to the form of a batch of matrix products over strided operands.
type matmul struct {
	m, n, k       int
	batch         []int // dimensions
	lhs, rhs, out view  // for their memory
	lhsBatch      []int // strides along the batch axes, in elements
	rhsBatch      []int
	outBatch      []int
	lhsM, lhsK    int // strides, in elements
	rhsN, rhsK    int
	outM          int
	blocks        *blockType // of the right-hand side, or nil
	slabs         int        // parts of a long contraction whose products are added up, if above 1
	amx           bool       // the left-hand side is packed for AMX
	rowBlocks     int        // blocks of rows that share the packed right-hand side, if above 1
	room          *value     // memory for the slabs' products, or for the packed right-hand side
}

// dot schedules a DotGeneral. Operands are read through their views; only those whose rows, columns or contracted axes
// have no single stride are copied. If the product's one use is a transposition that keeps the last axes in place, it
// is written in the transposed order right away.
func (l *lowerer) dot(n *node) (view, error) {
	attr := n.attr.(dotAttr)
	lhs, rhs := l.views[n.inputs[0]], l.views[n.inputs[1]]
	pairs := inPairs(lhs, rhs, attr)
	if !pairs {
		lhs = l.in(n, 0)
	}
	order := func(w view, first, second []int) []int {
		return slices.Concat(first, without(len(w.dims), slices.Concat(first, second)), second)
	}
	lhs = lhs.transpose(order(lhs, attr.lhsBatch, attr.lhsContract))
	rhs = rhs.transpose(order(rhs, attr.rhsBatch, attr.rhsContract))
	if pairs {
		lhs, rhs = l.dense(lhs), l.dense(rhs)
	}
	nb, nk := len(attr.lhsBatch), len(attr.lhsContract)
	parts := func(w view) (batch, free, contract view) {
		cut := len(w.dims) - nk
		sub := func(lo, hi int) view { return view{w.val, w.off, w.dims[lo:hi], w.strides[lo:hi]} }
		return sub(0, nb), sub(nb, cut), sub(cut, len(w.dims))
	}
	single := func(w view) bool { dims, _ := w.collapsed(); return len(dims) <= 1 }
	if _, free, contract := parts(lhs); !single(free) || !single(contract) {
		lhs = l.dense(lhs)
	}
	if _, free, contract := parts(rhs); !single(free) || !single(contract) {
		rhs = l.dense(rhs)
	}
	_, _, kl := parts(lhs)
	_, _, kr := parts(rhs)
	if dims, _, _ := collapse2(kl, kr); len(dims) > 1 {
		lhs, rhs = l.dense(lhs), l.dense(rhs)
	}
	bl, ml, kl := parts(lhs)
	br, nr, kr := parts(rhs)
	stride := func(w view) int {
		if _, s := w.collapsed(); len(s) > 0 {
			return s[0]
		}
		return 1
	}
	mm := &matmul{m: ml.size(), n: nr.size(), k: kl.size(), lhs: lhs, rhs: rhs, batch: bl.dims, lhsBatch: bl.strides,
		rhsBatch: br.strides, lhsM: stride(ml), lhsK: stride(kl), rhsN: stride(nr), rhsK: stride(kr)}
	dims := n.shape.Dimensions
	result := view{dims: dims, strides: denseStrides(dims)}
	if perm := l.transposedUse(n); perm != nil && n.shape.DType == dtypes.Float32 {
		// The memory has the order of the transposed axes; the product sees it through the inverse permutation.
		inverse := make([]int, len(perm))
		physical := make([]int, len(perm))
		for i, p := range perm {
			inverse[p], physical[i] = i, dims[p]
		}
		w := denseView(nil, physical).transpose(inverse)
		free := view{dims: w.dims[nb : nb+len(ml.dims)], strides: w.strides[nb : nb+len(ml.dims)]}
		columns := view{dims: w.dims[nb+len(ml.dims):], strides: w.strides[nb+len(ml.dims):]}
		if single(free) && columns.dense() {
			result = w
		}
	}
	mm.outBatch = result.strides[:nb]
	mm.outM = stride(view{dims: result.dims[nb : nb+len(ml.dims)], strides: result.strides[nb : nb+len(ml.dims)]})
	out := l.newValue(n.shape.DType, n.shape.Size())
	result.val = out
	mm.out = result
	if n.shape.DType == dtypes.Float32 {
		if pairs {
			l.packAMX(mm)
		}
		l.product(mm)
		return result, nil
	}
	e := elements[n.shape.DType]
	if e == nil {
		return view{}, unsupported(n)
	}
	l.push(&step{name: "DotGeneral", reads: []*value{lhs.val, rhs.val}, writes: []*value{out},
		run: func(x *execution) { mm.runPlain(x, e) }})
	return result, nil
}

// inPairs reports whether a product multiplies bfloat16 by bfloat16, along one axis of each. Operands whose elements do
// not lie along that axis are transposed before.
func inPairs(lhs, rhs view, attr dotAttr) bool {
	return lhs.val.dtype == dtypes.BFloat16 && rhs.val.dtype == dtypes.BFloat16 && len(attr.lhsBatch) == 0 &&
		len(attr.lhsContract) == 1 && len(kernels.pairs.rows.rows) > 0
}

// product schedules a product in float32.
func (l *lowerer) product(mm *matmul) {
	s := &step{name: "DotGeneral", reads: []*value{mm.lhs.val, mm.rhs.val}, writes: []*value{mm.out.val}, run: mm.run}
	if room := mm.cut(); room > 0 {
		mm.room = l.newValue(dtypes.Float32, room)
		s.writes = append(s.writes, mm.room)
	}
	l.push(s)
}

// transposedUse returns the permutation if the node's only use is a Transpose.
func (l *lowerer) transposedUse(n *node) []int {
	if users := l.users[n]; len(users) == 1 && users[0].op == compute.OpTypeTranspose && !l.outputs[n] {
		return users[0].attr.([]int)
	}
	return nil
}

// matrices returns the operands of one product of the batch.
func (mm *matmul) matrices(x *execution, batch int) (a matrix, b source, c matrix) {
	la, lb := offset2(batch, mm.batch, mm.lhsBatch, mm.rhsBatch)
	lc, _ := offset2(batch, mm.batch, mm.outBatch, mm.outBatch)
	size, dtype := mm.out.val.dtype.Size(), mm.rhs.val.dtype
	return matrix{unsafe.Add(x.ptr(mm.lhs), la*size), mm.lhsM, mm.lhsK},
		source{matrix{unsafe.Add(x.ptr(mm.rhs), lb*dtype.Size()), mm.rhsK, mm.rhsN}, dtype, mm.blocks, 0},
		matrix{unsafe.Add(x.ptr(mm.out), lc*size), mm.outM, 1}
}

// run computes the product: tasks are blocks of rows and columns of one product, or several whole products.
func (mm *matmul) run(x *execution) {
	batch := product(mm.batch)
	if batch*mm.m*mm.n == 0 {
		return
	}
	switch {
	case mm.amx:
		mm.runAMX(x)
		return
	case mm.asStored():
		mm.runStored(x, batch)
		return
	}
	pieces := mm.pieces()
	if pieces == 1 {
		tasks, bounds := split(batch, 1, mm.tasks())
		x.parallel(tasks, func(task int, w *workspace) {
			lo, hi := bounds(task)
			for i := lo; i < hi; i++ {
				a, b, c := mm.matrices(x, i)
				gemm(mm.m, mm.n, mm.k, a, b, c, w)
			}
		})
		return
	}
	switch {
	case mm.slabs > 1:
		mm.runSlabs(x)
		return
	case mm.rowBlocks > 1:
		mm.runRows(x)
		return
	}
	// Columns first: each task packs its own part of B once. Then rows.
	colBlocks := max(1, min(pieces, mm.n/64))
	rowBlocks := max(1, min((pieces+colBlocks-1)/colBlocks, mm.m/mBlock))
	rowStep, colStep := roundUp((mm.m+rowBlocks-1)/rowBlocks, 12), roundUp((mm.n+colBlocks-1)/colBlocks, 32)
	rowBlocks, colBlocks = (mm.m+rowStep-1)/rowStep, (mm.n+colStep-1)/colStep
	x.parallel(batch*rowBlocks*colBlocks, func(task int, w *workspace) {
		i0, j0 := task/colBlocks%rowBlocks*rowStep, task%colBlocks*colStep
		m, n := min(rowStep, mm.m-i0), min(colStep, mm.n-j0)
		a, b, c := mm.matrices(x, task/colBlocks/rowBlocks)
		gemm(m, n, mm.k, a.at(i0, 0), b.at(0, j0), c.at(i0, j0), w)
	})
}

// tasks is the number of tasks that the work is worth.
func (mm *matmul) tasks() int {
	const grain = 4e6 // floating-point operations a task
	work := 2 * float64(product(mm.batch)) * float64(mm.m) * float64(mm.n) * float64(mm.k)
	return max(1, min(24, int(work/grain)))
}

// pieces is the number of tasks for one product of the batch.
func (mm *matmul) pieces() int {
	batch := product(mm.batch)
	return (mm.tasks() + batch - 1) / max(1, batch)
}

// cut decides whether a product is computed by slabs or by blocks of rows, and returns how much room that takes.
func (mm *matmul) cut() (room int) {
	pieces := mm.pieces()
	if pieces == 1 || product(mm.batch) != 1 || mm.asStored() {
		return 0
	}
	if slabs := min(8, mm.k/(2*kBlock)); slabs > 1 && mm.k > 2*(mm.m+mm.n) {
		mm.slabs = slabs
		return slabs * mm.m * mm.n
	}
	if rowBlocks := min(pieces, mm.m/mBlock); rowBlocks > 1 && mm.k <= kBlock*4 && mm.n*mm.k <= sharedPack {
		mm.rowBlocks = rowBlocks
		return roundUp(mm.n, kernels.micro.width) * mm.k
	}
	return 0
}

// sharedPack is the size of the right-hand side, in elements, up to which it is packed once for all blocks of rows.
const sharedPack = 1 << 20

// runRows computes one product by blocks of rows that share the packed right-hand side.
func (mm *matmul) runRows(x *execution) {
	width := kernels.micro.width
	blocks := kBlocks(mm.k)
	columns := roundUp(mm.n, width)
	shared := x.base[mm.room.id]
	a, b, c := mm.matrices(x, 0)
	part := func(block int) (k0, kc int, panels unsafe.Pointer) {
		k0 = block * mm.k / blocks
		return k0, (block+1)*mm.k/blocks - k0, unsafe.Add(shared, columns*k0*4)
	}
	strips := max(1, min(mm.n/(4*width), 8))
	x.parallel(strips, func(task int, w *workspace) {
		spare := unsafe.Pointer(unsafe.SliceData(w.scratch(packSize(0, mm.k))))
		j0, j1 := task*(columns/width)/strips*width, (task+1)*(columns/width)/strips*width
		for block := range blocks {
			k0, kc, panels := part(block)
			b.at(k0, j0).pack(kc, min(j1, mm.n)-j0, unsafe.Add(panels, j0*kc*4), spare, w)
		}
	})
	step := roundUp((mm.m+mm.rowBlocks-1)/mm.rowBlocks, 12)
	x.parallel((mm.m+step-1)/step, func(task int, w *workspace) {
		spare := unsafe.Pointer(unsafe.SliceData(w.scratch(packSize(0, mm.k))))
		i0 := task * step
		for block := range blocks {
			k0, kc, panels := part(block)
			gemmPanels(min(step, mm.m-i0), mm.n, kc, a.at(i0, k0), panels, kc, c.at(i0, 0), block > 0, spare, w)
		}
	})
}

// runSlabs computes a product with a long contraction, as a weight's gradient is, by slabs of the contracted axis: so
// each task reads its own part of both operands, and reads it once. The slabs' results are added up in order.
func (mm *matmul) runSlabs(x *execution) {
	size, slabs, parts := mm.m*mm.n, mm.slabs, x.base[mm.room.id]
	a, b, c := mm.matrices(x, 0)
	x.parallel(slabs, func(slab int, w *workspace) {
		k0, k1 := slab*mm.k/slabs, (slab+1)*mm.k/slabs
		part := matrix{unsafe.Add(parts, slab*size*4), mm.n, 1}
		gemm(mm.m, mm.n, k1-k0, a.at(0, k0), b.at(k0, 0), part, w)
	})
	tasks, bounds := split(mm.m, max(1, copyGrain/mm.n), 8)
	x.parallel(tasks, func(task int, w *workspace) {
		lo, hi := bounds(task)
		sum := c.at(lo, 0)
		for slab := 1; slab < slabs; slab++ {
			from := matrix{unsafe.Add(parts, slab*size*4), mm.n, 1}.at(lo, 0)
			w.tile = tileArgs{dst: sum.p, a: sum.p, b: from.p, n: mm.n, rows: hi - lo, strideDst: c.row * 4, strideA: c.row * 4,
				strideB: mm.n * 4}
			if slab == 1 {
				w.tile.a, w.tile.strideA = unsafe.Add(parts, lo*mm.n*4), mm.n*4
			}
			kernels.tile["AddVV"](&w.tile)
		}
	})
}

// runPlain computes products of other element types with plain loops.
func (mm *matmul) runPlain(x *execution, e element) {
	x.parallel(product(mm.batch), func(i int, _ *workspace) {
		a, b, c := mm.matrices(x, i)
		e.dot(mm.m, mm.n, mm.k, a, b.matrix, c)
	})
}

func (numbers[T]) dot(m, n, k int, a, b, c matrix) {
	size := int(unsafe.Sizeof(T(0)))
	at := func(m matrix, i, j int) *T { return (*T)(unsafe.Add(m.p, (i*m.row+j*m.col)*size)) }
	for i := range m {
		for j := range n {
			var sum T
			for e := range k {
				sum += *at(a, i, e) * *at(b, e, j)
			}
			*at(c, i, j) = sum
		}
	}
}
