package cpu

import (
	"unsafe"

	"github.com/gomlx/compute/dtypes"
)

// blockProduct is a product in integers: x [m, k] rounded, weights [n, k/values blocks], out [m, n] float32.
type blockProduct struct {
	format  *blockType
	m, n, k int
	x, w    view
	out     *value
}

// blockProducts are products of the same rows by several weights, such as those of queries, keys and values. They are
// one step, so that the threads meet once.
type blockProducts []*blockProduct

// sharedProducts is the step of all products of some rows.
type sharedProducts struct {
	at       int // in the schedule
	products blockProducts
}

// multiply schedules a product, in the step of one of the same rows if there is one behind the weight's.
func (l *lowerer) multiply(p *blockProduct) {
	if s := l.shared[p.x.val]; s != nil && p.w.val.step < s.at {
		s.products = append(s.products, p)
		step := l.steps[s.at]
		step.reads, step.writes = append(step.reads, p.w.val), append(step.writes, p.out)
		p.w.val.stored, p.out.step, p.out.stored = true, s.at, true
		return
	}
	s := &sharedProducts{at: len(l.steps), products: blockProducts{p}}
	l.shared[p.x.val] = s
	l.push(&step{name: "QuantizedDense", reads: []*value{p.x.val, p.w.val}, writes: []*value{p.out},
		run: func(e *execution) { s.products.run(e) }})
}

// round schedules the rounding of x, once for all products that read the same rows in the same form.
func (l *lowerer) round(x view, t *blockType) view {
	k := x.dims[len(x.dims)-1]
	m := x.size() / max(1, k)
	halves := 0
	if t.group == 16 {
		halves = 1
	}
	offset := t.offset
	key := copyKey{x.val, x.off, sprint("rounded", offset, halves, x.dims, x.strides)}
	if w, ok := l.copies[key]; ok {
		return w
	}
	x = l.dense(x)
	out := l.newValue(dtypes.Uint8, m*k/32*roundedBytes)
	l.push(&step{name: "Round", reads: []*value{x.val}, writes: []*value{out}, run: func(e *execution) {
		tasks, bounds := split(m*k/32, 256, 16)
		e.parallel(tasks, func(task int, w *workspace) {
			lo, hi := bounds(task)
			w.round = roundArgs{dst: unsafe.Add(e.base[out.id], lo*roundedBytes), src: unsafe.Add(e.ptr(x), lo*32*4),
				blocks: hi - lo, offset: offset, halves: halves}
			kernels.products.round(&w.round)
		})
	}})
	w := denseView(out, []int{out.size})
	l.copies[key] = w
	return w
}

// run computes the products: tasks are strips of panels, for blocks of rows.
func (ps blockProducts) run(e *execution) {
	ends := make([]int, len(ps)) // of each product's tasks
	tasks := 0
	for i, p := range ps {
		strips, _ := p.strips()
		tasks += strips * ((p.m + rowBlock - 1) / rowBlock)
		ends[i] = tasks
	}
	e.parallel(tasks, func(task int, w *workspace) {
		i, begin := 0, 0
		for task >= ends[i] {
			i, begin = i+1, ends[i]
		}
		p := ps[i]
		strips, bounds := p.strips()
		lo, hi := bounds((task - begin) % strips)
		if kernel := p.alone(); kernel != nil {
			p.single(e, kernel, lo, hi, w)
		} else {
			i0 := (task - begin) / strips * rowBlock
			p.panels(e, i0, min(rowBlock, p.m-i0), lo, hi, w)
		}
	})
}

// alone is the kernel of a product of one row, nil if panels are used.
func (p *blockProduct) alone() func(*singleArgs) {
	if p.m != 1 {
		return nil
	}
	return kernels.products.single[p.format.name]
}

// strips cuts the panels of the weight, or the singleWidth rows that serve in their place, into strips.
func (p *blockProduct) strips() (strips int, bounds func(strip int) (lo, hi int)) {
	width := kernels.products.width
	if p.alone() != nil {
		width = singleWidth
	}
	return split((p.n+width-1)/width, max(1, (128<<10)/(p.k*width)), 64)
}

// single computes the results lo·singleWidth … hi·singleWidth-1 of one row.
func (p *blockProduct) single(e *execution, kernel func(*singleArgs), lo, hi int, w *workspace) {
	const width = singleWidth
	row := p.format.row(p.k)
	scratch := w.scratch(singleScratch + width*row + width*4)
	w.single = singleArgs{x: e.ptr(p.x), scratch: unsafe.Pointer(unsafe.SliceData(scratch)), stride: row,
		blocks: p.k / p.format.values}
	a := &w.single
	for j := lo * width; j < min(hi*width, p.n); j += width {
		dst := unsafe.Add(e.base[p.out.id], j*4)
		a.dst, a.src = dst, unsafe.Add(e.ptr(p.w), j*row)
		a.ahead = uintptr(a.src) + uintptr(width*row)
		if p.n-j >= width {
			kernel(a)
			continue
		}
		last := scratch[singleScratch+width*row:]
		a.src = lastRows(scratch[singleScratch:][:width*row], a.src, (p.n-j)*row)
		a.dst = unsafe.Pointer(unsafe.SliceData(last))
		kernel(a)
		copy(f32(dst, p.n-j), f32(a.dst, p.n-j))
	}
}

// lastRows copies the last rows of a weight, so many bytes, into memory of a panel's size.
func lastRows(to []byte, src unsafe.Pointer, bytes int) unsafe.Pointer {
	clear(to)
	copy(to, unsafe.Slice((*byte)(src), bytes))
	return unsafe.Pointer(unsafe.SliceData(to))
}

// panelValues is the number of values of a row that a panel holds: so it stays in the first-level cache.
const panelValues = 1024

// rowBlock is the number of rows of x that one unpacked panel serves: so many stay in the second-level cache.
const rowBlock = 256

// panels computes the results of rows i0 … i0+m-1 by panels lo … hi-1.
func (p *blockProduct) panels(e *execution, i0, m, lo, hi int, w *workspace) {
	t, set := p.format, &kernels.products
	kind, row, strideX, width := t.kind(), t.row(p.k), p.k/32*roundedBytes, set.width
	panelBytes := t.vectors() * width * 4 * min(p.k, panelValues) / 32
	scratch := w.scratch(amxTile + panelBytes + width*row + m*width*4)
	sums, scratch := unsafe.Pointer(unsafe.SliceData(scratch)), scratch[amxTile:]
	panel := unsafe.Pointer(unsafe.SliceData(scratch))
	x, out := e.ptr(p.x), e.base[p.out.id]
	for j := lo; j < hi; j++ {
		j0 := j * width
		src := unsafe.Add(e.ptr(p.w), j0*row)
		dst, strideDst := unsafe.Add(out, (i0*p.n+j0)*4), p.n*4
		ragged := p.n-j0 < width
		if ragged { // results of the panel's width
			src = lastRows(scratch[panelBytes:][:width*row], src, (p.n-j0)*row)
			dst, strideDst = unsafe.Pointer(unsafe.SliceData(scratch[panelBytes+width*row:])), width*4
		}
		for k0 := 0; k0 < p.k; k0 += panelValues {
			kc := min(panelValues, p.k-k0)
			w.panel = panelArgs{dst: panel, src: unsafe.Add(src, t.row(k0)), stride: row, blocks: kc / t.values,
				ahead: uintptr(src) + uintptr(width*(row+t.row(k0)))}
			set.panel[t.name](&w.panel)
			a := &w.product
			*a = productArgs{panel: panel, blocks: kc / 32, strideDst: strideDst, strideX: strideX, accumulate: min(k0, 1),
				offset: t.offset, sums: sums}
			for i, height := 0, 0; i < m; i += set.rows[height] {
				for set.rows[height] > m-i {
					height++
				}
				a.dst = unsafe.Add(dst, i*strideDst)
				a.x = unsafe.Add(x, (i0+i)*strideX+k0/32*roundedBytes)
				set.run[kind][height](a)
			}
		}
		if ragged {
			for i := range m {
				copy(f32(unsafe.Add(out, ((i0+i)*p.n+j0)*4), p.n-j0), f32(unsafe.Add(dst, i*strideDst), p.n-j0))
			}
		}
	}
}
