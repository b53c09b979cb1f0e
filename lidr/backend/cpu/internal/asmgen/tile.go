package main

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// A tile kernel applies one operation to rows of n elements:
//
//	type tileArgs struct { dst, a, b, c unsafe.Pointer; n, rows, strideDst, strideA, strideB, strideC int (bytes) }
//
// A "splat" operand has one element a row, which is broadcast. Registers: DI dst, SI a, DX b, R8 c, CX n, BX rows,
// R9–R12 strides, R13 element index, AX scratch. Vector registers 0–2 hold the operands, 0 receives the result,
// 3–9 are scratch, 16–31 (AVX-512) or memory (AVX2) hold constants.

type tileOp struct {
	name    string
	inputs  int
	splats  []string // operand kinds to generate, e.g. "vv", "vs", "sv"
	body    func(t *tile)
	byteIn  bool   // a is a byte array
	byteOut bool   // dst is a byte array
	half    string // the last operand, the one that load reads, is of this half-precision type
	reduce  bool
}

type tile struct {
	asm
	consts map[uint32]bool
	op     tileOp
}

// k is the operand for a float32 constant broadcast to all lanes: a memory operand for AVX-512 (embedded broadcast is
// not used: the constant tables hold full vectors) and AVX2 alike.
func (t *tile) k(v float64) string { return t.bits(math.Float32bits(float32(v))) }

func (t *tile) bits(u uint32) string {
	t.consts[u] = true
	return fmt.Sprintf("tileConst%08x<>(SB)", u)
}

func tileFile() string {
	consts := map[uint32]bool{}
	var code strings.Builder
	for _, s := range []isa{avx512, avx2} {
		for _, op := range tileOps() {
			for _, kinds := range op.splats {
				code.WriteString(tileKernel(s, op, kinds, consts))
			}
		}
	}
	var data strings.Builder
	var keys []uint32
	for u := range consts {
		keys = append(keys, u)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	for _, u := range keys {
		for i := range 16 {
			fmt.Fprintf(&data, "DATA tileConst%08x<>+%d(SB)/4, $0x%08x\n", u, 4*i, u)
		}
		fmt.Fprintf(&data, "GLOBL tileConst%08x<>(SB), RODATA|NOPTR, $64\n\n", u)
	}
	return header + data.String() + strings.ReplaceAll(tailMasks(), "gemmMask", "tileMask") + code.String()
}

func tileKernel(s isa, op tileOp, kinds string, consts map[uint32]bool) string {
	t := &tile{asm: asm{isa: s}, consts: consts, op: op}
	name := "tile" + op.name + strings.ToUpper(kinds) + s.name
	t.enter(name, "tileArgs")
	t.f("MOVQ", "args+0(FP)", "AX")
	for i, r := range []string{"DI", "SI", "DX", "R8", "CX", "BX", "R9", "R10", "R11", "R12"} {
		if (i == 2 || i == 8) && op.inputs < 2 || (i == 3 || i == 9) && op.inputs < 3 {
			continue
		}
		t.f("MOVQ", fmt.Sprintf("%d(AX)", 8*i), r)
	}
	pointers := []string{"SI", "DX", "R8"}
	strides := []string{"R10", "R11", "R12"}
	t.tailMask()
	t.label(name + "_row")
	t.f("XORQ", "R13", "R13")
	for i := range op.inputs {
		if kinds[i] == 's' {
			t.f("VBROADCASTSS", "("+pointers[i]+")", t.splatReg(i))
		}
	}
	if op.reduce {
		t.reduceRow(name)
	} else {
		t.mapRow(name, kinds, pointers)
	}
	t.f("ADDQ", "R9", "DI")
	for i := range op.inputs {
		t.f("ADDQ", strides[i], pointers[i])
	}
	t.f("DECQ", "BX")
	t.f("JNZ", name+"_row")
	t.leave()
	return t.out.String() + "\n"
}

// splatReg keeps a broadcast operand over a row's loop.
func (t *tile) splatReg(i int) int { return 10 + i }

func (t *tile) loadOperands(kinds string, pointers []string, masked bool) {
	for i := range t.op.inputs {
		if kinds[i] == 's' {
			t.f("VMOVAPS", t.splatReg(i), i)
			continue
		}
		t.load(fmt.Sprintf("(%s)(R13*4)", pointers[i]), i, masked)
	}
}

// load reads one vector; masked: only the lanes of the tail (mask in K1, or in register 15 for AVX2), zeros elsewhere.
func (t *tile) load(at string, reg int, masked bool) {
	if t.op.half != "" {
		t.loadHalf(strings.Replace(at, "(R13*4)", "(R13*2)", 1), reg, masked)
		return
	}
	if t.op.byteIn {
		at = strings.Replace(at, "(R13*4)", "(R13*1)", 1)
		if t.reg == "Z" && masked {
			t.f("VPMOVZXBD.Z", at, "K1", reg)
		} else {
			t.f("VPMOVZXBD", at, reg)
		}
		return
	}
	switch {
	case !masked:
		t.f("VMOVUPS", at, reg)
	case t.reg == "Z":
		t.f("VMOVUPS.Z", at, "K1", reg)
	default:
		t.f("VMASKMOVPS", at, 15, reg)
	}
}

// loadHalf is load for half precision.
func (t *tile) loadHalf(at string, reg int, masked bool) {
	if masked && t.reg == "Y" { // AVX2 has no masks of 16 bits: collect the elements in an X register, the last first
		x, again := fmt.Sprintf("X%d", reg), fmt.Sprintf("tile%s%s_half", t.op.name, t.name)
		t.f("VPXOR", x, x, x)
		t.f("MOVQ", "CX", "AX")
		t.label(again)
		t.f("DECQ", "AX")
		t.f("VPSLLDQ", "$2", x, x)
		t.f("MOVWLZX", strings.Replace(at, "R13", "AX", 1), "R15")
		t.f("VPINSRW", "$0", "R15", x, x)
		t.f("CMPQ", "AX", "R13")
		t.f("JGT", again)
		at, masked = x, false
	}
	if masked {
		t.widen(t.op.half, at, "K1", reg)
	} else {
		t.widen(t.op.half, at, reg)
	}
}

func (t *tile) store(reg int, masked bool) {
	at := "(DI)(R13*4)"
	if t.op.byteOut {
		at = "(DI)(R13*1)"
		if t.reg == "Z" {
			if masked {
				t.f("VPMOVDB", reg, "K1", at)
			} else {
				t.f("VPMOVDB", reg, at)
			}
			return
		}
		// Eight 32-bit lanes of 0 or 1 to eight bytes.
		t.f("VEXTRACTI128", "$1", t.v(reg), "X3")
		t.f("VPACKSSDW", "X3", fmt.Sprintf("X%d", reg), fmt.Sprintf("X%d", reg))
		t.f("VPACKUSWB", fmt.Sprintf("X%d", reg), fmt.Sprintf("X%d", reg), fmt.Sprintf("X%d", reg))
		t.f("VMOVQ", fmt.Sprintf("X%d", reg), at)
		return
	}
	switch {
	case !masked:
		t.f("VMOVUPS", reg, at)
	case t.reg == "Z":
		t.f("VMOVUPS", reg, "K1", at)
	default:
		t.f("VMASKMOVPS", reg, 15, at)
	}
}

// tailMask sets the mask for the last elements of a row, fewer than a vector.
func (t *tile) tailMask() {
	t.f("MOVQ", "CX", "AX")
	t.f("ANDQ", fmt.Sprintf("$%d", t.lanes-1), "AX")
	if t.reg == "Z" {
		t.f("MOVQ", "$-1", "R15")
		t.f("BZHIQ", "AX", "R15", "R15")
		t.f("KMOVW", "R15", "K1")
		return
	}
	t.f("NEGQ", "AX")
	t.f("LEAQ", "tileMask<>+64(SB)", "R15")
	t.f("VMOVUPS", "(R15)(AX*4)", 15)
}

func (t *tile) mapRow(name, kinds string, pointers []string) {
	t.label(name + "_loop")
	t.f("LEAQ", fmt.Sprintf("%d(R13)", t.lanes), "AX")
	t.f("CMPQ", "AX", "CX")
	t.f("JGT", name+"_tail")
	t.loadOperands(kinds, pointers, false)
	t.op.body(t)
	t.store(0, false)
	t.f("ADDQ", fmt.Sprintf("$%d", t.lanes), "R13")
	t.f("JMP", name+"_loop")
	t.label(name + "_tail")
	t.f("CMPQ", "R13", "CX")
	t.f("JGE", name+"_next")
	if (t.op.byteIn || t.op.byteOut) && t.reg == "Y" {
		t.byteTail(name)
	} else {
		t.loadOperands(kinds, pointers, true)
		t.op.body(t)
		t.store(0, true)
	}
	t.label(name + "_next")
}

// byteTail handles the last elements of byte arrays one at a time: AVX2 has no byte masks.
func (t *tile) byteTail(name string) {
	t.label(name + "_one")
	if t.op.byteIn {
		t.f("MOVBLZX", "(SI)(R13*1)", "AX")
		t.f("VMOVD", "AX", "X0")
		t.op.body(t)
		t.f("VMOVSS", "X0", "(DI)(R13*4)")
	} else {
		t.f("VMOVSS", "(SI)(R13*4)", "X0")
		t.op.body(t)
		t.f("VMOVD", "X0", "AX")
		t.f("MOVB", "AL", "(DI)(R13*1)")
	}
	t.f("INCQ", "R13")
	t.f("CMPQ", "R13", "CX")
	t.f("JLT", name+"_one")
}

// reduceRow folds a row with the body (registers 0 and 1 → 0) into one element. Four accumulators (4–7) take the
// vectors in turn, which hides the latency; the body's neutral element fills the lanes beyond the row's end. So a sum
// has the same bits if zeros are appended to the row: a softmax may count keys that are hidden.
func (t *tile) reduceRow(name string) {
	neutral := t.k(map[string]float64{"RowMax": math.Inf(-1), "RowMin": math.Inf(1)}[t.op.name])
	for i := range 4 {
		t.f("VMOVUPS", neutral, 4+i)
	}
	dot := t.op.inputs == 2
	fold := func(into int, from any) {
		if r, ok := from.(int); ok {
			t.f("VMOVAPS", r, 1)
		}
		t.f("VMOVAPS", into, 0)
		t.op.body(t)
		t.f("VMOVAPS", 0, into)
	}
	// take folds in the vector at an offset; a dot product multiplies it by the other operand's.
	take := func(into, offset int) {
		t.f("VMOVUPS", fmt.Sprintf("%d(SI)(R13*4)", offset), 1)
		if dot {
			t.f("VFMADD231PS", fmt.Sprintf("%d(DX)(R13*4)", offset), 1, into)
		} else {
			fold(into, nil)
		}
	}
	t.label(name + "_loop4")
	t.f("LEAQ", fmt.Sprintf("%d(R13)", 4*t.lanes), "AX")
	t.f("CMPQ", "AX", "CX")
	t.f("JGT", name+"_loop")
	for i := range 4 {
		take(4+i, i*t.bytes())
	}
	t.f("MOVQ", "AX", "R13")
	t.f("JMP", name+"_loop4")
	t.label(name + "_loop")
	for i := range 3 {
		t.f("LEAQ", fmt.Sprintf("%d(R13)", t.lanes), "AX")
		t.f("CMPQ", "AX", "CX")
		t.f("JGT", fmt.Sprintf("%s_tail%d", name, i))
		take(4+i, 0)
		t.f("MOVQ", "AX", "R13")
	}
	for i := 3; i >= 0; i-- {
		t.label(fmt.Sprintf("%s_tail%d", name, i))
		t.f("CMPQ", "R13", "CX")
		t.f("JGE", name+"_fold")
		if t.reg == "Z" {
			t.f("VMOVUPS", neutral, 1)
			t.f("VMOVUPS", "(SI)(R13*4)", "K1", 1)
		} else {
			t.f("VMASKMOVPS", "(SI)(R13*4)", 15, 1)
			t.f("VMOVUPS", neutral, 2)
			t.f("VBLENDVPS", 15, 1, 2, 1)
		}
		if dot {
			t.load("(DX)(R13*4)", 2, true)
			t.f("VFMADD231PS", 2, 1, 4+i)
		} else {
			fold(4+i, nil)
		}
		if i > 0 {
			t.f("JMP", name+"_fold")
		}
	}
	t.label(name + "_fold")
	fold(4, 5)
	fold(6, 7)
	fold(4, 6)
	if t.reg == "Z" {
		t.f("VEXTRACTF64X4", "$1", "Z4", "Y5")
		fold(4, 5)
	}
	t.f("VEXTRACTF128", "$1", "Y4", "X5")
	fold(4, 5)
	t.f("VPERMILPS", "$0x4e", "X4", "X5")
	fold(4, 5)
	t.f("VPERMILPS", "$0xb1", "X4", "X5")
	fold(4, 5)
	t.f("VMOVSS", "X4", "(DI)")
}
