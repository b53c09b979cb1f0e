package main

import (
	"math"
	"strings"
)

// A tile kernel for NEON: registers 0–2 hold the operands, 0 receives the result, 3–9 are scratch, 10–12 hold broadcast
// operands, and those from 31 down constants. R1–R4 are the positions in dst, a, b and c of the row, R5 its
// remaining elements, R6 n, R7 rows, R8–R11 the strides, R12–R15 the rows' starts. The last elements of a row are
// computed one at a time.

// neonBodies computes register 0 from 0, 1 and 2, by the names of tileOps.
var neonBodies = map[string]func(t *neonTile){
	"Add": three("fadd"), "Mul": three("fmul"), "Sub": three("fsub"), "Div": three("fdiv"), "Max": three("fmax"),
	"Min": three("fmin"), "AddI": three("add"), "SubI": three("sub"), "MulI": three("mul"), "MaxI": three("smax"),
	"MinI": three("smin"), "Neg": two("fneg"), "Abs": two("fabs"), "Sqrt": two("fsqrt"), "FromI": two("scvtf"),
	"ToI": two("fcvtzs"), "FromBool": two("scvtf"), "ToBool": two("fcvtzs"),
	"Copy": func(*neonTile) {}, "FromBF16": func(*neonTile) {}, "FromF16": func(*neonTile) {},
	"Not": func(t *neonTile) { t.v("fsub", 0, t.k(1), 0) },
	"Truth": func(t *neonTile) {
		t.x("fcmeq %[1]s.4s, %[2]s.4s, #0.0", 0, 0)
		t.v("bic", 0, t.k(1), 0)
	},
	"Rsqrt": func(t *neonTile) {
		t.v("fsqrt", 0, 0)
		t.v("fdiv", 0, t.k(1), 0)
	},
	"Exp": neonExp, "Log": neonLog,
	"Logistic": func(t *neonTile) {
		t.v("fneg", 0, 0)
		neonExp(t)
		t.v("fadd", 0, 0, t.k(1))
		t.v("fdiv", 0, t.k(1), 0)
	},
	"Where": func(t *neonTile) {
		t.x("fcmeq %[1]s.4s, %[2]s.4s, #0.0", 0, 0)
		t.v("bsl", 0, 2, 1)
	},
	"ExpScaled": func(t *neonTile) {
		t.v("fsub", 0, 0, 1)
		t.v("fmul", 0, 0, 2)
		neonExp(t)
	},
	"MulAdd": func(t *neonTile) {
		t.move(3, 2)
		t.v("fmla", 3, 0, 1)
		t.move(0, 3)
	},
	"SoftmaxGrad": func(t *neonTile) {
		t.v("fsub", 1, 1, 2)
		t.v("fmul", 0, 0, 1)
	},
	"RowSum": three("fadd"), "RowMax": three("fmax"), "RowMin": three("fmin"), "RowDot": three("fadd"),
	"Eq": truth("fcmeq", 0, 1), "Lt": truth("fcmgt", 1, 0), "Le": truth("fcmge", 1, 0),
	"EqI": truth("cmeq", 0, 1), "LtI": truth("cmgt", 1, 0), "LeI": truth("cmge", 1, 0),
	"Ne": untruth("fcmeq"), "NeI": untruth("cmeq"),
}

func three(op string) func(*neonTile) { return func(t *neonTile) { t.v(op, 0, 0, 1) } }

func two(op string) func(*neonTile) { return func(t *neonTile) { t.v(op, 0, 0) } }

func truth(op string, x, y int) func(*neonTile) {
	return func(t *neonTile) {
		t.v(op, 0, x, y)
		t.v("and", 0, 0, t.k(1))
	}
}

func untruth(op string) func(*neonTile) {
	return func(t *neonTile) {
		t.v(op, 0, 0, 1)
		t.v("bic", 0, t.k(1), 0)
	}
}

type neonTile struct {
	neon
	op     tileOp
	name   string
	consts []uint32 // in registers 31, 30 …
}

func (t *neonTile) k(v float64) int { return t.bits(math.Float32bits(float32(v))) }

// bits returns the register that holds a constant in all lanes.
func (t *neonTile) bits(u uint32) int {
	for i, c := range t.consts {
		if c == u {
			return 31 - i
		}
	}
	t.consts = append(t.consts, u)
	if len(t.consts) > 22-t.op.inputs {
		panic(t.name + " has too many constants")
	}
	return 32 - len(t.consts)
}

func neonTileFile() string {
	var s strings.Builder
	s.WriteString(neonHeader)
	for _, op := range tileOps() {
		for _, kinds := range op.splats {
			s.WriteString(neonTileKernel(op, kinds))
		}
	}
	return s.String()
}

func neonTileKernel(op tileOp, kinds string) string {
	t := &neonTile{op: op, name: "tile" + op.name + strings.ToUpper(kinds) + "NEON"}
	t.label(t.name + "_row")
	for i := range 1 + op.inputs {
		t.f("MOVD R%d, R%d", 12+i, 1+i)
		if i > 0 && kinds[i-1] == 's' {
			t.f("VLD1R (R%d), [V%d.S4]", 1+i, 9+i)
		}
	}
	if op.reduce {
		t.reduce()
	} else {
		t.elements(kinds)
	}
	for i := range 1 + op.inputs {
		t.f("ADD R%d, R%d", 8+i, 12+i)
	}
	t.f("SUBS $1, R7")
	t.f("BNE %s_row", t.name)
	t.f("RET")
	begin := &neon{}
	begin.begin(t.name, "tileArgs", 0)
	begin.f("MOVD 32(R0), R6")
	begin.f("MOVD 40(R0), R7")
	for i := range 1 + op.inputs {
		begin.f("MOVD %d(R0), R%d", 8*i, 12+i)
		begin.f("MOVD %d(R0), R%d", 48+8*i, 8+i)
	}
	for i, u := range t.consts {
		begin.f("MOVW $0x%08x, R5", u)
		begin.f("VDUP R5, V%d.S4", 31-i)
	}
	return begin.out.String() + t.out.String() + "\n"
}

// load reads four elements at the position R, or one and zeros, and moves on.
func (t *neonTile) load(position, reg int, one bool) {
	size, half := 4, t.op.half != "" && position == 1+t.op.inputs
	if half {
		size = 2
	} else if t.op.byteIn {
		size = 1
	}
	switch {
	case size == 4 && one:
		t.f("FMOVS.P 4(R%d), F%d", position, reg)
	case size == 4:
		t.f("FMOVQ.P 16(R%d), F%d", position, reg)
	case size == 2 && one:
		t.f("MOVHU.P 2(R%d), R0", position)
		t.f("FMOVS R0, F%d", reg)
	case size == 2:
		t.f("FMOVD.P 8(R%d), F%d", position, reg)
	case one:
		t.f("MOVBU.P 1(R%d), R0", position)
		t.f("FMOVS R0, F%d", reg)
	default:
		t.f("FMOVS.P 4(R%d), F%d", position, reg)
		t.x("uxtl %[1]s.8h, %[2]s.8b", reg, reg)
		t.x("uxtl %[1]s.4s, %[2]s.4h", reg, reg)
	}
	switch {
	case half && t.op.half == "BF16":
		t.x("shll %[1]s.4s, %[2]s.4h, #16", reg, reg)
	case half:
		t.x("fcvtl %[1]s.4s, %[2]s.4h", reg, reg)
	}
}

func (t *neonTile) store(one bool) {
	switch {
	case !t.op.byteOut && one:
		t.f("FMOVS.P F0, 4(R1)")
	case !t.op.byteOut:
		t.f("FMOVQ.P F0, 16(R1)")
	case one:
		t.f("FMOVS F0, R0")
		t.f("MOVB.P R0, 1(R1)")
	default:
		t.x("xtn %[1]s.4h, %[2]s.4s", 0, 0)
		t.x("xtn %[1]s.8b, %[2]s.8h", 0, 0)
		t.f("FMOVS.P F0, 4(R1)")
	}
}

// loops calls step for each four elements of a row and each of the rest.
func (t *neonTile) loops(step func(one bool)) {
	t.f("SUBS $4, R6, R5")
	t.f("BLT %s_tail", t.name)
	t.label(t.name + "_loop")
	step(false)
	t.f("SUBS $4, R5")
	t.f("BGE %s_loop", t.name)
	t.label(t.name + "_tail")
	t.f("ADDS $4, R5")
	t.f("BEQ %s_end", t.name)
	t.label(t.name + "_one")
	step(true)
	t.f("SUBS $1, R5")
	t.f("BNE %s_one", t.name)
	t.label(t.name + "_end")
}

func (t *neonTile) elements(kinds string) {
	t.loops(func(one bool) {
		for i := range t.op.inputs {
			if kinds[i] == 's' {
				t.move(i, 10+i)
			} else {
				t.load(2+i, i, one)
			}
		}
		neonBodies[t.op.name](t)
		t.store(one)
	})
}

// reduce folds a row into four accumulators, 4–7, and these into one element.
func (t *neonTile) reduce() {
	neutral := t.k(map[string]float64{"RowMax": math.Inf(-1), "RowMin": math.Inf(1)}[t.op.name])
	for i := range 4 {
		t.move(4+i, neutral)
	}
	fold := func(into, from int) {
		t.move(0, into)
		t.move(1, from)
		neonBodies[t.op.name](t)
		t.move(into, 0)
	}
	take := func(into int, one bool) {
		t.load(2, 1, one)
		switch {
		case t.op.inputs == 2:
			t.load(3, 2, one)
			t.v("fmla", into, 1, 2)
			return
		case one && t.op.name != "RowSum": // in all lanes, where it changes nothing but the extremum
			t.f("VDUP V1.S[0], V1.S4")
		}
		fold(into, 1)
	}
	t.f("SUBS $16, R6, R5")
	t.f("BLT %s_few", t.name)
	t.label(t.name + "_sixteen")
	for i := range 4 {
		take(4+i, false)
	}
	t.f("SUBS $16, R5")
	t.f("BGE %s_sixteen", t.name)
	t.label(t.name + "_few")
	t.f("ADD $16, R5")
	t.f("SUBS $4, R5")
	t.f("BLT %s_tail", t.name)
	t.label(t.name + "_loop")
	take(4, false)
	t.f("SUBS $4, R5")
	t.f("BGE %s_loop", t.name)
	t.label(t.name + "_tail")
	t.f("ADDS $4, R5")
	t.f("BEQ %s_end", t.name)
	t.label(t.name + "_one")
	take(5, true)
	t.f("SUBS $1, R5")
	t.f("BNE %s_one", t.name)
	t.label(t.name + "_end")
	fold(4, 5)
	fold(6, 7)
	fold(4, 6)
	switch t.op.name {
	case "RowMax":
		t.x("fmaxv %[3]s, %[2]s.4s", 4, 4)
	case "RowMin":
		t.x("fminv %[3]s, %[2]s.4s", 4, 4)
	default:
		t.v("faddp", 4, 4, 4)
		t.v("faddp", 4, 4, 4)
	}
	t.f("FMOVS F4, (R1)")
}

// horner evaluates a polynomial in register x, highest coefficient first, by turns in registers y and y+1, and returns
// which of them holds it.
func (t *neonTile) horner(x, y int, coefficients ...float64) int {
	t.move(y, t.k(coefficients[0]))
	at := y
	for _, c := range coefficients[1:] {
		next := 2*y + 1 - at
		t.move(next, t.k(c))
		t.v("fmla", next, at, x)
		at = next
	}
	return at
}

// neonExp is exp of ops.go.
func neonExp(t *neonTile) {
	t.v("fmax", 0, 0, t.k(-106))
	t.v("fmin", 0, 0, t.k(90))
	t.v("fmul", 3, 0, t.k(math.Log2E))
	t.v("frintn", 3, 3)
	t.v("fmls", 0, 3, t.k(0.693359375))
	t.v("fmls", 0, 3, t.k(-2.12194440e-4))
	p := t.horner(0, 4, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
		5.0000001201e-1)
	t.v("fmul", 6, 0, 0)
	t.v("fmla", 0, p, 6) // p·r² + r
	t.v("fadd", 0, 0, t.k(1))
	// 2ⁿ in two factors, so that subnormal results and overflow are right.
	t.v("fcvtns", 3, 3)
	t.x("sshr %[1]s.4s, %[2]s.4s, #1", 4, 3)
	t.v("sub", 3, 3, 4)
	for _, r := range []int{3, 4} {
		t.v("add", r, r, t.bits(127))
		t.x("shl %[1]s.4s, %[2]s.4s, #23", r, r)
		t.v("fmul", 0, 0, r)
	}
}

// neonLog is logarithm of ops.go, as for AVX2.
func neonLog(t *neonTile) {
	select2 := func(mask, yes, no int) { t.v("bsl", mask, yes, no) } // into the mask's register
	t.move(7, 0)
	t.v("fcmgt", 8, t.bits(0x00800000), 0)
	t.v("fmul", 4, 0, t.k(1<<23))
	t.move(9, 8)
	select2(9, 4, 0) // subnormals scaled up
	t.x("ushr %[1]s.4s, %[2]s.4s, #23", 3, 9)
	t.v("sub", 3, 3, t.bits(127))
	t.v("scvtf", 3, 3)
	t.v("and", 8, 8, t.k(23))
	t.v("fsub", 3, 3, 8)
	t.v("and", 0, 9, t.bits(0x007fffff))
	t.v("orr", 0, 0, t.k(1))
	t.v("fcmgt", 8, 0, t.k(math.Sqrt2))
	t.v("fmul", 4, 0, t.k(0.5))
	t.move(9, 8)
	select2(9, 4, 0)
	t.v("and", 8, 8, t.k(1))
	t.v("fadd", 3, 3, 8)
	t.v("fsub", 0, 9, t.k(1))
	p := t.horner(0, 4, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
	t.v("fmul", 6, 0, 0)
	t.v("fmul", 8, 6, 0)
	t.v("fmul", 8, 8, p)
	t.v("fmla", 8, 3, t.k(-2.12194440e-4))
	t.v("fmls", 8, 6, t.k(0.5))
	t.v("fadd", 0, 0, 8)
	t.v("fmla", 0, 3, t.k(0.693359375))
	infinity := t.k(math.Inf(1))
	t.x("fcmeq %[1]s.4s, %[2]s.4s, #0.0", 4, 7)
	t.v("fneg", 5, infinity)
	select2(4, 5, 0)
	t.x("fcmlt %[1]s.4s, %[2]s.4s, #0.0", 5, 7)
	t.v("orr", 0, 4, 5) // all bits set is a NaN
	t.v("fcmge", 5, 7, infinity)
	select2(5, 7, 0)
	t.v("fcmeq", 6, 7, 7)
	select2(6, 5, 7) // NaN stays
	t.move(0, 6)
}
