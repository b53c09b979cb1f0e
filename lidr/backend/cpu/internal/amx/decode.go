//go:build linux && amd64

package amx

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// instruction is a decoded instruction of AMX.
type instruction struct {
	opcode, prefix  byte // prefix: 0 none, 1 66, 2 F3, 3 F2
	reg, rm, vvvv   int
	memory, sib     bool
	address, stride uint64
	size            int
}

// decode decodes VEX.128.0F38.W0, of whose opcodes AMX has 49, 4B, 5C and 5E.
func decode(code []byte, regs *unix.PtraceRegs) (in instruction, ok bool) {
	if len(code) < 15 || code[0] != 0xc4 || code[1]&31 != 2 || code[2]&0x84 != 0 {
		return in, false
	}
	in.opcode, in.prefix = code[3], code[2]&3
	if in.opcode != 0x49 && in.opcode != 0x4b && in.opcode != 0x5c && in.opcode != 0x5e {
		return in, false
	}
	extend := func(bit byte) int { return int(^code[1]>>bit&1) << 3 }
	mode := code[4] >> 6
	in.reg, in.rm, in.vvvv = int(code[4]>>3&7)|extend(7), int(code[4]&7)|extend(5), int(^code[2]>>3&15)
	in.size = 5
	if mode == 3 {
		return in, true
	}
	in.memory, in.sib = true, in.rm&7 == 4
	base, displacement := in.rm, 0
	if in.sib {
		sib := code[5]
		in.size++
		base = int(sib&7) | extend(5)
		if index := int(sib>>3&7) | extend(6); index != 4 {
			in.stride = register(regs, index) << (sib >> 6)
		}
	}
	switch mode {
	case 0:
		if base&7 == 5 {
			return in, false // relative to the instruction, or absolute: not used
		}
	case 1:
		displacement = int(int8(code[in.size]))
		in.size++
	case 2:
		for i := 3; i >= 0; i-- {
			displacement = displacement<<8 | int(code[in.size+i])
		}
		displacement = int(int32(displacement))
		in.size += 4
	}
	in.address = register(regs, base) + uint64(displacement)
	return in, true
}

func register(r *unix.PtraceRegs, i int) uint64 {
	return [16]uint64{r.Rax, r.Rcx, r.Rdx, r.Rbx, r.Rsp, r.Rbp, r.Rsi, r.Rdi, r.R8, r.R9, r.R10, r.R11, r.R12, r.R13,
		r.R14, r.R15}[i]
}

// run does the instruction's work. What a processor refuses, it refuses: operands that an instruction does not have.
func (in instruction) run(t *tiles, pid int) error {
	switch plain := in.vvvv == 0; {
	case in.opcode == 0x49 && in.prefix == 3 && !in.memory && plain && in.rm == 0: // TILEZERO
		if _, err := t.use(in.reg); err != nil {
			return err
		}
		t.data[in.reg] = tile{}
		return nil
	case in.opcode == 0x49 && in.prefix == 0 && !in.memory && plain && in.rm == 0 && in.reg == 0: // TILERELEASE
		*t = tiles{}
		return nil
	case in.opcode == 0x49 && in.prefix == 0 && in.memory && plain && in.reg == 0: // LDTILECFG
		config := make([]byte, 64)
		if _, err := copyMemory(pid, unix.ProcessVMReadv, in.address, 0, config); err != nil {
			return err
		}
		return t.configure(config)
	case in.opcode == 0x4b && in.prefix == 3 && in.sib && plain: // TILELOADD
		if _, err := t.use(in.reg); err != nil {
			return err
		}
		t.data[in.reg] = tile{}
		return in.transfer(t, pid, unix.ProcessVMReadv)
	case in.opcode == 0x4b && in.prefix == 2 && in.sib && plain: // TILESTORED
		return in.transfer(t, pid, unix.ProcessVMWritev)
	case in.opcode == 0x5c && in.prefix == 2 && !in.memory:
		return t.dotBF16(in.reg, in.rm, in.vvvv)
	case in.opcode == 0x5e && in.prefix == 2 && !in.memory:
		return t.dotBytes(in.reg, in.rm, in.vvvv)
	}
	return fmt.Errorf("instruction %+v is not emulated", in)
}

// transfer loads or stores a tile.
func (in instruction) transfer(t *tiles, pid int, move transfer) error {
	s, err := t.use(in.reg)
	if err != nil {
		return err
	}
	rows := make([][]byte, s.rows)
	for i := range rows {
		rows[i] = t.data[in.reg][i][:s.bytes]
	}
	n, err := copyMemory(pid, move, in.address, in.stride, rows...)
	if err == nil && n != s.rows*s.bytes {
		err = unix.EFAULT
	}
	if err != nil {
		return fmt.Errorf("tile %d at %#x, rows %d bytes apart: %w", in.reg, in.address, in.stride, err)
	}
	return nil
}
