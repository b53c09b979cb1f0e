package cpu

import (
	"unsafe"
)

// gemmArgs are the operands of a micro-kernel: C[rows × cols] = or += A[rows × k] · B[k × width]. Strides are in bytes;
// the columns of B lie side by side, and so do those of C. The assembly reads this layout.
type gemmArgs struct {
	k                    int
	a, b, c              unsafe.Pointer
	rowA, kA, rowB, rowC int
	cols, accumulate     int
}

// microKernels are the matrix-multiplication kernels in use: for blocks of up to width columns and of these numbers of
// rows, descending to 1.
type microKernels struct {
	width int
	rows  []int
	run   []func(*gemmArgs)
}

func goGemm(rows int) func(*gemmArgs) {
	return func(g *gemmArgs) {
		var acc [4 * 16]float32
		for k := range g.k {
			row := f32(unsafe.Add(g.b, k*g.rowB), 16)
			for i := range rows {
				v := *(*float32)(unsafe.Add(g.a, i*g.rowA+k*g.kA))
				out := acc[i*16 : i*16+16]
				for j, w := range row {
					out[j] += v * w
				}
			}
		}
		for i := range rows {
			c := f32(unsafe.Add(g.c, i*g.rowC), g.cols)
			for j := range c {
				if g.accumulate != 0 {
					c[j] += acc[i*16+j]
				} else {
					c[j] = acc[i*16+j]
				}
			}
		}
	}
}

// matrix is a strided float32 matrix (strides in elements).
type matrix struct {
	p        unsafe.Pointer
	row, col int
}

func (m matrix) at(i, j int) matrix {
	return matrix{unsafe.Add(m.p, (i*m.row+j*m.col)*4), m.row, m.col}
}

// Blocking: a panel of B of kBlock rows and one kernel width stays in the first-level cache while mBlock rows of A are
// multiplied with it.
const (
	kBlock = 256
	mBlock = 96
	nBlock = 512

	kWhole = 384 // the contraction up to which one block is better than two: C is then written once and not read again
)

// kBlocks is the number of blocks that a contraction of k elements is cut into.
func kBlocks(k int) int {
	if k <= kWhole {
		return 1
	}
	return (k + kBlock - 1) / kBlock
}

// packSize is the scratch memory gemm needs, in bytes.
func packSize(n, k int) int {
	return min(k, kWhole) * (roundUp(min(n, nBlock), kernels.micro.width) + mBlock) * 4
}

// gemm computes C[m × n] = A[m × k] · B[k × n] on one thread; c.col must be 1.
func gemm(m, n, k int, a matrix, b source, c matrix, w *workspace) {
	if k == 0 {
		for i := range m {
			clear(f32(c.at(i, 0).p, n))
		}
		return
	}
	blocks := kBlocks(k)
	pack := unsafe.Pointer(unsafe.SliceData(w.scratch(packSize(n, k))))
	packA := unsafe.Add(pack, packSize(n, k)-mBlock*min(k, kWhole)*4)
	strips := (n + nBlock - 1) / nBlock // of equal width: A may be packed again for each
	step := roundUp((n+strips-1)/strips, kernels.micro.width)
	for j0 := 0; j0 < n; j0 += step {
		nc := min(step, n-j0)
		for block := range blocks {
			k0, k1 := block*k/blocks, (block+1)*k/blocks
			kc := k1 - k0
			b.at(k0, j0).pack(kc, nc, pack, packA, w)
			gemmPanels(m, nc, kc, a.at(0, k0), pack, kc, c.at(0, j0), block > 0, packA, w)
		}
	}
}

// gemmPanels computes C[m × n] = or += A[m × k] · B[k × n] with B packed in panels of panelRows ≥ k rows. A is read in
// place, unless its columns are far apart and there is room for packing it (packA: mBlock × k elements, or nil).
func gemmPanels(m, n, k int, a matrix, b unsafe.Pointer, panelRows int, c matrix, accumulate bool, packA unsafe.Pointer,
	w *workspace) {
	args, t := &w.gemm, &w.tile
	width := kernels.micro.width
	*args = gemmArgs{k: k, rowA: a.row * 4, kA: a.col * 4, rowB: width * 4, rowC: c.row * 4}
	if accumulate {
		args.accumulate = 1
	}
	tall := kernels.micro.rows[0]
	packing := packA != nil && a.row == 1 && a.col > 2*tall && n > width
	for i0 := 0; i0 < m; i0 += mBlock {
		mc := min(mBlock, m-i0)
		block := matrix{unsafe.Add(a.p, i0*a.row*4), a.row, a.col}
		if packing {
			whole := roundUp(tall, 8) // vectors: what is too much the next row, or tile, overwrites
			for i := 0; i < mc; i += tall {
				n := whole
				if i+whole > mc {
					n = min(tall, mc-i)
				}
				*t = tileArgs{dst: unsafe.Add(packA, i*k*4), a: unsafe.Add(block.p, i*4), n: n, rows: k,
					strideDst: tall * 4, strideA: a.col * 4}
				kernels.tile["CopyV"](t)
			}
			args.kA = tall * 4
		}
		for j := 0; j < n; j += width {
			args.b = unsafe.Add(b, j*panelRows*4)
			args.cols = min(width, n-j)
			for i, kind := 0, 0; i < mc; i += kernels.micro.rows[kind] {
				for kernels.micro.rows[kind] > mc-i {
					kind++
				}
				if packing { // tile i/tall, row i%tall
					args.a = unsafe.Add(packA, (i/tall*tall*k+i%tall)*4)
				} else {
					args.a = unsafe.Add(block.p, i*a.row*4)
				}
				args.c = unsafe.Add(c.p, ((i0+i)*c.row+j)*4)
				kernels.micro.run[kind](args)
			}
		}
	}
}

// packB copies B[kc × nc] into panels of the kernel's width, each row by row along k. The contents of a panel beyond
// the last column are unspecified: results of these columns are not stored.
func packB(b matrix, kc, nc int, pack unsafe.Pointer, ws *workspace) {
	width, t := kernels.micro.width, &ws.tile
	for j := 0; j < nc; j += width {
		w := min(width, nc-j)
		src, dst := b.at(0, j), unsafe.Add(pack, j*kc*4)
		if b.col == 1 || w == 1 {
			*t = tileArgs{dst: dst, a: src.p, n: w, rows: kc, strideDst: width * 4, strideA: b.row * 4}
			kernels.tile["CopyV"](t)
			continue
		}
		packTransposed(f32(dst, width*kc), src, kc, w, &ws.turn)
	}
}

// transposeArgs are the operands of transpose16: blocks of 16 × 16 elements, rows of the source becoming columns of the
// destination; strides in bytes. The assembly reads this layout.
type transposeArgs struct {
	dst, src                     unsafe.Pointer
	blocks, strideDst, strideSrc int
}

// packTransposed packs w columns whose elements are b.row apart along k: blocks of 16 × 16 where possible, then four
// columns at a time, then one.
func packTransposed(panel []float32, b matrix, kc, w int, t *transposeArgs) {
	width := kernels.micro.width
	j := 0
	if b.row == 1 && kernels.transpose16 != nil && kc >= 16 {
		*t = transposeArgs{blocks: kc / 16, strideDst: width * 4, strideSrc: b.col * 4}
		for ; j+16 <= w; j += 16 {
			t.dst, t.src = unsafe.Pointer(&panel[j]), b.at(0, j).p
			kernels.transpose16[""](t)
			for k := kc / 16 * 16; k < kc; k++ {
				for c := j; c < j+16; c++ {
					panel[k*width+c] = *(*float32)(b.at(k, c).p)
				}
			}
		}
	}
	if b.row == 1 {
		for ; j+4 <= w; j += 4 {
			c0, c1, c2, c3 := f32(b.at(0, j).p, kc), f32(b.at(0, j+1).p, kc), f32(b.at(0, j+2).p, kc), f32(b.at(0, j+3).p, kc)
			at := j
			for k, v := range c0 {
				d := panel[at : at+4 : at+4]
				d[0], d[1], d[2], d[3] = v, c1[k], c2[k], c3[k]
				at += width
			}
		}
	}
	for ; j < w; j++ {
		p := b.at(0, j).p
		for k := range kc {
			panel[k*width+j] = *(*float32)(unsafe.Add(p, k*b.row*4))
		}
	}
}
