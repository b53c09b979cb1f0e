//go:build linux && amd64

// Package amx emulates the tile instructions of AMX for processes on processors that lack them, so that kernels which
// use them can be tested anywhere: the process runs under ptrace, every tile instruction ends in SIGILL, and the tracer
// does its work on tiles of its own and on the process's memory. All other instructions are the processor's. It is some
// thousands of times slower than AMX.
//
// Semantics and encodings are those of Intel's Software Developer's Manual, volume 2 (LDTILECFG, TILERELEASE, TILEZERO,
// TILELOADD, TILESTORED, TDPBF16PS, TDPBSUD).
package amx

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	tileRows  = 16
	tileBytes = 64 // of a row
)

type tile [tileRows][tileBytes]byte

// shape is what LDTILECFG says of a tile.
type shape struct{ rows, bytes int }

// tiles are the tile registers of a thread; without a configuration all use of them is an error.
type tiles struct {
	configured bool
	shapes     [8]shape
	data       [8]tile
}

// configure is LDTILECFG of palette 1, which has eight tiles of 16 rows of 64 bytes, or of palette 0, which is none.
func (t *tiles) configure(config []byte) error {
	*t = tiles{}
	if config[0] == 0 {
		return nil
	}
	if config[0] != 1 || config[1] != 0 {
		return fmt.Errorf("tile configuration of palette %d, start row %d: expected 1, 0", config[0], config[1])
	}
	for i, b := range config {
		if reserved := i >= 2 && i < 16 || i >= 32 && i < 48 || i >= 56; reserved && b != 0 {
			return fmt.Errorf("byte %d of the tile configuration is %d, expected 0", i, b)
		}
	}
	for i := range t.shapes {
		s := shape{int(config[48+i]), int(binary.LittleEndian.Uint16(config[16+2*i:]))}
		if s.rows > tileRows || s.bytes > tileBytes || s.bytes%4 != 0 || (s.rows == 0) != (s.bytes == 0) {
			return fmt.Errorf("tile %d is configured with %d rows of %d bytes", i, s.rows, s.bytes)
		}
		t.shapes[i] = s
	}
	t.configured = true
	return nil
}

// use returns a tile's shape, which must not be empty.
func (t *tiles) use(i int) (shape, error) {
	if !t.configured || i > 7 || t.shapes[i].rows == 0 {
		return shape{}, fmt.Errorf("tile %d is used and not configured", i)
	}
	return t.shapes[i], nil
}

// product checks the shapes of dst += a · b, whose elements along the contracted axis come in groups of four bytes.
func (t *tiles) product(dst, a, b int) (m, n, k int, err error) {
	var shapes [3]shape
	for i, index := range []int{dst, a, b} {
		if shapes[i], err = t.use(index); err != nil {
			return 0, 0, 0, err
		}
	}
	d, x, y := shapes[0], shapes[1], shapes[2]
	if dst == a || dst == b || a == b || d.rows != x.rows || d.bytes != y.bytes || x.bytes/4 != y.rows {
		return 0, 0, 0, fmt.Errorf("product of tiles %d %v and %d %v into %d %v", a, x, b, y, dst, d)
	}
	return d.rows, d.bytes / 4, x.bytes / 4, nil
}

// bfloat16 is the float32 of two bytes, subnormal numbers being 0.
func bfloat16(b []byte) float32 {
	return flush(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
}

// flush makes a subnormal number 0 of its sign.
func flush(x float32) float32 {
	if bits := math.Float32bits(x); bits&0x7f800000 == 0 {
		return math.Float32frombits(bits & (1 << 31))
	}
	return x
}

// mulAdd is a·b + c of bfloat16 a and b, rounded once: their product has 16 bits, so that what float64 rounds of the
// sum is too small to change what float32 does.
func mulAdd(a, b, c float32) float32 { return flush(float32(float64(a)*float64(b) + float64(c))) }

// dotBF16 is TDPBF16PS: to each element the sums of the even and of the odd products are added, each of these rounded
// in order along k.
func (t *tiles) dotBF16(dst, a, b int) error {
	m, n, k, err := t.product(dst, a, b)
	for i := range m {
		for j := range n {
			var even, odd float32
			for e := range k {
				x, y := t.data[a][i][4*e:], t.data[b][e][4*j:]
				even = mulAdd(bfloat16(x), bfloat16(y), even)
				odd = mulAdd(bfloat16(x[2:]), bfloat16(y[2:]), odd)
			}
			at := t.data[dst][i][4*j:]
			sum := flush(flush(math.Float32frombits(binary.LittleEndian.Uint32(at))) + flush(even+odd))
			binary.LittleEndian.PutUint32(at, math.Float32bits(sum))
		}
	}
	return err
}

// dotBytes is TDPBSUD: to each element sums of four products of a signed byte and one without sign, without saturation.
func (t *tiles) dotBytes(dst, a, b int) error {
	m, n, k, err := t.product(dst, a, b)
	for i := range m {
		for j := range n {
			at := t.data[dst][i][4*j:]
			sum := int32(binary.LittleEndian.Uint32(at))
			for e := range 4 * k {
				sum += int32(int8(t.data[a][i][e])) * int32(t.data[b][e/4][4*j+e%4])
			}
			binary.LittleEndian.PutUint32(at, uint32(sum))
		}
	}
	return err
}
