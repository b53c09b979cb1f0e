package main

import (
	"fmt"
	"strings"
)

// A rows kernel computes dot products of rows of A and rows of B, both contiguous along k, so that neither is packed:
// tiles of rows × 4 results, each with one vector of partial sums.
//
//	type rowsArgs struct { k, tiles int; a, b, c unsafe.Pointer; rowA, rowB, rowC int (bytes); cols, accumulate int;
//	                       ahead uintptr; aheadTile int (bytes) }
//
// It computes tiles one below the other, stores the first cols of their four columns, and reads a line of ahead into
// the cache with each step. Registers: SI a, BX b, DI c, R12 rowA, R13 rowB, R15 tiles, CX k, AX and R8 the
// rows' positions, R9 the fourth column's, R11 what is ahead, R10 scratch.

const rowsColumns = 4

// rowsHeights lists the heights of the tiles: results, a vector of each row and one of a column fill the registers.
var rowsHeights = map[string][]int{"AVX512": {6, 4, 2, 1}, "AVX2": {3, 2, 1}, "NEON": {6, 4, 2, 1}}

func rowsFile() string {
	s := header + strings.ReplaceAll(tailMasks(), "gemmMask", "rowsMask")
	for _, set := range []isa{avx512, avx2} {
		for _, rows := range rowsHeights[set.name] {
			s += rowsKernel(set, rows, "")
		}
		for _, half := range halves {
			for _, rows := range streamHeights[set.name] {
				s += streamKernel(set, rows, half)
			}
		}
	}
	return s + pairKernels()
}

// rowsKernel is the kernel for float32, or for bfloat16 by a way of multiplying pairs.
func rowsKernel(s isa, rows int, pairs string) string {
	a := &asm{isa: s}
	name := fmt.Sprintf("rows%dx%d%s%s", rows, rowsColumns, pairs, s.name)
	lanes, move := s.lanes, "VMOVUPS.Z"
	if pairs != "" {
		lanes, move = 2*s.lanes, "VMOVDQU16.Z"
	}
	a.enter(name, "rowsArgs")
	a.f("MOVQ", "args+0(FP)", "DX")
	a.f("MOVQ", "8(DX)", "R15")
	a.f("MOVQ", "16(DX)", "SI")
	a.f("MOVQ", "32(DX)", "DI")
	a.f("MOVQ", "40(DX)", "R12")
	a.f("MOVQ", "48(DX)", "R13")
	if s.reg == "Z" { // the last elements of a row
		a.f("MOVQ", "0(DX)", "CX")
		a.f("ANDQ", fmt.Sprintf("$%d", lanes-1), "CX")
		a.lanesMask("CX", "K1")
		a.columnMask()
	}
	a.oddMask(pairs)
	col, last := rows*(rowsColumns+1), fmt.Sprintf("$%d", lanes)
	a.label(name + "_tile")
	a.f("MOVQ", "0(DX)", "CX")
	a.f("MOVQ", "SI", "AX")
	a.f("LEAQ", "(R12)(R12*2)", "R8")
	a.f("ADDQ", "SI", "R8")
	a.f("MOVQ", "24(DX)", "BX")
	a.f("LEAQ", "(R13)(R13*2)", "R9")
	a.f("ADDQ", "BX", "R9")
	a.f("MOVQ", "80(DX)", "R11")
	for i := range rows * rowsColumns {
		a.f("VXORPS", i, i, i)
	}
	a.f("SUBQ", last, "CX")
	a.f("JLT", name+"_tail")
	a.label(name + "_loop")
	a.rowsStep(rows, pairs, func(at string, reg int) { a.f("VMOVUPS", at, reg) })
	a.f("PREFETCHT0", "(R11)")
	a.f("ADDQ", "$64", "R11")
	for _, r := range []string{"AX", "R8", "BX", "R9"} {
		a.f("ADDQ", fmt.Sprintf("$%d", s.bytes()), r)
	}
	a.f("SUBQ", last, "CX")
	a.f("JGE", name+"_loop")
	a.label(name + "_tail")
	a.f("ADDQ", last, "CX")
	a.f("JZ", name+"_fold")
	if s.reg == "Y" {
		a.maskTable("CX")
	}
	a.rowsStep(rows, pairs, func(at string, reg int) {
		if s.reg == "Z" {
			a.f(move, at, "K1", reg)
			return
		}
		a.f("VMOVUPS", "(R11)(R10*4)", col)
		a.f("VMASKMOVPS", at, col, reg)
	})
	a.label(name + "_fold")
	if s.reg == "Y" {
		a.columnMask()
	}
	a.f("MOVQ", "72(DX)", "CX")
	for i := range rows {
		a.rowsFold(i*rowsColumns, rows*rowsColumns, fmt.Sprintf("%s_store%d", name, i))
		a.f("ADDQ", "56(DX)", "DI")
		a.f("ADDQ", "R12", "SI")
	}
	a.f("MOVQ", "88(DX)", "R11")
	a.f("ADDQ", "R11", "80(DX)")
	a.f("DECQ", "R15")
	a.f("JNZ", name+"_tile")
	a.leave()
	return a.out.String() + "\n"
}

// rowsStep loads a vector of each row, and multiplies them with one of each column.
func (a *asm) rowsStep(rows int, pairs string, load func(at string, reg int)) {
	row, col := rows*rowsColumns, rows*(rowsColumns+1)
	for i := range rows {
		at := []string{"(%s)", "(%s)(R12*1)", "(%s)(R12*2)"}[i%3]
		load(fmt.Sprintf(at, []string{"AX", "R8"}[i/3]), row+i)
		a.splitPairs(rows, pairs, row+i)
	}
	for j, at := range []string{"(BX)", "(BX)(R13*1)", "(BX)(R13*2)", "(R9)"} {
		load(at, col)
		a.splitPairs(rows, pairs, col)
		for i := range rows {
			a.multiply(rows, pairs, col, row+i, i*rowsColumns+j)
		}
	}
}

// columnMask makes the mask of the columns, K2 or at (R11)(R10*4).
func (a *asm) columnMask() {
	if a.reg == "Z" {
		a.lanesMask("64(DX)", "K2")
	} else {
		a.maskTable("64(DX)")
	}
}

// lanesMask sets a mask of so many leading lanes.
func (a *asm) lanesMask(count, mask string) {
	a.f("MOVQ", "$-1", "R10")
	a.f("MOVQ", count, "CX")
	a.f("BZHIQ", "CX", "R10", "R10")
	a.f("KMOVD", "R10", mask)
}

// maskTable points (R11)(R10*4) at the mask of so many leading lanes.
func (a *asm) maskTable(count string) {
	a.f("MOVQ", "$16", "R10")
	a.f("SUBQ", count, "R10")
	a.f("LEAQ", "rowsMask<>(SB)", "R11")
}

// rowsFold adds up the four registers from r on, each into one element, and stores these at DI or, if CX is not zero,
// adds them to what is there. The columns are interleaved and added, then the halves of the vector. t is scratch.
func (a *asm) rowsFold(r, t int, store string) {
	interleave := func(op string, x, y int) {
		a.f("VUNPCKL"+op, y, x, t)
		a.f("VUNPCKH"+op, y, x, x)
		a.f("VADDPS", t, x, x)
	}
	interleave("PS", r, r+1)
	interleave("PS", r+2, r+3)
	interleave("PD", r, r+2)
	reg := func(letter string, i int) string { return fmt.Sprintf("%s%d", letter, i) }
	x, y, tx, ty := reg("X", r), reg("Y", r), reg("X", t), reg("Y", t)
	load, save := func() { a.f("VMOVUPS.Z", "(DI)", "K2", tx) }, func() { a.f("VMOVUPS", x, "K2", "(DI)") }
	if a.reg == "Z" {
		a.f("VEXTRACTF64X4", "$1", r, ty)
		a.f("VADDPS", ty, y, y)
		a.f("VEXTRACTF32X4", "$1", y, tx)
	} else {
		a.f("VEXTRACTF128", "$1", y, tx)
		mask := reg("X", r+1)
		a.f("VMOVUPS", "(R11)(R10*4)", mask)
		load, save = func() { a.f("VMASKMOVPS", "(DI)", mask, tx) }, func() { a.f("VMASKMOVPS", x, mask, "(DI)") }
	}
	a.f("VADDPS", tx, x, x)
	a.f("TESTQ", "CX", "CX")
	a.f("JZ", store)
	load()
	a.f("VADDPS", tx, x, x)
	a.label(store)
	save()
}
