package cpu

import (
	"unsafe"

	"github.com/gomlx/compute/dtypes"
)

// Products in bfloat16 by AMX: tiles of 16 rows of the weight, read as they lie, times tiles of 16 rows of x, which are
// packed before, once for all weights that they meet. A result is a sum along k in one order whatever the number of
// rows: of each 32 elements the products at even and at odd places are added up, and their sum is added to the result.
// Products whose k is no multiple of 32 are left to VDPBF16PS.

// amxArgs are the operands of an AMX kernel. The assembly reads this layout.
type amxArgs struct {
	config unsafe.Pointer
	blocks int // of amxDepth elements along k
	w      unsafe.Pointer
	rowW   int // bytes
	x      unsafe.Pointer
	nextX  int            // bytes from a tile's rows to the next tile's
	dst    unsafe.Pointer // four tiles of results, transposed: rows of W by rows of x
	ahead  uintptr        // what is read next from memory, 0 for nothing
}

// amxConfig is the memory operand of LDTILECFG: the bytes of a row and the rows of each tile.
type amxConfig struct {
	palette, start byte
	_              [14]byte
	bytes          [16]uint16
	rows           [16]byte
}

// amxKernels are kernels by tiles of W and of x, one or two of each.
type amxKernels [2][2]func(*amxArgs)

const (
	amxSide  = 16 // rows of a tile
	amxDepth = 32 // elements along k
	amxTile  = 1024

	amxScratch = 64 + 5*amxTile // a configuration, the results, and one tile of them transposed
)

// packAMX schedules packing the left-hand side of a product whose two sides are bfloat16, and makes it one of AMX.
func (l *lowerer) packAMX(mm *matmul) {
	if kernels.pairs.amx[0][0] == nil || mm.k == 0 || mm.k%amxDepth != 0 {
		return
	}
	mm.amx = true
	x, m, k := mm.lhs, mm.m, mm.k
	key := copyKey{x.val, x.off, sprint("amx", x.dims, x.strides)}
	packed, ok := l.copies[key]
	if !ok {
		out := l.newValue(dtypes.BFloat16, roundUp(m, amxSide)*k)
		l.push(&step{name: "PackAMX", reads: []*value{x.val}, writes: []*value{out}, run: func(e *execution) {
			groups := roundUp(m, amxSide) / amxSide
			tasks, bounds := split(groups, max(1, copyGrain/(amxSide*k)), 64)
			e.parallel(tasks, func(task int, w *workspace) {
				for g, end := bounds(task); g < end; g++ {
					packGroup(unsafe.Add(e.base[out.id], g*amxSide*k*2), unsafe.Add(e.ptr(x), g*amxSide*k*2),
						min(amxSide, m-g*amxSide), k, w)
				}
			})
		}})
		packed = denseView(out, []int{out.size})
		l.copies[key] = packed
	}
	mm.lhs = packed
}

// packGroup packs up to 16 rows of k elements: pairs are words of four bytes, of which k/2 rows of 16 are written.
func packGroup(dst, src unsafe.Pointer, rows, k int, w *workspace) {
	if rows == amxSide {
		w.turn = transposeArgs{dst: dst, src: src, blocks: k / amxDepth, strideDst: amxSide * 4, strideSrc: k * 2}
		kernels.transpose16[""](&w.turn)
		return
	}
	words := unsafe.Slice((*uint32)(dst), k/2*amxSide)
	for r := range rows {
		for i, word := range unsafe.Slice((*uint32)(unsafe.Add(src, r*k*2)), k/2) {
			words[i*amxSide+r] = word
		}
	}
}

// heldByAMX is the number of values of x that stay in the second-level cache while they meet the weight's rows.
const heldByAMX = 512 << 10

// runAMX computes the product: tasks are strips of rows of the weight, two tiles of them at a time.
func (mm *matmul) runAMX(x *execution) {
	pairs := (mm.n + 2*amxSide - 1) / (2 * amxSide)
	tasks, bounds := split(pairs, 1, mm.storedTasks(1))
	weight := x.ptr(mm.rhs)
	x.parallel(tasks, func(task int, w *workspace) {
		scratch := unsafe.Pointer(unsafe.SliceData(w.scratch(amxScratch)))
		args, config := &w.amx, (*amxConfig)(scratch)
		*args = amxArgs{config: scratch, blocks: mm.k / amxDepth, rowW: mm.k * 2, nextX: amxSide * mm.k * 2,
			dst: unsafe.Add(scratch, 64)}
		*config = amxConfig{palette: 1}
		lo, hi := bounds(task)
		held := max(1, heldByAMX/mm.k/(2*amxSide)) * 2 * amxSide
		for i0 := 0; i0 < mm.m; i0 += held {
			for j := lo * 2 * amxSide; j < min(hi*2*amxSide, mm.n); j += 2 * amxSide {
				args.w = unsafe.Add(weight, j*args.rowW)
				args.ahead = uintptr(args.w) + uintptr(2*amxSide*args.rowW)
				for i := i0; i < min(i0+held, mm.m); i += 2 * amxSide {
					args.x = unsafe.Add(x.ptr(mm.lhs), i*args.rowW)
					outputs, rows := min(2*amxSide, mm.n-j), min(2*amxSide, mm.m-i)
					config.set(outputs, rows)
					kernels.pairs.amx[(outputs-1)/amxSide][(rows-1)/amxSide](args)
					mm.storeAMX(x, i, j, outputs, rows, w)
					args.ahead = 0
				}
			}
		}
	})
}

// set configures the tiles of a kernel: results 2i+j, two of W from 4 on, two of x from 6 on.
func (c *amxConfig) set(outputs, rows int) {
	tile := func(index, height, words int) {
		if height <= 0 || words <= 0 {
			height, words = 0, 0
		}
		c.rows[index], c.bytes[index] = byte(min(amxSide, height)), uint16(4*min(amxSide, words))
	}
	for i := range 2 {
		for j := range 2 {
			tile(2*i+j, outputs-i*amxSide, rows-j*amxSide)
		}
		tile(4+i, outputs-i*amxSide, amxSide)
		tile(6+i, amxSide, rows-i*amxSide)
	}
}

// storeAMX transposes a kernel's results into the product's rows from i and columns from j on.
func (mm *matmul) storeAMX(x *execution, i, j, outputs, rows int, w *workspace) {
	for tile := range 4 {
		i, j := tile%2*amxSide+i, tile/2*amxSide+j
		height, width := min(amxSide, rows-tile%2*amxSide), min(amxSide, outputs-tile/2*amxSide)
		if height <= 0 || width <= 0 {
			continue
		}
		_, _, c := mm.matrices(x, 0)
		c = c.at(i, j)
		w.turn = transposeArgs{dst: c.p, src: unsafe.Add(w.amx.dst, tile*amxTile), blocks: 1, strideDst: c.row * 4,
			strideSrc: amxSide * 4}
		if height == amxSide && width == amxSide {
			kernels.transpose16[""](&w.turn)
			continue
		}
		w.turn.dst, w.turn.strideDst = unsafe.Add(w.amx.dst, 4*amxTile), amxSide*4
		kernels.transpose16[""](&w.turn)
		for r := range height {
			copy(f32(c.at(r, 0).p, width), f32(unsafe.Add(w.turn.dst, r*amxSide*4), width))
		}
	}
}
