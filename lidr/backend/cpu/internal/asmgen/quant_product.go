package main

import "fmt"

// A product kernel multiplies rows of x, rounded to blocks of 32 signed bytes, with a panel of weights:
//
//	type productArgs struct {
//		dst, x, panel unsafe.Pointer; blocks, strideDst, strideX (bytes), accumulate, offset int
//	}
//
// Vectors hold the panel's rows, one a lane, so each lane ends with the sum of one result. Registers: DI panel, BX
// blocks left, CX the stride of x; AX, R8, R9, R10 rows 0, 3, 6, 9 of x.

// productRows lists the heights of the product kernels.
var productRows = map[string][]int{"AVX512": {12, 8, 4, 2, 1}, "AVX2": {4, 2, 1}}

// productKinds are those of lidr/backend/cpu/quant_product.go, with the vectors of their panels.
var productKinds = []productKind{{"Offset", 9}, {"Minima", 10}, {"Halves", 10}, {"Signs", 9}}

type productKind struct {
	name    string
	vectors int
}

// kernels names the kind whose kernels compute this one: AVX-512 multiplies bytes with sums in 32 bits.
func (k productKind) kernels(s isa) string {
	if k.name == "Signs" && s == avx512 {
		return "Offset"
	}
	return k.name
}

func productKernel(s isa, kind, rows int) string {
	if s.reg == "Y" {
		return productAVX2(kind, rows)
	}
	a := &asm{isa: s}
	k := productKinds[kind]
	name := fmt.Sprintf("product%s%d%s", k.name, rows, s.name)
	fmt.Fprintf(&a.out, "// func %s(args *productArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	a.f("MOVQ", "args+0(FP)", "DX")
	a.f("MOVQ", "8(DX)", "AX")
	a.f("MOVQ", "16(DX)", "DI")
	a.f("MOVQ", "24(DX)", "BX")
	a.f("MOVQ", "40(DX)", "CX")
	bases := []string{"AX", "R8", "R9", "R10"}
	groups := (rows + 2) / 3
	a.f("LEAQ", "(CX)(CX*2)", "R11")
	for g := 1; g < groups; g++ {
		a.f("LEAQ", fmt.Sprintf("(%s)(R11*1)", bases[g-1]), bases[g])
	}
	x := func(row, offset int) string {
		return fmt.Sprintf("%d(%s)", offset, bases[row/3]) + []string{"", "(CX*1)", "(CX*2)"}[row%3]
	}
	const w, scale, minima = 24, 25, 26
	sum, total := func(i int) int { return i }, func(i int) int { return 12 + i }
	// The results so far, or zero.
	a.f("MOVQ", "0(DX)", "SI")
	a.f("MOVQ", "32(DX)", "R12")
	for i := range rows {
		a.f("VPXORD", sum(i), sum(i), sum(i))
	}
	a.f("MOVQ", "48(DX)", "R13")
	a.f("TESTQ", "R13", "R13")
	a.f("JZ", name+"_loop")
	a.f("MOVQ", "SI", "R13")
	for i := range rows {
		a.f("VMOVUPS", "(R13)", sum(i))
		a.f("ADDQ", "R12", "R13")
	}
	a.label(name + "_loop")
	parts := 1
	if k.name == "Halves" {
		parts = 2
	}
	for part := range parts {
		a.f("VMOVUPS", fmt.Sprintf("%d(DI)", (8+part)*s.bytes()), scale)
		if k.name == "Minima" {
			a.f("VMOVUPS", fmt.Sprintf("%d(DI)", 9*s.bytes()), minima)
			for i := range rows {
				a.f("VPXORD", total(i), total(i), total(i))
			}
		} else {
			for i := range rows {
				a.f("VPBROADCASTD", x(i, 40+4*part), total(i))
			}
		}
		for step := range 8 / parts {
			at := part*8/parts + step
			a.f("VMOVDQU32", fmt.Sprintf("%d(DI)", at*s.bytes()), w)
			for i := range rows {
				a.f("VPDPBUSD.BCST", x(i, 4*at), w, total(i))
			}
		}
		for i := range rows {
			t := 27 + i%5
			a.f("VCVTDQ2PS", total(i), total(i))
			a.f("VMULPS.BCST", x(i, 32), scale, t)
			a.f("VFMADD231PS", t, total(i), sum(i))
			if k.name == "Minima" {
				a.f("VFMADD231PS.BCST", x(i, 36), minima, sum(i))
			}
		}
	}
	a.f("ADDQ", fmt.Sprintf("$%d", k.vectors*s.bytes()), "DI")
	for g := range groups {
		a.f("ADDQ", "$48", bases[g])
	}
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
