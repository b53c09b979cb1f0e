package main

import "fmt"

// The micro-kernel computes C[rows × cols] (+)= A[rows × k] · B[k × width] in registers. B has rows of width float32,
// whole ones even if there are fewer columns, and is packed or lies in a matrix with wider rows; A is read in place by
// broadcasts with a row stride and a k stride, so neither A nor Aᵀ is ever copied; C has unit column stride and is
// written under a mask of its columns.
//
//	type gemmArgs struct { k int; a, b, c unsafe.Pointer; rowA, kA, rowB, rowC int (bytes); cols, accumulate int }

// gemmRows lists the heights of the micro-kernels; the lower ones are for the last rows.
var gemmRows = map[string][]int{"AVX512": {12, 8, 4, 2, 1}, "AVX2": {6, 4, 2, 1}, "NEON": {6, 4, 2, 1}}

func gemmFile() string {
	s := header + tailMasks()
	for _, set := range []isa{avx512, avx2} {
		for _, rows := range gemmRows[set.name] {
			s += gemmKernel(set, rows, 2)
		}
	}
	for _, half := range halves {
		s += transposeKernel(half)
	}
	return s
}

// tailMasks is a table for VMASKMOVPS: loading at offset 4·(16-n) gives n leading lanes set.
func tailMasks() string {
	s := ""
	for i := range 32 {
		v := 0
		if i < 16 {
			v = 0xffffffff
		}
		s += fmt.Sprintf("DATA gemmMask<>+%d(SB)/4, $0x%08x\n", 4*i, v)
	}
	return s + "GLOBL gemmMask<>(SB), RODATA|NOPTR, $128\n\n"
}

func gemmKernel(s isa, rows, vecs int) string {
	a := &asm{isa: s}
	name := fmt.Sprintf("gemm%dx%d%s", rows, vecs*s.lanes, s.name)
	a.enter(name, "gemmArgs")
	a.f("MOVQ", "args+0(FP)", "DX")
	a.f("MOVQ", "0(DX)", "CX") // k
	a.f("MOVQ", "8(DX)", "AX") // a: rows 0,1,2 at AX, AX+R12, AX+2·R12
	a.f("MOVQ", "16(DX)", "BX")
	a.f("MOVQ", "32(DX)", "R12")
	a.f("MOVQ", "40(DX)", "R13")
	a.f("MOVQ", "48(DX)", "R15")
	bases := []string{"AX", "R8", "R9", "R10"}
	groups := (rows + 2) / 3
	if groups > 1 {
		a.f("LEAQ", "(R12)(R12*2)", "R11")
		for g := 1; g < groups; g++ {
			a.f("LEAQ", fmt.Sprintf("(%s)(R11*1)", bases[g-1]), bases[g])
		}
	}
	acc := func(i, j int) int { return i*vecs + j }
	n := rows * vecs
	bReg := func(j int) int { return n + j }
	for i := range n {
		a.f("VXORPS", i, i, i)
	}
	addr := func(i int) string {
		return []string{"(%s)", "(%s)(R12*1)", "(%s)(R12*2)"}[i%3]
	}
	a.label(name + "_loop")
	a.f("TESTQ", "CX", "CX")
	a.f("JZ", name+"_done")
	for j := range vecs {
		a.f("VMOVUPS", fmt.Sprintf("%d(BX)", j*s.bytes()), bReg(j))
	}
	for i := range rows {
		t := n + vecs + i%2
		a.f("VBROADCASTSS", fmt.Sprintf(addr(i), bases[i/3]), t)
		for j := range vecs {
			a.f("VFMADD231PS", bReg(j), t, acc(i, j))
		}
	}
	for g := range groups {
		a.f("ADDQ", "R13", bases[g])
	}
	a.f("ADDQ", "R15", "BX")
	a.f("DECQ", "CX")
	a.f("JMP", name+"_loop")
	a.label(name + "_done")
	// Column masks.
	a.f("MOVQ", "24(DX)", "DI")
	a.f("MOVQ", "56(DX)", "SI")
	a.f("MOVQ", "64(DX)", "CX")
	a.f("MOVQ", "72(DX)", "R8")
	masks := [2]string{}
	if s.reg == "Z" {
		a.f("MOVQ", "$-1", "R9")
		a.f("BZHIQ", "CX", "R9", "R9")
		a.f("KMOVW", "R9", "K1")
		a.f("SHRQ", "$16", "R9")
		a.f("KMOVW", "R9", "K2")
		masks = [2]string{"K1", "K2"}
	} else {
		// Lanes 0–7 of the table's window starting at 16-cols, then lanes 8–15.
		a.f("MOVQ", "$16", "R9")
		a.f("SUBQ", "CX", "R9")
		a.f("LEAQ", "gemmMask<>(SB)", "R10")
		a.f("VMOVUPS", "(R10)(R9*4)", n)
		a.f("VMOVUPS", "32(R10)(R9*4)", n+1)
		masks = [2]string{s.v(n), s.v(n + 1)}
	}
	t := n + vecs
	a.f("TESTQ", "R8", "R8")
	a.f("JZ", name+"_store")
	for i := range rows {
		for j := range vecs {
			at := fmt.Sprintf("%d(DI)", j*s.bytes())
			if s.reg == "Z" {
				a.f("VMOVUPS.Z", at, masks[j], t)
			} else {
				a.f("VMASKMOVPS", at, masks[j], s.v(t))
			}
			a.f("VADDPS", t, acc(i, j), acc(i, j))
		}
		if i < rows-1 {
			a.f("ADDQ", "SI", "DI")
		}
	}
	a.f("MOVQ", "24(DX)", "DI")
	a.label(name + "_store")
	for i := range rows {
		for j := range vecs {
			at := fmt.Sprintf("%d(DI)", j*s.bytes())
			if s.reg == "Z" {
				a.f("VMOVUPS", acc(i, j), masks[j], at)
			} else {
				a.f("VMASKMOVPS", acc(i, j), masks[j], at)
			}
		}
		if i < rows-1 {
			a.f("ADDQ", "SI", "DI")
		}
	}
	a.leave()
	return a.out.String() + "\n"
}

// transposeKernel packs 16 columns of B that are contiguous along k: blocks of 16 × 16 are transposed in registers,
// those of half precision widened.
//
//	type transposeArgs struct { dst, src unsafe.Pointer; blocks, strideDst, strideSrc int (bytes) }
func transposeKernel(half string) string {
	a := &asm{isa: avx512}
	name := "transpose16" + half + "AVX512"
	fmt.Fprintf(&a.out, "// func %s(args *transposeArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	a.f("MOVQ", "args+0(FP)", "DX")
	for i, r := range []string{"DI", "SI", "CX", "R9", "R10"} {
		a.f("MOVQ", fmt.Sprintf("%d(DX)", 8*i), r)
	}
	a.label(name + "_loop")
	a.f("MOVQ", "SI", "AX")
	for i := range 16 {
		a.widen(half, "(AX)", i)
		if i < 15 {
			a.f("ADDQ", "R10", "AX")
		}
	}
	// Rows 2i, 2i+1 interleaved, then pairs of pairs: register 4g+j holds the columns j, j+4, j+8, j+12 of rows 4g…4g+3.
	for i := range 8 {
		a.f("VUNPCKLPS", 2*i+1, 2*i, 16+2*i)
		a.f("VUNPCKHPS", 2*i+1, 2*i, 17+2*i)
	}
	for g := range 4 {
		for j := range 2 {
			a.f("VUNPCKLPD", 16+4*g+2+j, 16+4*g+j, 4*g+2*j)
			a.f("VUNPCKHPD", 16+4*g+2+j, 16+4*g+j, 4*g+2*j+1)
		}
	}
	// The four groups' quarters side by side.
	for j := range 4 {
		for half, imm := range []string{"$0x88", "$0xdd"} {
			a.f("VSHUFF32X4", imm, 4+j, j, 16+2*half)
			a.f("VSHUFF32X4", imm, 12+j, 8+j, 17+2*half)
		}
		for quarter := range 4 {
			imm := []string{"$0x88", "$0xdd"}[quarter/2]
			half := quarter % 2
			a.f("VSHUFF32X4", imm, 17+2*half, 16+2*half, 20+quarter)
			a.f("IMUL3Q", fmt.Sprintf("$%d", j+4*quarter), "R9", "R11")
			a.f("VMOVUPS", 20+quarter, "(DI)(R11*1)")
		}
	}
	rowBytes := "$64" // 16 elements
	if half != "" {
		rowBytes = "$32"
	}
	a.f("ADDQ", rowBytes, "SI")
	a.f("MOVQ", "R9", "AX")
	a.f("SHLQ", "$4", "AX")
	a.f("ADDQ", "AX", "DI")
	a.f("DECQ", "CX")
	a.f("JNZ", name+"_loop")
	a.f("VZEROUPPER")
	a.f("RET")
	return a.out.String() + "\n"
}
