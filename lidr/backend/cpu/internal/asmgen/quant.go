package main

import "fmt"

// Kernels that unpack weights in blocks. A panel kernel reads 16 rows (AVX-512; 8 with AVX2) of blocks and lays them
// side by side:
//
//	type panelArgs struct { dst, src unsafe.Pointer; stride, blocks int; ahead uintptr }
//
// For each 32 values of a row, the panel has eight vectors of four bytes a row, a vector of scales, and one of minima
// or of further scales. The emitters of the formats follow lidr/backend/cpu/quant.go, which has the same in plain Go.
//
// Registers: DI panel; SI, R8, R10, R12 rows 0, 4, 8, 12; R9 the stride, R11 three times the stride; BX blocks left; DX
// the memory ahead. Row 4l+j is read into quarter l of vector j: transposing the quarters' 4 × 4 groups of four bytes
// then puts the rows in order.

// blockFormat is a format of blocks and how it is unpacked.
type blockFormat struct {
	name          string
	values, bytes int
	vectors       int // of the panel for 32 values
	emit          func(p *panel)
}

var blockFormats = []blockFormat{
	{"Q40", 32, 18, 9, (*panel).q40},
	{"Q41", 32, 20, 10, (*panel).q41},
	{"Q50", 32, 22, 9, (*panel).q50},
	{"Q51", 32, 24, 10, (*panel).q51},
	{"Q80", 32, 34, 9, (*panel).q80},
	{"Q4K", 256, 144, 10, (*panel).q4k},
	{"Q5K", 256, 176, 10, (*panel).q5k},
	{"Q6K", 256, 210, 10, (*panel).q6k},
}

type panel struct {
	asm
	format blockFormat
	sums   map[int]int // of a single kernel: register of the sum of each 16 values that is begun; nil for storing
	line   int         // bytes of the block's lines that are prefetched
}

// constantNames are the constants that AVX2, which has half the registers, reads from memory.
var constantNames = map[int]string{fifteen: "Fifteen", sixteen: "Sixteen", 27: "SixtyThree", 26: "FortyEight",
	25:     "Byte",
	spread: "Sign"}

var shortNames = map[string]string{"VPANDD": "VPAND", "VPORD": "VPOR", "VPXORD": "VPXOR", "VMOVDQU32": "VMOVDQU",
	"VMOVDQA32": "VMOVDQA"}

// f adds one instruction, for AVX2 in its form there.
func (p *panel) f(op string, operands ...any) {
	if p.reg == "Y" {
		if short, ok := shortNames[op]; ok {
			op = short
		}
		for i, o := range operands {
			if r, ok := o.(int); ok && r >= 25 {
				operands[i] = fmt.Sprintf("quant%s<>(SB)", constantNames[r])
			} else if ok && r >= 20 {
				operands[i] = r - 12
			}
		}
	}
	p.asm.f(op, operands...)
}

var rowBases = []string{"SI", "R8", "R10", "R12"}

func (p *panel) quarters() int { return p.lanes / 4 }

// quarter loads 16 bytes of each row, from the offset on, into registers to … to+3.
func (p *panel) quarter(offset, to int) {
	if p.sums != nil { // a few at a time: more would keep the loads below from the cache
		p.prefetch(min(p.line+128, p.format.bytes*p.lanes))
	}
	for j := range 4 {
		at := func(l int) string {
			return fmt.Sprintf("%d(%s)", offset, rowBases[l]) + []string{"", "(R9*1)", "(R9*2)", "(R11*1)"}[j]
		}
		p.f("VMOVDQU", at(0), fmt.Sprintf("X%d", to+j))
		for l := 1; l < p.quarters(); l++ {
			if p.reg == "Y" {
				p.f("VINSERTI128", "$1", at(l), to+j, to+j)
			} else {
				p.f("VINSERTI32X4", fmt.Sprintf("$%d", l), at(l), to+j, to+j)
			}
		}
	}
}

// turn transposes what quarter loaded into registers from … from+3 into four vectors of four bytes a row, to … to+3; it
// overwrites from. want is how many are needed.
func (p *panel) turn(from, to, want int) {
	p.f("VPUNPCKLDQ", from+1, from, to)
	p.f("VPUNPCKLDQ", from+3, from+2, to+1)
	if want > 2 {
		p.f("VPUNPCKHDQ", from+1, from, to+2)
		p.f("VPUNPCKHDQ", from+3, from+2, to+3)
	}
	p.f("VPUNPCKLQDQ", to+1, to, from)
	if want > 1 {
		p.f("VPUNPCKHQDQ", to+1, to, from+1)
	}
	if want > 2 {
		p.f("VPUNPCKLQDQ", to+3, to+2, from+2)
		p.f("VPUNPCKHQDQ", to+3, to+2, from+3)
	}
}

// words reads 16 bytes a row and transposes them in place; registers spare … spare+3 are overwritten.
func (p *panel) words(offset, to, spare, want int) {
	p.quarter(offset, to)
	p.turn(to, spare, want)
}

// scale widens the binary16 in the low halves of from's words.
func (p *panel) scale(from, to int) {
	if p.reg == "Y" {
		if to >= 20 {
			to -= 12
		}
		x := fmt.Sprintf("X%d", to)
		p.f("VPAND", "quantWord<>(SB)", from, to)
		p.f("VEXTRACTI128", "$1", to, "X10")
		p.f("VPACKUSDW", "X10", x, x)
		p.f("VCVTPH2PS", x, to)
		return
	}
	y := fmt.Sprintf("Y%d", to)
	p.f("VPMOVDW", from, y)
	p.f("VCVTPH2PS", y, to)
}

func (p *panel) high(from, to int) { p.f("VPSRLD", "$16", from, to) }

// Constants, set before the loop: 28 bytes of 15, 29 bytes of 16 or other, 30 and 31 what a format needs.
const (
	fifteen = 28
	sixteen = 29
	spread  = 30 // a table: word n has bit i of n as bit 4 of byte i
)

func (p *panel) constants() {
	p.f("VPBROADCASTD", "quantFifteen<>(SB)", fifteen)
	p.f("VPBROADCASTD", "quantSixteen<>(SB)", sixteen)
	switch p.format.name {
	case "Q50", "Q51":
		p.f("VMOVDQU32", "quantSpread<>(SB)", spread)
	case "Q80":
		p.f("VPBROADCASTD", "quantSign<>(SB)", spread)
	case "Q4K", "Q5K":
		p.f("VPBROADCASTD", "quantSixtyThree<>(SB)", 27)
		p.f("VPBROADCASTD", "quantFortyEight<>(SB)", 26)
		p.f("VPBROADCASTD", "quantByte<>(SB)", 25)
	case "Q6K":
		p.f("VPBROADCASTD", "quantFortyEight<>(SB)", 26)
	}
}

// nibbles splits vectors q … q+3 of four bytes a row: the low four bits are values 4i … of a group of 32, the high ones
// those of another place.
func (p *panel) nibbles(q int, each func(i, low, high int)) {
	for i := range 4 {
		p.f("VPSRLD", "$4", q+i, 20)
		p.f("VPANDD", fifteen, q+i, q+i)
		p.f("VPANDD", fifteen, 20, 20)
		each(i, q+i, 20)
	}
}

func (p *panel) q40() {
	p.words(0, 0, 4, 1)
	p.scale(0, 1)
	p.put(1, 0, 8)
	p.words(2, 0, 4, 4)
	p.nibbles(0, func(i, low, high int) {
		p.put(low, 0, i)
		p.put(high, 0, 4+i)
	})
}

// scaleAndMinimum stores the two binary16 of from's words.
func (p *panel) scaleAndMinimum(from int) {
	p.scale(from, 21)
	p.put(21, 0, 8)
	p.high(from, from)
	p.scale(from, 21)
	p.put(21, 0, 9)
}

func (p *panel) q41() {
	p.words(0, 0, 4, 1)
	p.scaleAndMinimum(0)
	p.words(4, 0, 4, 4)
	p.nibbles(0, func(i, low, high int) {
		p.put(low, 0, i)
		p.put(high, 0, 4+i)
	})
}

// fifths stores nibbles with the fifth bits that register bits holds, one word a row.
func (p *panel) fifths(bits int) {
	const shifted = 21
	if p.reg == "Y" {
		p.f("VPSLLD", "$4", bits, shifted)
	}
	with := func(value, shift int) {
		if p.reg == "Y" { // spread to four bytes what byte of the bits holds them, as its upper half
			from := []int{shifted, bits}[shift/4%2]
			p.f("VPSHUFB", fmt.Sprintf("quantWhole%d<>(SB)", shift/8), from, 22)
			p.f("VPAND", "quantUpper<>(SB)", 22, 22)
			p.f("VPMINUB", sixteen, 22, 22)
			p.f("VPORD", 22, value, value)
			p.put(value, 0, shift/4)
			return
		}
		from := bits
		if shift > 0 {
			p.f("VPSRLD", fmt.Sprintf("$%d", shift), bits, 22)
			from = 22
		}
		p.f("VPERMD", spread, from, 22)
		p.f("VPORD", 22, value, value)
		p.put(value, 0, shift/4)
	}
	p.nibbles(0, func(i, low, high int) {
		with(low, 4*i)
		with(high, 16+4*i)
	})
}

func (p *panel) q50() {
	p.words(0, 0, 4, 2) // scale and half of the bits, the other half
	p.scale(0, 21)
	p.put(21, 0, 8)
	p.high(0, 23)
	p.f("VPSLLD", "$16", 1, 1)
	p.f("VPORD", 1, 23, 23)
	p.words(6, 0, 4, 4)
	p.fifths(23)
}

func (p *panel) q51() {
	p.words(0, 0, 4, 2)
	p.f("VMOVDQA32", 1, 23)
	p.scaleAndMinimum(0)
	p.words(8, 0, 4, 4)
	p.fifths(23)
}

func (p *panel) q80() {
	p.words(0, 0, 4, 1)
	p.scale(0, 1)
	p.put(1, 0, 8)
	for half := range 2 {
		p.words(2+16*half, 0, 4, 4)
		for i := range 4 {
			if p.sums == nil {
				p.f("VPXORD", spread, i, i)
			}
			p.put(i, 0, 4*half+i)
		}
	}
}

// sixes stores the eight scales and minima of Q4_K and Q5_K.
func (p *panel) sixes() {
	p.words(0, 0, 4, 4) // d and dmin; four bytes each of scales, minima and further bits
	p.scale(0, 4)
	p.high(0, 0)
	p.scale(0, 5)
	p.f("VPANDD", 27, 1, 6) // scales 0 to 3
	p.f("VPANDD", 27, 2, 7) // minima 0 to 3
	p.f("VPSRLD", "$2", 1, 1)
	p.f("VPSRLD", "$2", 2, 2)
	p.f("VPANDD", 26, 1, 1)
	p.f("VPANDD", 26, 2, 2)
	p.f("VPANDD", fifteen, 3, 8)
	p.f("VPSRLD", "$4", 3, 9)
	p.f("VPANDD", fifteen, 9, 9)
	p.f("VPORD", 1, 8, 8) // scales 4 to 7
	p.f("VPORD", 2, 9, 9) // minima 4 to 7
	p.f("VPXORD", 10, 10, 10)
	p.f("VSUBPS", 5, 10, 5) // -dmin
	for group := range 8 {
		for minimum := range 2 {
			from := []int{6, 8}[group/4] + minimum
			if shift := group % 4 * 8; shift > 0 {
				p.f("VPSRLD", fmt.Sprintf("$%d", shift), from, 11)
				from = 11
			}
			p.f("VPANDD", 25, from, 11)
			p.f("VCVTDQ2PS", 11, 11)
			p.f("VMULPS", 4+minimum, 11, 11)
			p.put(11, group, 8+minimum)
		}
	}
}

func (p *panel) q4k() {
	p.sixes()
	for g := range 4 {
		for half := range 2 {
			p.words(16+32*g+16*half, 0, 4, 4)
			p.nibbles(0, func(i, low, high int) {
				p.put(low, 2*g, 4*half+i)
				p.put(high, 2*g+1, 4*half+i)
			})
		}
	}
}

func (p *panel) q5k() {
	p.sixes()
	for half := range 2 {
		p.words(16+16*half, 12, 4, 4) // fifth bits of values 16·half … of all eight groups
		for g := range 4 {
			p.words(48+32*g+16*half, 0, 4, 4)
			fifth := func(value, i, group int) {
				switch {
				case group < 4:
					p.f("VPSLLD", fmt.Sprintf("$%d", 4-group), 12+i, 22)
				default:
					p.f("VPSRLD", fmt.Sprintf("$%d", group-4), 12+i, 22)
				}
				p.f("VPANDD", sixteen, 22, 22)
				p.f("VPORD", 22, value, value)
				p.put(value, group, 4*half+i)
			}
			p.nibbles(0, func(i, low, high int) {
				fifth(low, i, 2*g)
				fifth(high, i, 2*g+1)
			})
		}
	}
}

func (p *panel) q6k() {
	p.words(192, 12, 4, 4) // sixteen scales
	p.words(194, 0, 4, 4)  // the last two bytes are d
	p.high(3, 3)
	p.scale(3, 8)
	for group := range 16 {
		from := 12 + group/4
		p.f("VPSLLD", fmt.Sprintf("$%d", 24-group%4*8), from, 9)
		p.f("VPSRAD", "$24", 9, 9)
		p.f("VCVTDQ2PS", 9, 9)
		p.f("VMULPS", 8, 9, 9)
		p.put(9, group/2, 8+group%2)
	}
	for g := range 2 { // halves of the block: four rows of 32 values
		for half := range 2 {
			p.words(128+32*g+16*half, 12, 4, 4) // two high bits of each of the four rows
			for row := range 2 {
				p.words(64*g+32*row+16*half, 0, 4, 4)
				with := func(value, i, row int) {
					switch shift := 4 - 2*row; {
					case shift > 0:
						p.f("VPSLLD", fmt.Sprintf("$%d", shift), 12+i, 22)
					case shift < 0:
						p.f("VPSRLD", fmt.Sprintf("$%d", -shift), 12+i, 22)
					default:
						p.f("VMOVDQA32", 12+i, 22)
					}
					p.f("VPANDD", 26, 22, 22)
					p.f("VPORD", 22, value, value)
					p.put(value, 4*g+row, 4*half+i)
				}
				p.nibbles(0, func(i, low, high int) {
					with(low, i, row)
					with(high, i, row+2)
				})
			}
		}
	}
}

func panelKernel(s isa, f blockFormat) string {
	p := &panel{asm: asm{isa: s}, format: f}
	name := "panel" + f.name + s.name
	fmt.Fprintf(&p.out, "// func %s(args *panelArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	p.f("MOVQ", "args+0(FP)", "AX")
	p.f("MOVQ", "0(AX)", "DI")
	p.f("MOVQ", "8(AX)", "SI")
	p.f("MOVQ", "16(AX)", "R9")
	p.f("MOVQ", "24(AX)", "BX")
	p.f("MOVQ", "32(AX)", "DX")
	if p.reg == "Z" {
		p.constants()
	}
	p.eachBlock(name, func() {
		f.emit(p)
		p.f("ADDQ", fmt.Sprintf("$%d", f.values/32*f.vectors*s.bytes()), "DI")
	})
	p.f("VZEROUPPER")
	p.f("RET")
	return p.out.String() + "\n"
}

// prefetch reads the next lines of what is read after this panel into the cache, up to so many bytes of it.
func (p *panel) prefetch(bytes int) {
	for ; p.line < bytes; p.line += 64 {
		p.f("PREFETCHT0", fmt.Sprintf("%d(DX)", p.line))
	}
}

// eachBlock loops over the blocks.
func (p *panel) eachBlock(name string, body func()) {
	p.f("LEAQ", "(R9)(R9*2)", "R11")
	for l := 1; l < p.quarters(); l++ {
		p.f("LEAQ", fmt.Sprintf("(%s)(R9*4)", rowBases[l-1]), rowBases[l])
	}
	p.label(name + "_loop")
	size := p.format.bytes * p.lanes
	p.line = 0
	if p.sums == nil {
		p.prefetch(size)
	}
	body()
	p.prefetch(size)
	for l := range p.quarters() {
		p.f("ADDQ", fmt.Sprintf("$%d", p.format.bytes), rowBases[l])
	}
	p.f("ADDQ", fmt.Sprintf("$%d", size), "DX")
	p.f("DECQ", "BX")
	p.f("JNZ", name+"_loop")
}
