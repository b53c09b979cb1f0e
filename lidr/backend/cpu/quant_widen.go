package cpu

import "unsafe"

// goWideners are the plain Go kernels that widen rows, by block type.
var goWideners = makeGoWideners()

func makeGoWideners() map[string]func(*widenArgs) {
	all := map[string]func(*widenArgs){}
	for _, t := range blockTypes {
		all[t.name] = goWiden(t)
	}
	return all
}

// atBlocks is source.at for weights in blocks: a column is a row of the weight, and the place along k, which may lie
// inside a block, is kept apart.
func (s source) atBlocks(i, j int) source {
	s.p, s.k0 = unsafe.Add(s.p, j*s.col), s.k0+i
	return s
}

// packBlocks is source.pack for weights in blocks: 16 rows at a time are widened into scratch, whole blocks of them,
// and transposed.
func (s source) packBlocks(kc, nc int, pack, scratch unsafe.Pointer, ws *workspace) {
	t, width := s.blocks, kernels.micro.width
	first, skip := s.k0/t.values, s.k0%t.values
	count := (skip + kc + t.values - 1) / t.values
	stride := count * t.values
	for j := 0; j < nc; j += 16 {
		w := min(16, nc-j)
		for c := range w {
			ws.widen = widenArgs{dst: unsafe.Add(scratch, c*stride*4), src: unsafe.Add(s.p, (j+c)*s.col+first*t.bytes),
				blocks: count}
			kernels.widen[t.name](&ws.widen)
		}
		panel, column := j/width*width, j%width
		dst := f32(unsafe.Add(pack, panel*kc*4), width*kc)[column:]
		packTransposed(dst, matrix{unsafe.Add(scratch, skip*4), 1, stride}, kc, w, &ws.turn)
	}
}

// runBlockVectors is runVectors for weights in blocks: each row of the weight is widened once for all rows of x.
func (mm *matmul) runBlockVectors(x *execution) {
	t := mm.blocks
	tasks, bounds := split(mm.n, max(1, 64<<10/max(1, mm.k)), 64)
	a, b, c := mm.matrices(x, 0)
	dot := kernels.tile["RowDotVV"]
	x.parallel(tasks, func(task int, w *workspace) {
		row := unsafe.Pointer(unsafe.SliceData(w.scratch(mm.k * 4)))
		lo, hi := bounds(task)
		for j := lo; j < hi; j++ {
			w.widen = widenArgs{dst: row, src: b.at(0, j).p, blocks: mm.k / t.values}
			kernels.widen[t.name](&w.widen)
			w.tile = tileArgs{dst: c.at(0, j).p, a: row, b: a.p, n: mm.k, rows: mm.m, strideDst: c.row * 4,
				strideB: a.row * 4}
			dot(&w.tile)
		}
	})
}
