package main

import "fmt"

// productAVX2 is productKernel for AVX2, which multiplies pairs of bytes with sums in 16 bits. These hold the products
// of four vectors of values of five bits, of two of six bits, and of one of signed bytes, which are multiplied as their
// magnitudes with x under their signs.
func productAVX2(kind, rows int) string {
	a := &asm{isa: avx2}
	k := productKinds[kind]
	name := fmt.Sprintf("product%s%dAVX2", k.name, rows)
	fmt.Fprintf(&a.out, "// func %s(args *productArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	a.f("MOVQ", "args+0(FP)", "DX")
	for i, r := range []string{"SI", "AX", "DI", "BX", "R12", "CX", "R13", "R14"} {
		a.f("MOVQ", fmt.Sprintf("%d(DX)", 8*i), r)
	}
	a.f("LEAQ", "(CX)(CX*2)", "R11")
	x := func(row, offset int) string {
		return fmt.Sprintf("%d(AX)", offset) + []string{"", "(CX*1)", "(CX*2)", "(R11*1)"}[row]
	}
	const w, units, minima, t = 8, 9, 10, 11
	const magnitude, offset = 12, 13 // of signed bytes
	sum, total := func(i int) int { return i }, func(i int) int { return 4 + i }
	short := func(i int) int { return 12 + i } // sums in 16 bits
	signed := k.name == "Signs"
	a.f("VMOVDQU", "quantUnits<>(SB)", units)
	if signed {
		a.f("VMOVD", "R14", "X13")
		a.f("VPBROADCASTB", "X13", offset)
	}
	for i := range rows {
		a.f("VPXOR", sum(i), sum(i), sum(i))
	}
	a.f("TESTQ", "R13", "R13")
	a.f("JZ", name+"_loop")
	a.f("MOVQ", "SI", "R13")
	for i := range rows {
		a.f("VMOVUPS", "(R13)", sum(i))
		a.f("ADDQ", "R12", "R13")
	}
	a.label(name + "_loop")
	parts, held := 1, 4 // vectors whose products 16 bits hold
	if k.name == "Halves" {
		parts, held = 2, 2
	}
	for part := range parts {
		for i := range rows {
			if k.name == "Halves" || k.name == "Offset" {
				a.f("VPBROADCASTD", x(i, 40+4*part), total(i))
			} else {
				a.f("VPXOR", total(i), total(i), total(i))
			}
		}
		if k.name == "Minima" {
			a.f("VMOVUPS", fmt.Sprintf("%d(DI)", 9*32), minima)
		}
		for step := range 8 / parts {
			at := part*8/parts + step
			a.f("VMOVDQU", fmt.Sprintf("%d(DI)", at*32), w)
			if signed {
				a.f("VPSUBB", offset, w, w)
				a.f("VPABSB", w, magnitude)
			}
			for i := range rows {
				a.f("VPBROADCASTD", x(i, 4*at), t)
				switch {
				case signed:
					a.f("VPSIGNB", w, t, t)
					a.f("VPMADDUBSW", t, magnitude, t)
					a.f("VPMADDWD", units, t, t)
					a.f("VPADDD", t, total(i), total(i))
					continue
				case step%held == 0:
					a.f("VPMADDUBSW", t, w, short(i))
				default:
					a.f("VPMADDUBSW", t, w, t)
					a.f("VPADDW", t, short(i), short(i))
				}
				if step%held == held-1 {
					a.f("VPMADDWD", units, short(i), short(i))
					a.f("VPADDD", short(i), total(i), total(i))
				}
			}
		}
		for i := range rows {
			a.f("VCVTDQ2PS", total(i), total(i))
			a.f("VBROADCASTSS", x(i, 32), t)
			a.f("VMULPS", fmt.Sprintf("%d(DI)", (8+part)*32), t, t)
			a.f("VFMADD231PS", t, total(i), sum(i))
			if k.name == "Minima" {
				a.f("VBROADCASTSS", x(i, 36), t)
				a.f("VFMADD231PS", t, minima, sum(i))
			}
		}
	}
	a.f("ADDQ", fmt.Sprintf("$%d", k.vectors*32), "DI")
	a.f("ADDQ", "$48", "AX")
	a.f("DECQ", "BX")
	a.f("JNZ", name+"_loop")
	for i := range rows {
		a.f("VMOVUPS", sum(i), "(SI)")
		if i < rows-1 {
			a.f("ADDQ", "R12", "SI")
		}
	}
	a.f("VZEROUPPER")
	a.f("RET")
	return a.out.String() + "\n"
}

// roundAVX2 is roundKernel for AVX2.
func roundAVX2() string {
	a := &asm{isa: avx2}
	const name = "roundAVX2"
	fmt.Fprintf(&a.out, "// func %s(args *roundArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	a.f("MOVQ", "args+0(FP)", "AX")
	for i, r := range []string{"DI", "SI", "BX", "CX", "DX"} {
		a.f("MOVQ", fmt.Sprintf("%d(AX)", 8*i), r)
	}
	a.f("NEGQ", "CX")
	a.f("VMOVDQU", "quantMagnitude<>(SB)", 11)
	a.f("VMOVSS", "quant127<>(SB)", "X12")
	a.f("VMOVDQU", "quantOnes<>(SB)", 13)
	a.f("VMOVDQU", "quantUnits<>(SB)", 14)
	a.label(name + "_loop")
	for i := range 4 {
		a.f("VMOVUPS", fmt.Sprintf("%d(SI)", 32*i), i)
	}
	a.f("VPAND", 11, 0, 4)
	for i := 1; i < 4; i++ {
		a.f("VPAND", 11, i, 5)
		a.f("VPMAXUD", 5, 4, 4)
	}
	a.f("VEXTRACTI128", "$1", "Y4", "X5")
	a.f("VPMAXUD", "X5", "X4", "X4")
	for _, order := range []string{"$0x4e", "$0xb1"} {
		a.f("VPSHUFD", order, "X4", "X5")
		a.f("VPMAXUD", "X5", "X4", "X4")
	}
	a.f("VPXOR", "X6", "X6", "X6") // d
	a.f("VPXOR", "X7", "X7", "X7") // its inverse
	a.f("VMOVD", "X4", "AX")
	a.f("CMPL", "AX", "$0x0d800000") // 2⁻¹⁰⁰
	a.f("JCS", name+"_small")
	a.f("VDIVSS", "X12", "X4", "X6")
	a.f("VDIVSS", "X4", "X12", "X7")
	a.label(name + "_small")
	a.f("VBROADCASTSS", "X7", 7)
	for i := range 4 {
		a.f("VMULPS", 7, i, i)
		a.f("VCVTPS2DQ", i, i)
	}
	a.f("VPACKSSDW", 1, 0, 0)
	a.f("VPACKSSDW", 3, 2, 2)
	a.f("VPACKSSWB", 2, 0, 0)
	a.f("VMOVDQU", "quantLanes<>(SB)", 1)
	a.f("VPERMD", 0, 1, 0)
	a.f("VMOVDQU", 0, "(DI)")
	a.f("VPMADDUBSW", 0, 13, 0)
	a.f("VPMADDWD", 14, 0, 0)
	a.f("VEXTRACTI128", "$1", "Y0", "X1")
	a.f("VPHADDD", "X1", "X0", "X0")
	a.f("VPHADDD", "X0", "X0", "X0") // the sums of both halves
	a.f("VPHADDD", "X0", "X0", "X1") // and of all
	a.f("VCVTDQ2PS", "X1", "X2")
	a.f("VMULSS", "X6", "X2", "X2")
	a.f("VMOVSS", "X6", "32(DI)")
	a.f("VMOVSS", "X2", "36(DI)")
	a.f("TESTQ", "DX", "DX")
	a.f("JNZ", name+"_halves")
	a.f("VPXOR", "X3", "X3", "X3")
	a.f("VPBLENDD", "$14", "X3", "X1", "X0")
	a.label(name + "_halves")
	a.f("VMOVD", "CX", "X3")
	a.f("VPBROADCASTD", "X3", "X3")
	a.f("VPMULLD", "X3", "X0", "X0")
	a.f("VMOVQ", "X0", "40(DI)")
	a.f("ADDQ", "$128", "SI")
	a.f("ADDQ", "$48", "DI")
	a.f("DECQ", "BX")
	a.f("JNZ", name+"_loop")
	a.f("VZEROUPPER")
	a.f("RET")
	return a.out.String() + "\n"
}
