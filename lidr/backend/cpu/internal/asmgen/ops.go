package main

import (
	"fmt"
	"math"
)

var (
	binaryKinds  = []string{"vv", "vs"} // commutative
	orderedKinds = []string{"vv", "vs", "sv"}
	unaryKinds   = []string{"v"}
)

// op3 is an instruction of three operands: 0 = 0 op 1.
func op3(instruction string) func(t *tile) {
	return func(t *tile) { t.f(instruction, 1, 0, 0) }
}

func tileOps() []tileOp {
	ops := []tileOp{
		{name: "Add", inputs: 2, splats: binaryKinds, body: op3("VADDPS")},
		{name: "Mul", inputs: 2, splats: binaryKinds, body: op3("VMULPS")},
		{name: "Sub", inputs: 2, splats: orderedKinds, body: op3("VSUBPS")},
		{name: "Div", inputs: 2, splats: orderedKinds, body: op3("VDIVPS")},
		{name: "Max", inputs: 2, splats: binaryKinds, body: extremum("VMAXPS")},
		{name: "Min", inputs: 2, splats: binaryKinds, body: extremum("VMINPS")},
		{name: "AddI", inputs: 2, splats: binaryKinds, body: op3("VPADDD")},
		{name: "SubI", inputs: 2, splats: orderedKinds, body: op3("VPSUBD")},
		{name: "MulI", inputs: 2, splats: binaryKinds, body: op3("VPMULLD")},
		{name: "MaxI", inputs: 2, splats: binaryKinds, body: op3("VPMAXSD")},
		{name: "MinI", inputs: 2, splats: binaryKinds, body: op3("VPMINSD")},
		{name: "Copy", inputs: 1, splats: []string{"v", "s"}, body: func(*tile) {}},
		{name: "Neg", inputs: 1, splats: unaryKinds, body: func(t *tile) { t.logic("VXORPS", 0, t.bits(1<<31)) }},
		{name: "Abs", inputs: 1, splats: unaryKinds, body: func(t *tile) { t.logic("VANDPS", 0, t.bits(1<<31-1)) }},
		{name: "Not", inputs: 1, splats: unaryKinds, body: func(t *tile) {
			t.f("VMOVUPS", t.k(1), 1)
			t.f("VSUBPS", 0, 1, 0)
		}},
		{name: "Truth", inputs: 1, splats: unaryKinds, body: func(t *tile) {
			t.f("VXORPS", 1, 1, 1)
			t.compare("VCMPPS", 4)
		}},
		{name: "Sqrt", inputs: 1, splats: unaryKinds, body: func(t *tile) { t.f("VSQRTPS", 0, 0) }},
		{name: "Rsqrt", inputs: 1, splats: unaryKinds, body: func(t *tile) {
			t.f("VSQRTPS", 0, 1)
			t.f("VMOVUPS", t.k(1), 0)
			t.f("VDIVPS", 1, 0, 0)
		}},
		{name: "Exp", inputs: 1, splats: unaryKinds, body: exp},
		{name: "Log", inputs: 1, splats: unaryKinds, body: logarithm},
		{name: "Logistic", inputs: 1, splats: unaryKinds, body: func(t *tile) {
			t.logic("VXORPS", 0, t.bits(1<<31))
			exp(t)
			t.f("VADDPS", t.k(1), 0, 1)
			t.f("VMOVUPS", t.k(1), 0)
			t.f("VDIVPS", 1, 0, 0)
		}},
		{name: "FromI", inputs: 1, splats: unaryKinds, body: func(t *tile) { t.f("VCVTDQ2PS", 0, 0) }},
		{name: "ToI", inputs: 1, splats: unaryKinds, body: func(t *tile) { t.f("VCVTTPS2DQ", 0, 0) }},
		{name: "FromBool", inputs: 1, splats: unaryKinds, byteIn: true, body: func(t *tile) { t.f("VCVTDQ2PS", 0, 0) }},
		{name: "ToBool", inputs: 1, splats: unaryKinds, byteOut: true, body: func(t *tile) { t.f("VCVTTPS2DQ", 0, 0) }},
		{name: "FromBF16", inputs: 1, splats: unaryKinds, half: "BF16", body: func(*tile) {}},
		{name: "FromF16", inputs: 1, splats: unaryKinds, half: "F16", body: func(*tile) {}},
		{name: "Where", inputs: 3, splats: []string{"vvv", "vvs", "vsv"}, body: where},
		// For attention: exp((a - b)·c), a·b + c and a·(b - c).
		{name: "ExpScaled", inputs: 3, splats: []string{"vss"}, body: func(t *tile) {
			t.f("VSUBPS", 1, 0, 0)
			t.f("VMULPS", 2, 0, 0)
			exp(t)
		}},
		{name: "MulAdd", inputs: 3, splats: []string{"vsv"}, body: func(t *tile) {
			t.f("VFMADD213PS", 2, 1, 0)
		}},
		{name: "SoftmaxGrad", inputs: 3, splats: []string{"vvs"}, body: func(t *tile) {
			t.f("VSUBPS", 2, 1, 1)
			t.f("VMULPS", 1, 0, 0)
		}},
		{name: "RowSum", inputs: 1, splats: unaryKinds, reduce: true, body: op3("VADDPS")},
		{name: "RowMax", inputs: 1, splats: unaryKinds, reduce: true, body: extremum("VMAXPS")},
		{name: "RowDot", inputs: 2, splats: []string{"vv"}, reduce: true, body: op3("VADDPS")},
		{name: "RowMin", inputs: 1, splats: unaryKinds, reduce: true, body: extremum("VMINPS")},
	}
	// Comparisons give 1.0 or 0.0. Predicates of VCMPPS: ordered, quiet (not-equal: unordered, so NaN ≠ NaN).
	for _, c := range []struct {
		name      string
		predicate int
		integer   int
	}{{"Eq", 0, 0}, {"Ne", 4, 4}, {"Lt", 17, 1}, {"Le", 18, 2}} {
		ops = append(ops,
			tileOp{name: c.name, inputs: 2, splats: orderedKinds, body: func(t *tile) { t.compare("VCMPPS", c.predicate) }},
			tileOp{name: c.name + "I", inputs: 2, splats: orderedKinds, body: func(t *tile) { t.compareInt(c.integer) }})
	}
	return ops
}

// logic applies a bitwise float instruction with a constant. (VXORPS on Z registers needs AVX512DQ, which every
// processor with the foundation and VL/BW sets that we require has.)
func (t *tile) logic(instruction string, reg int, constant string) {
	t.f(instruction, constant, reg, reg)
}

// extremum is maximum or minimum of 0 and 1 that propagates NaN from either side: the instruction returns its second
// source if a source is NaN, so that only a NaN in register 1 needs extra work.
func extremum(instruction string) func(t *tile) {
	return func(t *tile) {
		t.f(instruction, 0, 1, 2)
		if t.reg == "Z" {
			t.f("VCMPPS", "$3", 1, 1, "K2")
			t.f("VMOVAPS", 1, "K2", 2)
			t.f("VMOVAPS", 2, 0)
			return
		}
		t.f("VCMPPS", "$3", 1, 1, 3)
		t.f("VBLENDVPS", 3, 1, 2, 0)
	}
}

func (t *tile) compare(instruction string, predicate int) {
	if t.reg == "Z" {
		t.f(instruction, fmt.Sprintf("$%d", predicate), 1, 0, "K2")
		t.f("VMOVUPS.Z", t.k(1), "K2", 0)
		return
	}
	t.f(instruction, fmt.Sprintf("$%d", predicate), 1, 0, 0)
	t.f("VANDPS", t.k(1), 0, 0)
}

func (t *tile) compareInt(predicate int) {
	if t.reg == "Z" {
		t.f("VPCMPD", fmt.Sprintf("$%d", predicate), 1, 0, "K2")
		t.f("VMOVUPS.Z", t.k(1), "K2", 0)
		return
	}
	switch predicate {
	case 0, 4:
		t.f("VPCMPEQD", 1, 0, 0)
	case 1: // 0 < 1
		t.f("VPCMPGTD", 0, 1, 0)
	case 2: // not 0 > 1
		t.f("VPCMPGTD", 1, 0, 0)
	}
	if predicate == 0 || predicate == 1 {
		t.f("VANDPS", t.k(1), 0, 0)
	} else {
		t.f("VANDNPS", t.k(1), 0, 0)
	}
}

// where: 0 is the condition (0.0 or 1.0), 1 and 2 the choices.
func where(t *tile) {
	t.f("VXORPS", 3, 3, 3)
	if t.reg == "Z" {
		t.f("VCMPPS", "$4", 3, 0, "K2")
		t.f("VMOVAPS", 2, 0)
		t.f("VMOVAPS", 1, "K2", 0)
		return
	}
	t.f("VCMPPS", "$4", 3, 0, 0)
	t.f("VBLENDVPS", 0, 1, 2, 0)
}

// horner evaluates a polynomial in register x, highest coefficient first, into register y.
func (t *tile) horner(x, y int, coefficients ...float64) {
	t.f("VMOVUPS", t.k(coefficients[0]), y)
	for _, c := range coefficients[1:] {
		t.f("VFMADD213PS", t.k(c), x, y)
	}
}

// exp: register 0 → 0, scratch 3–6. Cephes expf: x = n·ln2 + r, a polynomial of degree 7 for exp(r), then scaling by
// 2ⁿ. Arguments are clamped to where the result is 0 or +Inf; NaN passes through.
func exp(t *tile) {
	t.f("VMOVUPS", t.k(-106), 3)
	t.f("VMAXPS", 0, 3, 0)
	t.f("VMOVUPS", t.k(90), 3)
	t.f("VMINPS", 0, 3, 0)
	t.f("VMULPS", t.k(math.Log2E), 0, 3)
	if t.reg == "Z" {
		t.f("VRNDSCALEPS", "$8", 3, 3)
	} else {
		t.f("VROUNDPS", "$8", 3, 3)
	}
	t.f("VFNMADD231PS", t.k(0.693359375), 3, 0)
	t.f("VFNMADD231PS", t.k(-2.12194440e-4), 3, 0)
	t.horner(0, 4, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	t.f("VMULPS", 0, 0, 5)
	t.f("VFMADD213PS", 0, 5, 4) // p·r² + r
	t.f("VADDPS", t.k(1), 4, 0)
	if t.reg == "Z" {
		t.f("VSCALEFPS", 3, 0, 0)
		return
	}
	// 2ⁿ in two factors, so that subnormal results and overflow are right.
	t.f("VCVTPS2DQ", 3, 3)
	t.f("VPSRAD", "$1", 3, 4)
	t.f("VPSUBD", 4, 3, 3)
	for _, r := range []int{3, 4} {
		t.f("VPADDD", t.bits(127), r, r)
		t.f("VPSLLD", "$23", r, r)
		t.f("VMULPS", r, 0, 0)
	}
}

// logarithm: register 0 → 0, scratch 3–8. Cephes logf: x = m·2ᵉ with m in [√½, √2), a polynomial in m-1.
func logarithm(t *tile) {
	if t.reg == "Z" {
		t.f("VMOVAPS", 0, 7) // x, for the special cases
		t.f("VGETEXPPS", 0, 3)
		t.f("VGETMANTPS", "$8", 0, 0) // [1, 2), NaN for negative arguments
		t.f("VCMPPS", "$30", t.k(math.Sqrt2), 0, "K2")
		t.f("VMULPS", t.k(0.5), 0, "K2", 0)
		t.f("VADDPS", t.k(1), 3, "K2", 3)
	} else {
		t.f("VMOVAPS", 0, 7) // x, for the special cases
		t.f("VCMPPS", "$17", t.bits(0x00800000), 0, 8)
		t.f("VMULPS", t.k(1<<23), 0, 4)
		t.f("VBLENDVPS", 8, 4, 0, 0) // subnormals scaled up
		t.f("VPSRLD", "$23", 0, 3)
		t.f("VPSUBD", t.bits(127), 3, 3)
		t.f("VCVTDQ2PS", 3, 3)
		t.f("VANDPS", t.k(23), 8, 8)
		t.f("VSUBPS", 8, 3, 3)
		t.f("VANDPS", t.bits(0x007fffff), 0, 0)
		t.f("VORPS", t.k(1), 0, 0)
		t.f("VCMPPS", "$30", t.k(math.Sqrt2), 0, 8)
		t.f("VMULPS", t.k(0.5), 0, 4)
		t.f("VBLENDVPS", 8, 4, 0, 0)
		t.f("VANDPS", t.k(1), 8, 8)
		t.f("VADDPS", 8, 3, 3)
	}
	t.f("VSUBPS", t.k(1), 0, 0)
	t.horner(0, 4, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
		2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
	t.f("VMULPS", 0, 0, 5)
	t.f("VMULPS", 5, 0, 6)
	t.f("VMULPS", 6, 4, 4)
	t.f("VFMADD231PS", t.k(-2.12194440e-4), 3, 4)
	t.f("VFNMADD231PS", t.k(0.5), 5, 4)
	t.f("VADDPS", 4, 0, 0)
	t.f("VFMADD231PS", t.k(0.693359375), 3, 0)
	if t.reg == "Z" {
		t.f("VXORPS", 4, 4, 4)
		t.f("VCMPPS", "$0", 4, 7, "K2")
		t.f("VMOVUPS", t.k(math.Inf(-1)), "K2", 0)
		t.f("VCMPPS", "$0", t.k(math.Inf(1)), 7, "K2")
		t.f("VMOVAPS", 7, "K2", 0)
		return
	}
	t.f("VXORPS", 4, 4, 4)
	t.f("VCMPPS", "$0", 4, 7, 5) // x = 0
	t.f("VMOVUPS", t.k(math.Inf(-1)), 6)
	t.f("VBLENDVPS", 5, 6, 0, 0)
	t.f("VCMPPS", "$1", 4, 7, 5) // x < 0
	t.f("VORPS", 5, 0, 0)        // all bits set is a NaN
	t.f("VCMPPS", "$3", 7, 7, 5)
	t.f("VBLENDVPS", 5, 7, 0, 0) // NaN stays
	t.f("VCMPPS", "$0", t.k(math.Inf(1)), 7, 5)
	t.f("VBLENDVPS", 5, 7, 0, 0) // +Inf stays
}
