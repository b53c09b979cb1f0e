package main

import "fmt"

// roundKernel rounds blocks of 32 float32 to signed bytes:
//
//	type roundArgs struct { dst, src unsafe.Pointer; blocks, offset, halves int }
//
// Registers: DI, SI the operands, BX blocks left, CX the negated offset, DX halves.
func roundKernel(s isa) string {
	a := &asm{isa: s}
	name := "round" + s.name
	fmt.Fprintf(&a.out, "// func %s(args *roundArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	a.f("MOVQ", "args+0(FP)", "AX")
	for i, r := range []string{"DI", "SI", "BX", "CX", "DX"} {
		a.f("MOVQ", fmt.Sprintf("%d(AX)", 8*i), r)
	}
	a.f("NEGQ", "CX")
	a.f("VBROADCASTSS", "quantMagnitude<>(SB)", 11)
	a.f("VMOVSS", "quant127<>(SB)", "X12")
	a.f("VPBROADCASTD", "quantOnes<>(SB)", "X13")
	a.f("VPXOR", "X14", "X14", "X14")
	a.label(name + "_loop")
	a.f("VMOVUPS", "(SI)", 0)
	a.f("VMOVUPS", "64(SI)", 1)
	a.f("VPANDD", 11, 0, 2)
	a.f("VPANDD", 11, 1, 3)
	a.f("VPMAXUD", 2, 3, 2) // magnitudes as integers: a NaN is the largest
	a.f("VEXTRACTI64X4", "$1", 2, "Y3")
	a.f("VPMAXUD", "Y2", "Y3", "Y2")
	a.f("VEXTRACTI128", "$1", "Y2", "X3")
	a.f("VPMAXUD", "X2", "X3", "X2")
	a.f("VPSHUFD", "$0x4e", "X2", "X3")
	a.f("VPMAXUD", "X2", "X3", "X2")
	a.f("VPSHUFD", "$0xb1", "X2", "X3")
	a.f("VPMAXUD", "X2", "X3", "X2")
	a.f("VPXOR", "X4", "X4", "X4")
	a.f("VPXOR", "X5", "X5", "X5")
	a.f("VMOVD", "X2", "AX")
	a.f("CMPL", "AX", "$0x0d800000") // 2⁻¹⁰⁰
	a.f("JCS", name+"_small")
	a.f("VDIVSS", "X12", "X2", "X4")
	a.f("VDIVSS", "X2", "X12", "X5")
	a.label(name + "_small")
	a.f("VBROADCASTSS", "X5", 5)
	a.f("VMULPS", 5, 0, 0)
	a.f("VMULPS", 5, 1, 1)
	a.f("VCVTPS2DQ", 0, 0)
	a.f("VCVTPS2DQ", 1, 1)
	a.f("VPMOVDB", 0, "X0")
	a.f("VPMOVDB", 1, "X1")
	a.f("VMOVDQU", "X0", "(DI)")
	a.f("VMOVDQU", "X1", "16(DI)")
	a.f("VMOVDQA", "X14", "X6")
	a.f("VMOVDQA", "X14", "X7")
	a.f("VPDPBUSD", "X0", "X13", "X6")
	a.f("VPDPBUSD", "X1", "X13", "X7")
	a.f("VPHADDD", "X7", "X6", "X6")
	a.f("VPHADDD", "X6", "X6", "X6") // the sums of both halves
	a.f("VPHADDD", "X6", "X6", "X7") // and of all
	a.f("VCVTDQ2PS", "X7", "X8")
	a.f("VMULSS", "X4", "X8", "X8")
	a.f("VMOVSS", "X4", "32(DI)")
	a.f("VMOVSS", "X8", "36(DI)")
	a.f("TESTQ", "DX", "DX")
	a.f("JNZ", name+"_halves")
	a.f("VPBLENDD", "$14", "X14", "X7", "X6")
	a.label(name + "_halves")
	a.f("VMOVD", "CX", "X9")
	a.f("VPBROADCASTD", "X9", "X9")
	a.f("VPMULLD", "X9", "X6", "X6")
	a.f("VMOVQ", "X6", "40(DI)")
	a.f("ADDQ", "$128", "SI")
	a.f("ADDQ", "$48", "DI")
	a.f("DECQ", "BX")
	a.f("JNZ", name+"_loop")
	a.f("VZEROUPPER")
	a.f("RET")
	return a.out.String() + "\n"
}
