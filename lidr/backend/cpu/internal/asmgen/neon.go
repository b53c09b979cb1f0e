package main

import (
	"fmt"
	"strings"
)

// NEON has 32 registers of four float32. Go's assembler lacks most of its arithmetic: such instructions are written as
// words, with what they are in the comment.

var neonHeader = strings.Replace(generated, "amd64", "arm64", 1)

// neonThree are instructions of three vectors of four 32-bit lanes, or of 16 bytes: destination, first, second.
var neonThree = map[string]uint32{
	"fadd": 0x4e20d400, "fsub": 0x4ea0d400, "fmul": 0x6e20dc00, "fdiv": 0x6e20fc00, "fmax": 0x4e20f400,
	"fmin": 0x4ea0f400, "fmla": 0x4e20cc00, "fmls": 0x4ea0cc00, "faddp": 0x6e20d400, "fcmeq": 0x4e20e400,
	"fcmge": 0x6e20e400, "fcmgt": 0x6ea0e400, "add": 0x4ea08400, "sub": 0x6ea08400, "mul": 0x4ea09c00,
	"smax": 0x4ea06400, "smin": 0x4ea06c00, "cmeq": 0x6ea08c00, "cmgt": 0x4ea03400, "cmge": 0x4ea03c00,
	"and": 0x4e201c00, "orr": 0x4ea01c00, "eor": 0x6e201c00, "bsl": 0x6e601c00, "bic": 0x4e601c00,
}

// neonTwo are instructions of two vectors of four 32-bit lanes: destination, operand.
var neonTwo = map[string]uint32{
	"fneg": 0x6ea0f800, "fabs": 0x4ea0f800, "fsqrt": 0x6ea1f800, "frintn": 0x4e218800, "scvtf": 0x4e21d800,
	"fcvtzs": 0x4ea1b800, "fcvtns": 0x4e21a800, "mvn": 0x6e205800,
}

// neonOther are instructions whose operands have several forms.
var neonOther = map[string]uint32{
	"shll %[1]s.4s, %[2]s.4h, #16":        0x2e613800,
	"fcvtl %[1]s.4s, %[2]s.4h":            0x0e217800,
	"uxtl %[1]s.8h, %[2]s.8b":             0x2f08a400,
	"uxtl %[1]s.4s, %[2]s.4h":             0x2f10a400,
	"xtn %[1]s.4h, %[2]s.4s":              0x0e612800,
	"xtn %[1]s.8b, %[2]s.8h":              0x0e212800,
	"fmaxv %[3]s, %[2]s.4s":               0x6e30f800,
	"fminv %[3]s, %[2]s.4s":               0x6eb0f800,
	"sshr %[1]s.4s, %[2]s.4s, #1":         0x4f3f0400,
	"ushr %[1]s.4s, %[2]s.4s, #23":        0x6f290400,
	"shl %[1]s.4s, %[2]s.4s, #23":         0x4f375400,
	"fcmeq %[1]s.4s, %[2]s.4s, #0.0":      0x4ea0d800,
	"fcmlt %[1]s.4s, %[2]s.4s, #0.0":      0x4ea0e800,
	"fmla %[1]s.4s, %[2]s.4s, %[4]s.s[0]": 0x4f801000,
}

// neon collects lines of assembly for arm64.
type neon struct{ out strings.Builder }

// f adds an instruction of Go's assembler.
func (a *neon) f(format string, args ...any) { fmt.Fprintf(&a.out, "\t"+format+"\n", args...) }

func (a *neon) label(l string) { fmt.Fprintf(&a.out, "%s:\n", l) }

func (a *neon) word(code uint32, text string) { a.f("WORD $0x%08x // %s", code, text) }

// v adds a vector instruction, registers by number.
func (a *neon) v(op string, d, n int, m ...int) {
	code := uint32(n<<5 | d)
	arrangement := "4s"
	switch op {
	case "and", "orr", "eor", "bsl", "bic", "mvn":
		arrangement = "16b"
	}
	text := fmt.Sprintf("%s v%d.%s, v%d.%s", op, d, arrangement, n, arrangement)
	base, ok := neonTwo[op], len(m) == 0
	if len(m) == 1 {
		base, ok = neonThree[op], true
		code |= uint32(m[0] << 16)
		text += fmt.Sprintf(", v%d.%s", m[0], arrangement)
	}
	if base == 0 || !ok {
		panic("no NEON instruction " + text)
	}
	a.word(base|code, text)
}

// x adds an instruction of neonOther.
func (a *neon) x(form string, d, n int, m ...int) {
	base, code, last := neonOther[form], uint32(n<<5|d), 0
	if base == 0 {
		panic("no NEON instruction " + form)
	}
	if len(m) > 0 {
		last = m[0]
	}
	reg := func(letter string, i int) string { return fmt.Sprintf("%s%d", letter, i) }
	text := fmt.Sprintf(form+"%[5]s", reg("v", d), reg("v", n), reg("s", d), reg("v", last), "")
	a.word(base|code|uint32(last<<16), text)
}

// move copies a register.
func (a *neon) move(to, from int) {
	if to != from {
		a.v("orr", to, from, from)
	}
}

func (a *neon) begin(name, args string, frame int) {
	fmt.Fprintf(&a.out, "// func %s(args *%s)\nTEXT ·%s(SB), NOSPLIT, $%d-8\n", name, args, name, frame)
	a.f("MOVD args+0(FP), R0")
}

// neonSet is NEON's part in the tables of the kernels' heights.
var neonSet = isa{"NEON", "V", 4}

const neonVectors = 4 // of a row of gemm's kernels: 16 columns

func neonGemmFile() string {
	s := neonHeader
	for _, rows := range gemmRows[neonSet.name] {
		s += neonGemm(rows)
	}
	for _, rows := range rowsHeights[neonSet.name] {
		s += neonRows(rows)
	}
	return s
}

// neonGemm is the micro-kernel of gemm.go: rows × 16 results in registers 0–23, B's vectors in 24–27, A's elements
// in 28 and 29.
func neonGemm(rows int) string {
	a := &neon{}
	name := fmt.Sprintf("gemm%dx%dNEON", rows, neonVectors*4)
	a.begin(name, "gemmArgs", rows*64)
	a.f("MOVD 0(R0), R1")  // k
	a.f("MOVD 8(R0), R2")  // a
	a.f("MOVD 16(R0), R8") // b
	a.f("MOVD 32(R0), R9") // rowA
	a.f("MOVD 40(R0), R10")
	a.f("MOVD 48(R0), R11") // rowB
	for i := 1; i < rows; i++ {
		a.f("ADD R9, R%d, R%d", 1+i, 2+i) // a row each in R2–R7
	}
	for i := range rows * neonVectors {
		a.v("eor", i, i, i)
	}
	a.f("CBZ R1, %s_done", name)
	a.label(name + "_loop")
	a.f("VLD1 (R8), [V24.S4, V25.S4, V26.S4, V27.S4]")
	a.f("ADD R11, R8")
	for i := range rows {
		a.f("FMOVS (R%d), F%d", 2+i, 28+i%2)
		a.f("ADD R10, R%d", 2+i)
		for j := range neonVectors {
			a.x("fmla %[1]s.4s, %[2]s.4s, %[4]s.s[0]", i*neonVectors+j, 24+j, 28+i%2)
		}
	}
	a.f("SUBS $1, R1")
	a.f("BNE %s_loop", name)
	a.label(name + "_done")
	a.f("MOVD 24(R0), R2") // c
	a.f("MOVD 56(R0), R9")
	a.f("MOVD 64(R0), R3") // columns
	a.f("MOVD 72(R0), R4") // accumulate
	a.f("CMP $%d, R3", neonVectors*4)
	a.f("BNE %s_part", name)
	for i := range rows {
		first := i * neonVectors
		a.f("CBZ R4, %s_store%d", name, i)
		a.f("VLD1 (R2), [V24.S4, V25.S4, V26.S4, V27.S4]")
		for j := range neonVectors {
			a.v("fadd", first+j, 24+j, first+j)
		}
		a.label(fmt.Sprintf("%s_store%d", name, i))
		a.f("VST1 [V%d.S4, V%d.S4, V%d.S4, V%d.S4], (R2)", first, first+1, first+2, first+3)
		a.f("ADD R9, R2")
	}
	a.f("RET")
	// Fewer columns: the rows go to the stack, and from there one element at a time.
	a.label(name + "_part")
	a.f("MOVD RSP, R5")
	a.f("ADD $8, R5")
	for i := range rows {
		first := i * neonVectors
		a.f("VST1.P [V%d.S4, V%d.S4, V%d.S4, V%d.S4], 64(R5)", first, first+1, first+2, first+3)
	}
	a.f("SUB $%d, R5", rows*64)
	a.f("MOVD $%d, R6", rows)
	a.label(name + "_row")
	a.f("MOVD R2, R7")
	a.f("MOVD R5, R8")
	a.f("MOVD R3, R1")
	a.label(name + "_element")
	a.f("FMOVS.P 4(R8), F24")
	a.f("CBZ R4, %s_set", name)
	a.f("FMOVS (R7), F25")
	a.f("FADDS F25, F24")
	a.label(name + "_set")
	a.f("FMOVS.P F24, 4(R7)")
	a.f("SUBS $1, R1")
	a.f("BNE %s_element", name)
	a.f("ADD R9, R2")
	a.f("ADD $64, R5")
	a.f("SUBS $1, R6")
	a.f("BNE %s_row", name)
	a.f("RET")
	return a.out.String() + "\n"
}

// neonRows is the kernel of rows.go, without reading ahead: results in registers 0–23, a vector of each row in
// 24–29 and one of a column in 30.
func neonRows(rows int) string {
	a := &neon{}
	name := fmt.Sprintf("rows%dx%dNEON", rows, rowsColumns)
	a.begin(name, "rowsArgs", 0)
	a.f("MOVD 8(R0), R1")   // tiles
	a.f("MOVD 16(R0), R12") // a
	a.f("MOVD 32(R0), R13") // c
	a.f("MOVD 40(R0), R14") // rowA
	a.f("MOVD 48(R0), R15") // rowB
	a.f("MOVD 56(R0), R16") // rowC
	a.f("MOVD 64(R0), R17") // columns
	a.f("MOVD 72(R0), R19") // accumulate
	a.label(name + "_tile")
	a.f("MOVD 0(R0), R20") // k
	for i := range rows {
		a.f("MOVD R12, R%d", 2+i) // a row each in R2–R7
		a.f("ADD R14, R12")
	}
	a.f("MOVD 24(R0), R8") // a column each in R8–R11
	for j := 1; j < rowsColumns; j++ {
		a.f("ADD R15, R%d, R%d", 7+j, 8+j)
	}
	for i := range rows * rowsColumns {
		a.v("eor", i, i, i)
	}
	step := func(load string, bytes int) {
		for i := range rows {
			a.f("%s.P %d(R%d), F%d", load, bytes, 2+i, 24+i)
		}
		for j := range rowsColumns {
			a.f("%s.P %d(R%d), F30", load, bytes, 8+j)
			for i := range rows {
				a.v("fmla", i*rowsColumns+j, 24+i, 30)
			}
		}
	}
	a.f("SUBS $4, R20")
	a.f("BLT %s_tail", name)
	a.label(name + "_loop")
	step("FMOVQ", 16)
	a.f("SUBS $4, R20")
	a.f("BGE %s_loop", name)
	a.label(name + "_tail")
	a.f("ADDS $4, R20")
	a.f("BEQ %s_fold", name)
	a.label(name + "_one") // the other lanes are zero
	step("FMOVS", 4)
	a.f("SUBS $1, R20")
	a.f("BNE %s_one", name)
	a.label(name + "_fold")
	for i := range rows {
		r, label := i*rowsColumns, fmt.Sprintf("%s_%d", name, i)
		a.v("faddp", r, r, r+1)
		a.v("faddp", r+2, r+2, r+3)
		a.v("faddp", r, r, r+2)
		a.f("CMP $%d, R17", rowsColumns)
		a.f("BNE %s_single", label)
		a.f("CBZ R19, %s_store", label)
		a.f("FMOVQ (R13), F30")
		a.v("fadd", r, 30, r)
		a.label(label + "_store")
		a.f("FMOVQ F%d, (R13)", r)
		a.f("B %s_next", label)
		a.label(label + "_single")
		a.f("CBZ R19, %s_set", label)
		a.f("FMOVS (R13), F30")
		a.v("fadd", r, 30, r)
		a.label(label + "_set")
		a.f("FMOVS F%d, (R13)", r)
		a.label(label + "_next")
		a.f("ADD R16, R13")
	}
	a.f("SUBS $1, R1")
	a.f("BNE %s_tile", name)
	a.f("RET")
	return a.out.String() + "\n"
}
