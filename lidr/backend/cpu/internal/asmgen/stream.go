package main

import (
	"fmt"
	"math/bits"
	"strings"
)

// A stream kernel is a rows kernel for one tile of few rows, which memory bounds: it widens the columns of B as it
// loads them, and on its way reads the four columns behind them into the cache, one after the other, as a processor
// expects memory to be read: each on a quarter of the way. Its additions are those of a rows kernel. k is a multiple of
// the vector.
//
// Registers: SI a, BX b, DI c, R12 rowA, R13 rowB, CX vectors left, DX vectors of a quarter, R15 those left of it, AX
// and R8 the rows' positions, R9 the fourth column's, R10 the next column behind, R11 the place in that before it.

// streamHeights lists the rows of a tile.
var streamHeights = map[string][]int{"AVX512": {6, 4, 2, 1}, "AVX2": {2, 1}}

func streamKernel(s isa, rows int, half string) string {
	_, pairs, _ := strings.Cut(half, "Pairs")
	a := &asm{isa: s}
	name := streamName(s, rows, half)
	a.enter(name, "rowsArgs")
	a.f("MOVQ", "args+0(FP)", "DX")
	for i, r := range []string{"CX", "", "SI", "BX", "DI", "R12", "R13"} {
		if r != "" {
			a.f("MOVQ", fmt.Sprintf("%d(DX)", 8*i), r)
		}
	}
	a.f("MOVQ", "SI", "AX")
	a.f("LEAQ", "(R12)(R12*2)", "R8")
	a.f("ADDQ", "SI", "R8")
	a.f("LEAQ", "(R13)(R13*2)", "R9")
	a.f("ADDQ", "BX", "R9")
	a.f("LEAQ", "(R9)(R13*1)", "R10")
	for i := range rows * rowsColumns {
		a.f("VXORPS", i, i, i)
	}
	lanes, size := s.lanes, 4
	if pairs != "" {
		lanes *= 2
	}
	if half != "" {
		size = 2
	}
	a.oddMask(pairs)
	a.f("SHRQ", fmt.Sprintf("$%d", bits.TrailingZeros(uint(lanes))), "CX")
	a.f("LEAQ", "3(CX)", "DX")
	a.f("SHRQ", "$2", "DX")
	a.label(name + "_quarter")
	a.f("MOVQ", "R10", "R11")
	a.f("ADDQ", "R13", "R10")
	a.f("MOVQ", "DX", "R15")
	a.f("CMPQ", "CX", "DX")
	a.f("CMOVQLT", "CX", "R15")
	a.label(name + "_loop")
	a.rowsStep(rows, pairs, func(at string, reg int) {
		if pairs == "" && strings.ContainsAny(at, "B9") { // a column
			a.widen(half, at, reg)
		} else {
			a.f("VMOVUPS", at, reg)
		}
	})
	step := lanes * size
	for line := 0; line < rowsColumns*step; line += 64 {
		a.f("PREFETCHT1", fmt.Sprintf("%d(R11)", line))
	}
	a.f("ADDQ", fmt.Sprintf("$%d", rowsColumns*step), "R11")
	for _, r := range []string{"AX", "R8"} {
		a.f("ADDQ", fmt.Sprintf("$%d", s.bytes()), r)
	}
	for _, r := range []string{"BX", "R9"} {
		a.f("ADDQ", fmt.Sprintf("$%d", step), r)
	}
	a.f("DECQ", "R15")
	a.f("JNZ", name+"_loop")
	a.f("SUBQ", "DX", "CX")
	a.f("JGT", name+"_quarter")
	a.f("MOVQ", "args+0(FP)", "DX")
	a.columnMask()
	a.f("MOVQ", "72(DX)", "CX")
	for i := range rows {
		a.rowsFold(i*rowsColumns, rows*rowsColumns, fmt.Sprintf("%s_store%d", name, i))
		a.f("ADDQ", "56(DX)", "DI")
	}
	a.leave()
	return a.out.String() + "\n"
}

func streamName(s isa, rows int, half string) string {
	return fmt.Sprintf("stream%dx%d%s%s", rows, rowsColumns, half, s.name)
}

// streamLists lists a set's kernels by the type of B for package cpu, declaring them.
func streamLists(s isa, declare func(args, format string, words ...any) string) string {
	list := fmt.Sprintf("var stream%s = map[string]rowKernels{\n", s.name)
	for _, half := range halves {
		var names []string
		for _, rows := range streamHeights[s.name] {
			names = append(names, declare("rowsArgs", "%s", streamName(s, rows, half)))
		}
		list += fmt.Sprintf("\t%q: {rows: %#v, run: []func(*rowsArgs){%s}},\n", half, streamHeights[s.name],
			strings.Join(names, ", "))
	}
	return list + "}\n\n"
}
