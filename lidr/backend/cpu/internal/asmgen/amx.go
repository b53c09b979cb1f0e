package main

import (
	"fmt"
	"strings"
)

// AMX kernels multiply bfloat16 by bfloat16: tiles of 16 rows of W by tiles of 16 rows of x. A tile of W is loaded as
// it lies, 32 elements of each row; one of x is packed, the pairs of elements along k one below the other. The results
// of W's rows are rows of float32 tiles of 64 bytes a row, tile (i, j) at dst + (2i+j)·1024.
//
//	type amxArgs struct {
//		config *[64]byte; blocks int; w unsafe.Pointer; rowW int (bytes); x unsafe.Pointer; nextX int (bytes)
//		dst unsafe.Pointer; ahead uintptr
//	}
//
// blocks counts those of 32 elements along k; ahead, if it is not 0, is read into the cache, as many bytes as of W. The
// tiles are configured and released within a kernel, so that no goroutine holds any when it changes threads (after a
// fault the next kernel configures them anew). Go's assembler has no names for these instructions. Registers: AX, BX
// tiles of W, CX their stride, DX, SI tiles of x, DI their stride, R8 blocks, R9 what is ahead, R12 args.
const (
	regAX, regCX, regDX, regBX, regSI, regDI = 0, 1, 2, 3, 6, 7
	tileW, tileX                             = 4, 6
)

func amxName(w, x int) string { return fmt.Sprintf("amx%dx%d", w, x) }

func amxFile() string {
	s := generated
	for w := 1; w <= 2; w++ {
		for x := 1; x <= 2; x++ {
			s += amxKernel(w, x)
		}
	}
	s += amxShapes("Whole", 8) + amxShapes("Halves", 4)
	for kind, k := range productKinds {
		if k.kernels(avx512) == k.name {
			s += amxProduct(kind)
		}
	}
	return strings.TrimSuffix(s, "\n")
}

func amxKernel(w, x int) string {
	a := &asm{}
	name := amxName(w, x)
	fmt.Fprintf(&a.out, "// func %s(args *amxArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	a.f("MOVQ", "args+0(FP)", "R12")
	a.f("MOVQ", "0(R12)", "AX")
	a.raw("LDTILECFG (AX)", 0xc4, 0xe2, 0x78, 0x49, 0x00)
	for i, r := range []string{"R8", "AX", "CX", "DX", "SI"} {
		a.f("MOVQ", fmt.Sprintf("%d(R12)", 8*(i+1)), r)
	}
	a.f("MOVQ", "56(R12)", "R9")
	a.f("ADDQ", "DX", "SI")
	a.f("MOVQ", "CX", "BX")
	a.f("SHLQ", "$4", "BX")
	a.f("ADDQ", "AX", "BX")
	a.f("MOVQ", "$64", "DI")
	for i := range w {
		for j := range x {
			a.raw(fmt.Sprintf("TILEZERO tmm%d", 2*i+j), 0xc4, 0xe2, 0x7b, 0x49, byte(0xc0|(2*i+j)<<3))
		}
	}
	a.label(name + "_loop")
	rows, columns := []int{regAX, regBX}, []int{regDX, regSI}
	for j := range x {
		a.tileMemory("TILELOADD", 0x7b, tileX+j, columns[j], regDI)
	}
	for i := range w {
		a.tileMemory("TILELOADD", 0x7b, tileW+i, rows[i], regCX)
		for j := range x {
			dst, b := 2*i+j, tileX+j
			a.raw(fmt.Sprintf("TDPBF16PS tmm%d, tmm%d, tmm%d", dst, tileW+i, b), 0xc4, 0xe2, byte(^b&15<<3|2), 0x5c,
				byte(0xc0|dst<<3|(tileW+i)))
		}
	}
	a.f("TESTQ", "R9", "R9")
	a.f("JZ", name+"_next")
	for line := range 16 * w {
		a.f("PREFETCHT1", fmt.Sprintf("%d(R9)", 64*line))
	}
	a.f("ADDQ", fmt.Sprintf("$%d", 1024*w), "R9")
	a.label(name + "_next")
	a.f("ADDQ", "$64", "AX")
	a.f("ADDQ", "$64", "BX")
	a.f("ADDQ", "$1024", "DX")
	a.f("ADDQ", "$1024", "SI")
	a.f("DECQ", "R8")
	a.f("JNZ", name+"_loop")
	a.f("MOVQ", "48(R12)", "AX")
	for tile := range 2 * w {
		if tile%2 < x {
			a.tileMemory("TILESTORED", 0x7a, tile, regAX, regDI)
		}
		a.f("ADDQ", "$1024", "AX")
	}
	a.raw("TILERELEASE", 0xc4, 0xe2, 0x78, 0x49, 0xc0)
	a.f("RET")
	return a.out.String() + "\n"
}

// amxShapes is the configuration of a product in integers: results in tile 0, rows of x in tile 1, and in tile 2 so
// many groups of four values of a panel, which lie there as tiles have them.
func amxShapes(name string, groups int) string {
	config := make([]byte, 64)
	config[0] = 1
	for tile, shape := range [][2]int{{16, 64}, {16, 4 * groups}, {groups, 64}} {
		config[48+tile], config[16+2*tile] = byte(shape[0]), byte(shape[1])
	}
	s := ""
	for i, b := range config {
		s += fmt.Sprintf("DATA amx%s<>+%d(SB)/1, $%d\n", name, i, b)
	}
	return s + fmt.Sprintf("GLOBL amx%s<>(SB), RODATA|NOPTR, $64\n\n", name)
}

// amxProduct is a product kernel of 16 rows of x by a panel of AVX-512's width. The sums of integers of a block come
// from a product of tiles, by way of memory; what is done with them is what productKernel does. Registers: DI panel, BX
// blocks left, CX the stride of x, DX that of the panel and the sums, SI sums, R15 results, R12 their stride, AX,
// R8 … R11, R13 rows 0, 3, 6, 9, 12, 15 of x.
func amxProduct(kind int) string {
	a := &asm{isa: avx512}
	k := productKinds[kind]
	name := "product" + k.name + "16AMX"
	fmt.Fprintf(&a.out, "// func %s(args *productArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	a.f("MOVQ", "args+0(FP)", "DX")
	for i, r := range []string{"R15", "AX", "DI", "BX", "R12", "CX", "R13", "", "SI"} {
		if r != "" {
			a.f("MOVQ", fmt.Sprintf("%d(DX)", 8*i), r)
		}
	}
	const rows, scale, minima = 16, 16, 17
	for i := range rows {
		a.f("VPXORD", i, i, i)
	}
	a.f("TESTQ", "R13", "R13")
	a.f("JZ", name+"_begin")
	a.f("MOVQ", "R15", "R13")
	for i := range rows {
		a.f("VMOVUPS", "(R13)", i)
		a.f("ADDQ", "R12", "R13")
	}
	a.label(name + "_begin")
	parts, shapes := 1, "Whole"
	if k.name == "Halves" {
		parts, shapes = 2, "Halves"
	}
	a.f("LEAQ", "amx"+shapes+"<>(SB)", "DX")
	a.raw("LDTILECFG (DX)", 0xc4, 0xe2, 0x78, 0x49, 0x02)
	a.f("MOVQ", "$64", "DX")
	a.f("LEAQ", "(CX)(CX*2)", "R13")
	bases := []string{"AX", "R8", "R9", "R10", "R11", "R13"}
	for i, base := range bases[1:] {
		a.f("LEAQ", fmt.Sprintf("(%s)(R13*1)", bases[i]), base)
	}
	x := func(row, offset int) string {
		return fmt.Sprintf("%d(%s)", offset, bases[row/3]) + []string{"", "(CX*1)", "(CX*2)"}[row%3]
	}
	a.label(name + "_loop")
	for part := range parts {
		a.f("VMOVUPS", fmt.Sprintf("%d(DI)", (8+part)*64), scale)
		if k.name == "Minima" {
			a.f("VMOVUPS", fmt.Sprintf("%d(DI)", 9*64), minima)
		}
		a.raw("TILEZERO tmm0", 0xc4, 0xe2, 0x7b, 0x49, 0xc0)
		a.raw(fmt.Sprintf("TILELOADD tmm1, %d(AX)(CX*1)", 16*part), 0xc4, 0xe2, 0x7b, 0x4b, 0x4c, regCX<<3|regAX,
			byte(16*part))
		a.raw(fmt.Sprintf("TILELOADD tmm2, %d(DI)(DX*1)", 256*part), 0xc4, 0xe2, 0x7b, 0x4b, 0x94, regDX<<3|regDI,
			0, byte(part), 0, 0)
		a.raw("TDPBSUD tmm0, tmm1, tmm2", 0xc4, 0xe2, ^byte(2)&15<<3|2, 0x5e, 0xc1)
		a.tileMemory("TILESTORED", 0x7a, 0, regSI, regDX)
		for i := range rows {
			sum, t := 18+i%7, 25+i%7
			a.f("VMOVDQU32", fmt.Sprintf("%d(SI)", 64*i), sum)
			a.f("VPADDD.BCST", x(i, 40+4*part), sum, sum)
			a.f("VCVTDQ2PS", sum, sum)
			a.f("VMULPS.BCST", x(i, 32), scale, t)
			a.f("VFMADD231PS", t, sum, i)
			if k.name == "Minima" {
				a.f("VFMADD231PS.BCST", x(i, 36), minima, i)
			}
		}
	}
	a.f("ADDQ", fmt.Sprintf("$%d", k.vectors*64), "DI")
	for _, base := range bases {
		a.f("ADDQ", "$48", base)
	}
	a.f("DECQ", "BX")
	a.f("JNZ", name+"_loop")
	a.raw("TILERELEASE", 0xc4, 0xe2, 0x78, 0x49, 0xc0)
	for i := range rows {
		a.f("VMOVUPS", i, "(R15)")
		a.f("ADDQ", "R12", "R15")
	}
	a.f("VZEROUPPER")
	a.f("RET")
	return a.out.String() + "\n"
}

// tileMemory loads or stores a tile whose rows are a register's bytes apart.
func (a *asm) tileMemory(op string, prefix byte, tile, base, stride int) {
	names := []string{"AX", "CX", "DX", "BX", "", "", "SI", "DI"}
	a.raw(fmt.Sprintf("%s tmm%d, (%s)(%s*1)", op, tile, names[base], names[stride]), 0xc4, 0xe2, prefix, 0x4b,
		byte(tile<<3|4), byte(stride<<3|base))
}

// raw writes an instruction that Go's assembler does not know.
func (a *asm) raw(comment string, code ...byte) {
	words := make([]string, len(code))
	for i, b := range code {
		words[i] = fmt.Sprintf("BYTE $0x%02x", b)
	}
	fmt.Fprintf(&a.out, "\t%s // %s\n", strings.Join(words, "; "), comment)
}

// amxList lists the kernels by tiles of W and of x for package cpu, declaring them.
func amxList(declare func(args, format string, words ...any) string) string {
	list := "var productsAMX = map[int]func(*productArgs){\n"
	for _, k := range productKinds {
		name := "product" + k.kernels(avx512) + "16AMX"
		if k.kernels(avx512) == k.name {
			declare("productArgs", "%s", name)
		}
		list += fmt.Sprintf("\twith%s: %s,\n", k.name, name)
	}
	list += "}\n\nvar amxBF16 = amxKernels{"
	for w := 1; w <= 2; w++ {
		list += "{"
		for x := 1; x <= 2; x++ {
			list += declare("amxArgs", "%s", amxName(w, x)) + ","
		}
		list += "},"
	}
	return list + "}\n\n"
}
