package main

import "fmt"

// A single kernel multiplies one row of x, rounded to blocks of 32 signed bytes, by a panel's width of rows of blocks:
//
//	type singleArgs struct { dst, x, src, scratch unsafe.Pointer; stride, blocks int; ahead uintptr }
//
// It is a panel kernel that multiplies what that would store: one row alone does not pay for a panel. The sums of
// integers, and the scales, of a block's groups of 32 values lie in scratch, four vectors a group, until the block
// ends; then they are added to the results in the order of the product kernels.
//
// Registers are those of a panel kernel; besides DI scratch, AX x, R13 the results. A register that turn needs is free
// once it is done: 4 and 5 hold sums of 16 bits, 6 a product, 7 and 9 sums of 32 bits. Of a format whose blocks are one
// group, all stays in registers: 12 the sum of signed products, 13 the scale, 14 the minimum, 15 the results.

const singleGroup = 4 * 32 // bytes of scratch: the sums of both halves, the scale, and the minimum or second scale

// most is the largest value of a format, as an unsigned byte; Q8_0's are signed.
var most = map[string]int{"Q40": 15, "Q41": 15, "Q50": 31, "Q51": 31, "Q4K": 15, "Q5K": 31, "Q6K": 63}

// flat reports whether a block is one group.
func (p *panel) flat() bool { return p.format.values == 32 }

// put stores a register as vector i of the 32 values number group of the block, or multiplies it.
func (p *panel) put(reg, group, i int) {
	switch {
	case p.sums == nil:
		p.f("VMOVDQU32", reg, fmt.Sprintf("%d(DI)", (group*p.format.vectors+i)*p.bytes()))
	case i >= 8 && p.flat():
		p.f("VMOVDQA", reg, 13+i-8)
	case i >= 8:
		p.f("VMOVDQU", reg, fmt.Sprintf("%d(DI)", group*singleGroup+(i-6)*32))
	case p.format.name == "Q80":
		p.multiplySigned(reg, i)
	default:
		p.multiply(reg, group, i)
	}
}

// multiply adds the products of a vector of four bytes a row to the sums of its unit, which the last one stores. Sums
// of products fit 16 bits: those of four vectors of values up to 31, and of two of values up to 63.
func (p *panel) multiply(reg, group, i int) {
	unit, last := 2*group+i/4, i%4 == 3
	sum, begun := p.sums[unit]
	if !begun {
		sum = 4 + len(p.sums)
		p.sums[unit] = sum
	}
	total := map[int]int{4: 7, 5: 9}[sum]
	p.f("VPBROADCASTD", fmt.Sprintf("%d(AX)", group*48+4*i), 6)
	if wide := most[p.format.name] > 31; i%4 == 0 || wide && i%4 == 2 {
		p.f("VPMADDUBSW", 6, reg, sum)
	} else {
		p.f("VPMADDUBSW", 6, reg, 6)
		p.f("VPADDW", 6, sum, sum)
		if wide && !last {
			p.f("VPMADDWD", "quantUnits<>(SB)", sum, total)
		}
		if last {
			p.f("VPMADDWD", "quantUnits<>(SB)", sum, sum)
			if wide {
				p.f("VPADDD", total, sum, sum)
			}
		}
	}
	if last && !p.flat() {
		p.f("VMOVDQU", sum, fmt.Sprintf("%d(DI)", group*singleGroup+i/4*32))
		delete(p.sums, unit)
	}
}

// multiplySigned is multiply for signed bytes: their magnitudes by x under their signs, whose sums take 32 bits.
func (p *panel) multiplySigned(reg, i int) {
	p.f("VPABSB", reg, 5)
	p.f("VPBROADCASTD", fmt.Sprintf("%d(AX)", 4*i), 6)
	p.f("VPSIGNB", reg, 6, 6)
	p.f("VPMADDUBSW", 6, 5, 6)
	if i == 0 {
		p.f("VPMADDWD", "quantUnits<>(SB)", 6, 12)
		return
	}
	p.f("VPMADDWD", "quantUnits<>(SB)", 6, 6)
	p.f("VPADDD", 6, 12, 12)
}

// addUp adds a block's groups to the results, in order, as the product kernels do.
func (p *panel) addUp() {
	const y, total, scale = 15, 4, 5
	halves := p.format.name == "Q6K"
	minima := p.format.vectors == 10 && !halves
	if !p.flat() {
		p.f("VMOVUPS", "(R13)", y)
	}
	for group := range p.format.values / 32 {
		x := func(offset int) string { return fmt.Sprintf("%d(AX)", group*48+offset) }
		at := func(vector int) any { // of the group
			if p.flat() {
				return []int{4, 5, 13, 14}[vector]
			}
			return fmt.Sprintf("%d(DI)", group*singleGroup+vector*32)
		}
		for part := range 2 {
			switch {
			case part == 1 && !halves:
				continue
			case p.format.name == "Q80":
				p.f("VCVTDQ2PS", 12, total)
			case halves:
				p.f("VPBROADCASTD", x(40+4*part), scale)
				p.f("VPADDD", at(part), scale, total)
				p.f("VCVTDQ2PS", total, total)
			default:
				if !p.flat() {
					p.f("VMOVDQU", at(0), total)
				}
				p.f("VPADDD", at(1), total, total)
				if !minima {
					p.f("VPBROADCASTD", x(40), scale)
					p.f("VPADDD", scale, total, total)
				}
				p.f("VCVTDQ2PS", total, total)
			}
			p.f("VBROADCASTSS", x(32), scale)
			p.f("VMULPS", at(2+part), scale, scale)
			p.f("VFMADD231PS", scale, total, y)
		}
		if minima {
			p.f("VBROADCASTSS", x(36), scale)
			p.f("VFMADD231PS", at(3), scale, y)
		}
	}
	if !p.flat() {
		p.f("VMOVUPS", y, "(R13)")
	}
	clear(p.sums)
}

func singleKernel(s isa, f blockFormat) string {
	p := &panel{asm: asm{isa: s}, format: f, sums: map[int]int{}}
	name := "single" + f.name + s.name
	fmt.Fprintf(&p.out, "// func %s(args *singleArgs)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	p.f("MOVQ", "args+0(FP)", "R12")
	for i, r := range []string{"R13", "AX", "SI", "DI", "R9", "BX", "DX"} {
		p.f("MOVQ", fmt.Sprintf("%d(R12)", 8*i), r)
	}
	p.f("VPXOR", 15, 15, 15)
	p.f("VMOVUPS", 15, "(R13)")
	p.eachBlock(name, func() {
		f.emit(p)
		p.addUp()
		p.f("ADDQ", fmt.Sprintf("$%d", f.values/32*48), "AX")
	})
	if p.flat() {
		p.f("VMOVUPS", 15, "(R13)")
	}
	p.f("VZEROUPPER")
	p.f("RET")
	return p.out.String() + "\n"
}
