package main

import (
	"fmt"
	"strings"
)

// Kernels of products in bfloat16 are rows and stream kernels whose two operands are bfloat16: each of the 16 sums of a
// result takes the products of a pair of elements, the odd one's first, without rounding these. VDPBF16PS does so in
// one instruction ("BF16"). Where the processor lacks it, the pairs are split into two vectors of float32, and the
// result has the same bits ("Split").
const (
	pairsBF16  = "BF16"
	pairsSplit = "Split"
)

// pairHeights lists the heights of tiles: split pairs take twice the registers.
var pairHeights = map[string][]int{pairsBF16: {6, 4, 2, 1}, pairsSplit: {4, 2, 1}}

func pairKernels() string {
	s := roundToBF16()
	for _, pairs := range []string{pairsBF16, pairsSplit} {
		for _, rows := range pairHeights[pairs] {
			s += rowsKernel(avx512, rows, pairs) + streamKernel(avx512, rows, "Pairs"+pairs)
		}
	}
	return s
}

// oddMask fills the register that splitPairs masks the odd elements with, by way of R11.
func (a *asm) oddMask(pairs string) {
	if pairs == pairsSplit {
		a.f("MOVL", "$0xffff0000", "R11")
		a.f("VPBROADCASTD", "R11", splitMask)
	}
}

const splitMask = 31

// splitPairs widens a loaded vector of pairs: the odd elements in place, the even ones into evenOf.
func (a *asm) splitPairs(rows int, pairs string, reg int) {
	if pairs == pairsSplit {
		a.f("VPSLLD", "$16", reg, evenOf(rows, reg))
		a.f("VPANDD", splitMask, reg, reg)
	}
}

// evenOf is the register of the even elements of a row or column.
func evenOf(rows, reg int) int { return reg + rows + 1 }

// multiply adds the products of a row's and a column's elements to the sums.
func (a *asm) multiply(rows int, pairs string, col, row, sums int) {
	switch pairs {
	case pairsBF16:
		a.dotPairs(col, row, sums)
	case pairsSplit:
		a.f("VFMADD231PS", col, row, sums)
		a.f("VFMADD231PS", evenOf(rows, col), evenOf(rows, row), sums)
	default:
		a.f("VFMADD231PS", col, row, sums)
	}
}

// dotPairs is VDPBF16PS, EVEX.512.F3.0F38.W0 52 /r, which Go's assembler does not know.
func (a *asm) dotPairs(x, y, sums int) {
	not := func(reg, bit int) int { return reg>>bit&1 ^ 1 }
	a.raw(fmt.Sprintf("VDPBF16PS Z%d, Z%d, Z%d", x, y, sums),
		0x62,
		byte(not(sums, 3)<<7|not(x, 4)<<6|not(x, 3)<<5|not(sums, 4)<<4|2),
		byte(^y&15<<3|4|2),
		byte(2<<5|not(y, 4)<<3),
		0x52,
		byte(3<<6|sums&7<<3|x&7))
}

const roundName = "tileToBF16VAVX512"

// roundToBF16 rounds rows of float32 to bfloat16, to the nearest, half to even, and NaN to NaN.
func roundToBF16() string {
	a := &asm{isa: avx512}
	name := roundName
	fmt.Fprintf(&a.out, "// func %s(args *tileArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	a.f("MOVQ", "args+0(FP)", "DX")
	for i, r := range []string{"DI", "SI", "", "", "CX", "BX", "R9", "R10"} {
		if r != "" {
			a.f("MOVQ", fmt.Sprintf("%d(DX)", 8*i), r)
		}
	}
	for i, v := range []string{"$1", "$0x7fff", "$0x7fc0"} {
		a.f("MOVL", v, "AX")
		a.f("VPBROADCASTD", "AX", 10+i)
	}
	a.label(name + "_row")
	a.f("XORQ", "R13", "R13")
	a.label(name + "_loop")
	a.f("MOVQ", "CX", "AX")
	a.f("SUBQ", "R13", "AX")
	a.f("JLE", name+"_next")
	a.f("MOVL", "$16", "R11")
	a.f("CMPQ", "AX", "R11")
	a.f("CMOVQGT", "R11", "AX")
	a.f("MOVQ", "$-1", "R12")
	a.f("BZHIQ", "AX", "R12", "R12")
	a.f("KMOVW", "R12", "K1")
	a.f("VMOVUPS.Z", "(SI)(R13*4)", "K1", 0)
	a.f("VCMPPS", "$3", 0, 0, "K2")
	a.f("VPSRLD", "$16", 0, 1)
	a.f("VPANDD", 10, 1, 1)
	a.f("VPADDD", 11, 1, 1)
	a.f("VPADDD", 0, 1, 1)
	a.f("VPSRLD", "$16", 1, 1)
	a.f("VMOVDQA32", 12, "K2", 1)
	a.f("VPMOVDW", 1, "K1", "(DI)(R13*2)")
	a.f("ADDQ", "$16", "R13")
	a.f("JMP", name+"_loop")
	a.label(name + "_next")
	a.f("ADDQ", "R9", "DI")
	a.f("ADDQ", "R10", "SI")
	a.f("DECQ", "BX")
	a.f("JNZ", name+"_row")
	a.f("VZEROUPPER")
	a.f("RET")
	return a.out.String() + "\n"
}

// pairLists lists the kernels of products in bfloat16 for package cpu, declaring them.
func pairLists(declare func(args, format string, words ...any) string) string {
	list := ""
	for _, pairs := range []string{pairsBF16, pairsSplit} {
		for _, kind := range []string{"rows", "stream"} {
			var names []string
			for _, rows := range pairHeights[pairs] {
				name := fmt.Sprintf("rows%dx%d%s%s", rows, rowsColumns, pairs, avx512.name)
				if kind == "stream" {
					name = streamName(avx512, rows, "Pairs"+pairs)
				}
				names = append(names, declare("rowsArgs", "%s", name))
			}
			list += fmt.Sprintf("var %s%s%s = rowKernels{rows: %#v,\n\trun: []func(*rowsArgs){%s}}\n\n", kind, pairs,
				avx512.name, pairHeights[pairs], strings.Join(names, ", "))
		}
	}
	return list
}
