package cpu

import (
	"math"
	"unsafe"
)

// A product in integers first rounds the rows of x to blocks of 32 values: a scale d, which is a 127th of the largest
// magnitude, and x/d to the nearest integer, half to even. Then for each block, in order along k, it adds to each
// result float32(Σ (u - offset)·q) · (scale·d), fused, and the minimum times d·Σ q, fused too. The sums of integers are
// exact, so the result has the same bits whatever the kernels, the number of rows and the number of threads.
//
// It works on panels of weights: rows of the weight, a kernel's width of them, are unpacked once and multiplied with
// all rows of x. One row of x is multiplied with them as they are unpacked, where there is a kernel for it.

// rounded is a block of 32 values of x. The assembly reads this layout.
type rounded struct {
	q        [32]int8
	d, total float32  // total is d·Σ q
	start    [2]int32 // -offset·Σ q, of each half of the block or in the first place of all
}

const roundedBytes = 48

// roundArgs are the operands of the rounding kernels: blocks of 32 values. The assembly reads this layout.
type roundArgs struct {
	dst, src       unsafe.Pointer
	blocks, offset int
	halves         int // 1: sums of each half of a block
}

// tooSmall is the magnitude below which a block of x counts as zero: its inverse would overflow.
const tooSmall = 0x1p-100

func goRound(a *roundArgs) {
	src := f32(a.src, a.blocks*32)
	for i := range unsafe.Slice((*rounded)(a.dst), a.blocks) {
		r, x := &unsafe.Slice((*rounded)(a.dst), a.blocks)[i], src[32*i:32*i+32]
		top := uint32(0) // as bits, so that a NaN is the largest
		for _, v := range x {
			top = max(top, math.Float32bits(v)&^(1<<31))
		}
		largest, inverse := math.Float32frombits(top), float32(0)
		r.d = largest / 127
		if largest < tooSmall {
			r.d = 0
		} else {
			inverse = 127 / largest
		}
		var sums [2]int32
		for j, v := range x {
			q := int32(math.RoundToEven(float64(v * inverse)))
			r.q[j] = int8(q)
			sums[j/16] += q
		}
		r.total = r.d * float32(sums[0]+sums[1])
		if a.halves == 0 {
			sums[0], sums[1] = sums[0]+sums[1], 0
		}
		r.start[0], r.start[1] = -int32(a.offset)*sums[0], -int32(a.offset)*sums[1]
	}
}

// productArgs are the operands of a product kernel: rows of x times a panel. The assembly reads this layout.
type productArgs struct {
	dst, x, panel      unsafe.Pointer
	blocks             int // of 32 values
	strideDst, strideX int
	accumulate, offset int
	sums               unsafe.Pointer // room for a tile of AMX
}

// productKernels are the kernels of products in integers, for panels of that width and these numbers of rows of x,
// descending to 1.
type productKernels struct {
	width int
	round func(*roundArgs)
	panel map[string]func(*panelArgs) // by block type
	rows  []int
	run   map[int][]func(*productArgs) // by kind

	single map[string]func(*singleArgs) // by block type: one row of x, without a panel; may be nil
}

// singleArgs are the operands of the kernel of one row: x times singleWidth rows of blocks, stride bytes apart. scratch
// holds singleScratch bytes, ahead is as in panelArgs. The assembly reads this layout.
type singleArgs struct {
	dst, x, src, scratch unsafe.Pointer
	stride, blocks       int
	ahead                uintptr
}

// singleWidth is the number of rows of blocks that the kernels of one row take.
const singleWidth = 8

const singleScratch = 8 * 4 * 32 // four vectors for each 32 values of a block

// The kinds of products.
const (
	withOffset = iota
	withMinima
	withHalves // scales of 16 values, and an offset
	withSigns  // an offset of 128: the values of signed bytes
)

func (b *blockType) kind() int {
	switch {
	case b.minima:
		return withMinima
	case b.group == 16:
		return withHalves
	case b.offset == 128:
		return withSigns
	}
	return withOffset
}

// fma returns a·b + c rounded once. The float64 product is exact, and the sum is rounded to odd before it is rounded to
// float32 (Boldo and Melquiond 2008, "Emulation of FMA and correctly rounded sums").
func fma(a, b, c float32) float32 {
	p, z := float64(a)*float64(b), float64(c)
	s := p + z
	t := s - p
	if e := (p - (s - t)) + (z - t); e != 0 && e == e {
		if bits := math.Float64bits(s); bits&1 == 0 {
			if (e > 0) == (s > 0) {
				bits++
			} else {
				bits--
			}
			s = math.Float64frombits(bits)
		}
	}
	return float32(s)
}

const goWidth = 4

func goProduct(kind int) func(*productArgs) {
	const width = goWidth
	return func(a *productArgs) {
		vectors := 9
		if kind == withMinima || kind == withHalves {
			vectors = 10
		}
		var y [width]float32
		dst := f32(a.dst, width)
		if a.accumulate != 0 {
			copy(y[:], dst)
		}
		for b, x := range unsafe.Slice((*rounded)(a.x), a.blocks) {
			record := unsafe.Add(a.panel, b*vectors*width*4)
			u, scales := unsafe.Slice((*byte)(record), 32*width), f32(unsafe.Add(record, 32*width), 2*width)
			for j := range width {
				sums := x.start
				for i, q := range x.q {
					half := 0
					if kind == withHalves {
						half = i / 16
					}
					sums[half] += int32(q) * int32(u[(i/4*width+j)*4+i%4])
				}
				y[j] = fma(float32(sums[0]), scales[j]*x.d, y[j])
				switch kind {
				case withHalves:
					y[j] = fma(float32(sums[1]), scales[width+j]*x.d, y[j])
				case withMinima:
					y[j] = fma(scales[width+j], x.total, y[j])
				}
			}
		}
		copy(dst, y[:])
	}
}

// goProducts are the plain Go kernels.
var goProducts = productKernels{width: goWidth, round: goRound, panel: goPanels(goWidth), rows: []int{1},
	run: map[int][]func(*productArgs){withOffset: {goProduct(withOffset)}, withMinima: {goProduct(withMinima)},
		withHalves: {goProduct(withHalves)}, withSigns: {goProduct(withSigns)}}}

func goPanels(width int) map[string]func(*panelArgs) {
	all := map[string]func(*panelArgs){}
	for _, t := range blockTypes {
		all[t.name] = goPanel(t, width)
	}
	return all
}
