package main

import "fmt"

// A widening kernel turns a row of blocks into float32:
//
//	type widenArgs struct { dst, src unsafe.Pointer; blocks int }
//
// The emitters of the formats follow lidr/backend/cpu/quant.go, which has the same in plain Go. Registers: DI and SI
// the operands, BX blocks left. Vectors 0 and 1 hold 32 bytes each, Y registers; 10 and 11 are bytes of 15 and of 16,
// 12 the offset as 32-bit numbers, 8 the scale and 9 the minimum. A block's scales and minima lie in the frame.
type widen struct {
	asm
	format blockFormat
}

// integerOffsets are what is subtracted from the values of a format without minima.
var integerOffsets = map[string]int{"Q40": 8, "Q50": 16, "Q6K": 32}

// f16 broadcasts the binary16 at the address to all lanes of a register.
func (w *widen) f16(at string, reg int) {
	x := fmt.Sprintf("X%d", reg)
	w.f("VPBROADCASTW", at, x)
	w.f("VCVTPH2PS", x, x)
	w.f("VBROADCASTSS", x, reg)
}

// values stores the values first … first+n-1 of the block, the bytes that register Y reg begins with; it overwrites the
// register.
func (w *widen) values(reg, first, n int, minimum bool) {
	x := fmt.Sprintf("X%d", reg)
	if n > 16 {
		w.f("VEXTRACTI128", "$1", fmt.Sprintf("Y%d", reg), "X13")
	}
	for i := 0; i < n; i += w.lanes {
		if i == 16 {
			x = "X13"
		} else if i > 0 {
			w.f("VPSRLDQ", "$8", x, x)
		}
		if w.format.name == "Q80" {
			w.f("VPMOVSXBD", x, 2)
		} else {
			w.f("VPMOVZXBD", x, 2)
		}
		if integerOffsets[w.format.name] > 0 {
			w.f("VPSUBD", 12, 2, 2)
		}
		w.f("VCVTDQ2PS", 2, 2)
		w.f("VMULPS", 8, 2, 2)
		if minimum {
			w.f("VADDPS", 9, 2, 2)
		}
		w.f("VMOVUPS", 2, fmt.Sprintf("%d(DI)", 4*(first+i)))
	}
}

// nibbles splits the 16 bytes at the address into 32 values, in Y0: the low four bits, then the high ones.
func (w *widen) nibbles(at string) {
	w.f("VMOVDQU", at, "X0")
	w.f("VPSRLW", "$4", "X0", "X1")
	w.f("VINSERTI128", "$1", "X1", "Y0", "Y0")
	w.f("VPAND", "Y10", "Y0", "Y0")
}

// fifths adds the 32 bits at the address to Y0's values as their fifth bits.
func (w *widen) fifths(at string) {
	w.f("VPBROADCASTD", at, "Y3")
	w.f("VPSHUFB", "quantByteOf<>(SB)", "Y3", "Y3")
	w.f("VMOVDQU", "quantBitOf<>(SB)", "Y4")
	w.f("VPAND", "Y4", "Y3", "Y3")
	w.f("VPCMPEQB", "Y4", "Y3", "Y3")
	w.f("VPAND", "Y11", "Y3", "Y3")
	w.f("VPOR", "Y3", "Y0", "Y0")
}

// sixes puts the eight scales and minima of Q4_K and Q5_K into the frame.
func (w *widen) sixes() {
	w.f("MOVL", "4(SI)", "AX")
	w.f("MOVL", "8(SI)", "CX")
	w.f("MOVL", "12(SI)", "DX")
	for i, from := range []string{"AX", "CX"} {
		w.f("MOVL", from, "R8")
		w.f("ANDL", "$0x3f3f3f3f", "R8")
		w.f("SHRL", "$2", from)
		w.f("ANDL", "$0x30303030", from)
		w.f("MOVL", "DX", "R9")
		if i == 1 {
			w.f("SHRL", "$4", "R9")
		}
		w.f("ANDL", "$0x0f0f0f0f", "R9")
		w.f("ORL", from, "R9")
		w.f("VMOVD", "R8", "X2")
		w.f("VPINSRD", "$1", "R9", "X2", "X2")
		w.f("VPMOVZXBD", "X2", "Y2")
		w.f("VCVTDQ2PS", "Y2", "Y2")
		w.f("VPBROADCASTW", fmt.Sprintf("%d(SI)", 2*i), "X3")
		w.f("VCVTPH2PS", "X3", "X3")
		w.f("VBROADCASTSS", "X3", "Y3")
		w.f("VMULPS", "Y3", "Y2", "Y2")
		if i == 1 {
			w.f("VXORPS", "Y3", "Y3", "Y3")
			w.f("VSUBPS", "Y2", "Y3", "Y2")
		}
		w.f("VMOVUPS", "Y2", fmt.Sprintf("%d(SP)", 32*i))
	}
}

func (w *widen) scaleOf(group int) {
	w.f("VBROADCASTSS", fmt.Sprintf("%d(SP)", 4*group), 8)
	w.f("VBROADCASTSS", fmt.Sprintf("%d(SP)", 32+4*group), 9)
}

// emit widens one block.
func (w *widen) emit() {
	switch w.format.name {
	case "Q40":
		w.f16("(SI)", 8)
		w.nibbles("2(SI)")
		w.values(0, 0, 32, false)
	case "Q41":
		w.f16("(SI)", 8)
		w.f16("2(SI)", 9)
		w.nibbles("4(SI)")
		w.values(0, 0, 32, true)
	case "Q50":
		w.f16("(SI)", 8)
		w.nibbles("6(SI)")
		w.fifths("2(SI)")
		w.values(0, 0, 32, false)
	case "Q51":
		w.f16("(SI)", 8)
		w.f16("2(SI)", 9)
		w.nibbles("8(SI)")
		w.fifths("4(SI)")
		w.values(0, 0, 32, true)
	case "Q80":
		w.f16("(SI)", 8)
		w.f("VMOVDQU", "2(SI)", "Y0")
		w.values(0, 0, 32, false)
	case "Q4K", "Q5K":
		w.sixes()
		first := 16
		if w.format.name == "Q5K" {
			first = 48
			w.f("VMOVDQU", "16(SI)", "Y5")
		}
		for group := range 8 {
			w.f("VMOVDQU", fmt.Sprintf("%d(SI)", first+group/2*32), "Y0")
			if group%2 == 1 {
				w.f("VPSRLW", "$4", "Y0", "Y0")
			}
			w.f("VPAND", "Y10", "Y0", "Y0")
			if w.format.name == "Q5K" {
				if group <= 4 {
					w.f("VPSLLW", fmt.Sprintf("$%d", 4-group), "Y5", "Y6")
				} else {
					w.f("VPSRLW", fmt.Sprintf("$%d", group-4), "Y5", "Y6")
				}
				w.f("VPAND", "Y11", "Y6", "Y6")
				w.f("VPOR", "Y6", "Y0", "Y0")
			}
			w.scaleOf(group)
			w.values(0, 32*group, 32, true)
		}
	case "Q6K":
		w.f16("208(SI)", 9)
		for part := range 2 {
			w.f("VPMOVSXBD", fmt.Sprintf("%d(SI)", 192+8*part), "Y2")
			w.f("VCVTDQ2PS", "Y2", "Y2")
			w.f("VMULPS", "Y9", "Y2", "Y2")
			w.f("VMOVUPS", "Y2", fmt.Sprintf("%d(SP)", 32*part))
		}
		for group := range 8 {
			half, row := group/4, group%4
			w.f("VMOVDQU", fmt.Sprintf("%d(SI)", 64*half+row%2*32), "Y0")
			w.f("VMOVDQU", fmt.Sprintf("%d(SI)", 128+32*half), "Y1")
			if row >= 2 {
				w.f("VPSRLW", "$4", "Y0", "Y0")
			}
			w.f("VPAND", "Y10", "Y0", "Y0")
			if shift := 4 - 2*row; shift >= 0 {
				w.f("VPSLLW", fmt.Sprintf("$%d", shift), "Y1", "Y1")
			} else {
				w.f("VPSRLW", fmt.Sprintf("$%d", -shift), "Y1", "Y1")
			}
			w.f("VPAND", "Y11", "Y1", "Y1")
			w.f("VPOR", "Y1", "Y0", "Y0")
			w.f("VEXTRACTI128", "$1", "Y0", "X1")
			for part := range 2 {
				w.f("VBROADCASTSS", fmt.Sprintf("%d(SP)", 4*(2*group+part)), 8)
				w.values(part, 32*group+16*part, 16, false)
			}
		}
	}
}

func widenKernel(s isa, f blockFormat) string {
	w := &widen{asm: asm{isa: s}, format: f}
	name := "widen" + f.name + s.name
	fmt.Fprintf(&w.out, "// func %s(args *widenArgs)\nTEXT ·%s(SB), NOSPLIT, $64-8\n", name, name)
	w.f("MOVQ", "args+0(FP)", "AX")
	w.f("MOVQ", "0(AX)", "DI")
	w.f("MOVQ", "8(AX)", "SI")
	w.f("MOVQ", "16(AX)", "BX")
	w.f("VPBROADCASTD", "quantFifteen<>(SB)", "Y10")
	if f.name == "Q6K" {
		w.f("VPBROADCASTD", "quantFortyEight<>(SB)", "Y11")
	} else {
		w.f("VPBROADCASTD", "quantSixteen<>(SB)", "Y11")
	}
	if offset := integerOffsets[f.name]; offset > 0 {
		w.f("MOVL", fmt.Sprintf("$%d", offset), "AX")
		w.f("VMOVD", "AX", "X12")
		w.f("VPBROADCASTD", "X12", 12)
	}
	w.label(name + "_loop")
	w.emit()
	w.f("ADDQ", fmt.Sprintf("$%d", f.bytes), "SI")
	w.f("ADDQ", fmt.Sprintf("$%d", 4*f.values), "DI")
	w.f("DECQ", "BX")
	w.f("JNZ", name+"_loop")
	w.f("VZEROUPPER")
	w.f("RET")
	return w.out.String() + "\n"
}

// widenConstants are tables for fifths: the byte, and the bit in it, that holds each of 32 bits.
func widenConstants() string {
	s := ""
	for i := range uint32(8) {
		byteOf := i / 2 * 0x01010101
		bitOf := uint32(0x08040201) << (i % 2 * 4)
		s += fmt.Sprintf("DATA quantByteOf<>+%d(SB)/4, $0x%08x\nDATA quantBitOf<>+%d(SB)/4, $0x%08x\n", 4*i, byteOf, 4*i,
			bitOf)
	}
	return s + "GLOBL quantByteOf<>(SB), RODATA|NOPTR, $32\nGLOBL quantBitOf<>(SB), RODATA|NOPTR, $32\n\n"
}
