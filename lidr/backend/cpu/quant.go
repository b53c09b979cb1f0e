package cpu

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes/float16"
)

// Weights may be held in the blocks of a GGUF file (ggml-common.h): matrices of bytes whose rows are blocks of 32 or
// 256 small integers with their scales. A value is scale·(u - offset), or scale·u + minimum, where u is an unsigned
// byte, an offset belongs to the format, and a scale, and a minimum, to 16 or 32 values.
//
// A product computes with them in one of two ways. In float32 it widens its operand as it reads it (quant_widen.go) and
// has the same bits as the product of the widened weight. In integers (quant_product.go) it rounds the other operand to
// blocks of 32 signed bytes, which is what llama.cpp does.

// Formats that compute.GGMLQuantType lacks. Numbers are those of enum ggml_type above 1<<8.
const (
	GGMLQ4_1 compute.GGMLQuantType = 1<<8 + 3
	GGMLQ5_0 compute.GGMLQuantType = 1<<8 + 6
	GGMLQ5_1 compute.GGMLQuantType = 1<<8 + 7
)

// Integers is added to a format for a product in integers (FusedQuantizedDense). Without it, products are in float32.
const Integers compute.GGMLQuantType = 1 << 16

// BlockTypes are the formats that the backend reads, by GGML's names.
var BlockTypes = map[string]compute.GGMLQuantType{"Q4_0": compute.GGMLQ4_0, "Q4_1": GGMLQ4_1, "Q5_0": GGMLQ5_0,
	"Q5_1": GGMLQ5_1, "Q8_0": compute.GGMLQ8_0, "Q4_K": compute.GGMLQ4_K, "Q5_K": compute.GGMLQ5_K,
	"Q6_K": compute.GGMLQ6_K}

// blockType is a format of blocks.
type blockType struct {
	name   string
	values int // of a block: 32 or 256
	bytes  int // of a block
	group  int // values that share a scale: 32 or 16
	offset int
	minima bool
	unpack func(block []byte, u []byte, scales, minima []float32)
}

var blockTypes = map[compute.GGMLQuantType]*blockType{
	compute.GGMLQ4_0: {"Q40", 32, 18, 32, 8, false, unpackQ40},
	GGMLQ4_1:         {"Q41", 32, 20, 32, 0, true, unpackQ41},
	GGMLQ5_0:         {"Q50", 32, 22, 32, 16, false, unpackQ50},
	GGMLQ5_1:         {"Q51", 32, 24, 32, 0, true, unpackQ51},
	compute.GGMLQ8_0: {"Q80", 32, 34, 32, 128, false, unpackQ80},
	compute.GGMLQ4_K: {"Q4K", 256, 144, 32, 0, true, unpackQ4K},
	compute.GGMLQ5_K: {"Q5K", 256, 176, 32, 0, true, unpackQ5K},
	compute.GGMLQ6_K: {"Q6K", 256, 210, 16, 32, false, unpackQ6K},
}

// row is the size of a row of k values, in bytes.
func (b *blockType) row(k int) int { return k / b.values * b.bytes }

// half widens the binary16 that b begins with.
func halfAt(b []byte) float32 { return float16.FromBits(binary.LittleEndian.Uint16(b)).Float32() }

func nibbles(u, q []byte) {
	for i, b := range q {
		u[i], u[i+len(q)] = b&15, b>>4
	}
}

func fifths(u []byte, bits uint32) {
	for i := range u[:32] {
		u[i] |= byte(bits>>i&1) << 4
	}
}

func unpackQ40(b, u []byte, scales, _ []float32) {
	scales[0] = halfAt(b)
	nibbles(u, b[2:18])
}

func unpackQ41(b, u []byte, scales, minima []float32) {
	scales[0], minima[0] = halfAt(b), halfAt(b[2:])
	nibbles(u, b[4:20])
}

func unpackQ50(b, u []byte, scales, _ []float32) {
	scales[0] = halfAt(b)
	nibbles(u, b[6:22])
	fifths(u, binary.LittleEndian.Uint32(b[2:]))
}

func unpackQ51(b, u []byte, scales, minima []float32) {
	scales[0], minima[0] = halfAt(b), halfAt(b[2:])
	nibbles(u, b[8:24])
	fifths(u, binary.LittleEndian.Uint32(b[4:]))
}

func unpackQ80(b, u []byte, scales, _ []float32) {
	scales[0] = halfAt(b)
	for i, v := range b[2:34] {
		u[i] = v ^ 0x80
	}
}

// sixes unpacks the eight scales and the eight minima of Q4_K and Q5_K, of six bits each (get_scale_min_k4).
func sixes(b []byte, scales, minima []float32) {
	d, dmin, b := halfAt(b), halfAt(b[2:]), b[4:16]
	for i := range 4 {
		low, high, rest := b[i], b[4+i], b[8+i]
		scales[i], scales[4+i] = d*float32(low&63), d*float32(rest&15|low>>2&0x30)
		minima[i], minima[4+i] = -(dmin * float32(high&63)), -(dmin * float32(rest>>4|high>>2&0x30))
	}
}

func unpackQ4K(b, u []byte, scales, minima []float32) {
	sixes(b, scales, minima)
	for g := range 4 {
		nibbles(u[64*g:], b[16+32*g:][:32])
	}
}

func unpackQ5K(b, u []byte, scales, minima []float32) {
	sixes(b, scales, minima)
	for g := range 4 {
		nibbles(u[64*g:], b[48+32*g:][:32])
	}
	for i := range u[:256] {
		u[i] |= b[16+i%32] >> (i / 32) & 1 << 4
	}
}

func unpackQ6K(b, u []byte, scales, _ []float32) {
	d := halfAt(b[208:])
	for i, s := range b[192:208] {
		scales[i] = d * float32(int8(s))
	}
	for i := range u[:256] {
		half, row, j := i/128, i/32%4, i%32
		u[i] = b[64*half+row%2*32+j]>>(row/2*4)&15 | b[128+32*half+j]>>(2*row)&3<<4
	}
}

// widenArgs are the operands of a widening kernel: a row of blocks. The assembly reads this layout.
type widenArgs struct {
	dst, src unsafe.Pointer
	blocks   int
}

// goWiden widens a row of blocks to float32, operation by operation as gguf-py does. A conversion float32(a*b) before a
// sum keeps the compiler from fusing the two.
func goWiden(t *blockType) func(*widenArgs) {
	return func(a *widenArgs) {
		var u [256]byte
		var scales, minima [16]float32
		dst, src := f32(a.dst, a.blocks*t.values), unsafe.Slice((*byte)(a.src), a.blocks*t.bytes)
		for ; len(src) > 0; src, dst = src[t.bytes:], dst[t.values:] {
			t.unpack(src, u[:], scales[:], minima[:])
			for i := range t.values {
				v := scales[i/t.group] * float32(int(u[i])-t.offset)
				if t.minima {
					v = float32(v) + minima[i/t.group]
				}
				dst[i] = v
			}
		}
	}
}

// panelArgs are the operands of an unpacking kernel: rows of blocks, a panel's width of them, stride bytes apart. The
// assembly reads this layout.
type panelArgs struct {
	dst, src       unsafe.Pointer
	stride, blocks int
	ahead          uintptr // address of memory that is read next, or lies behind the weight: no pointer to keep
}

// A panel holds rows of weights side by side. For every 32 values of a row it has eight vectors, in which each row has
// four bytes u, one vector of scales, and if the format has minima or scales of 16 values, a second one of those.

// vectors is the number of a panel's vectors for 32 values.
func (b *blockType) vectors() int {
	if b.minima || b.group == 16 {
		return 10
	}
	return 9
}

// goPanel unpacks rows into a panel of that width.
func goPanel(t *blockType, width int) func(*panelArgs) {
	vectors := t.vectors()
	return func(a *panelArgs) {
		var u [256]byte
		var scales, minima [16]float32
		size := vectors * width * 4
		groups := t.values / 32
		for r := range width {
			src := unsafe.Slice((*byte)(unsafe.Add(a.src, r*a.stride)), a.blocks*t.bytes)
			for b := range a.blocks {
				t.unpack(src[b*t.bytes:], u[:], scales[:], minima[:])
				for g := range groups {
					dst := unsafe.Slice((*byte)(unsafe.Add(a.dst, (b*groups+g)*size)), size)
					for i, v := range u[32*g : 32*g+32] {
						dst[i/4*width*4+r*4+i%4] = v
					}
					put := func(vector int, v float32) {
						binary.LittleEndian.PutUint32(dst[(8+vector)*width*4+r*4:], math.Float32bits(v))
					}
					switch {
					case t.group == 16:
						put(0, scales[2*g])
						put(1, scales[2*g+1])
					case t.minima:
						put(1, minima[g])
						fallthrough
					default:
						put(0, scales[g])
					}
				}
			}
		}
	}
}
