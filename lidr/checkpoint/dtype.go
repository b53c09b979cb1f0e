package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Type is how a tensor's values are stored: as many bytes for each block of values.
type Type struct {
	Name  string // of safetensors, or of GGML where values share a block: Q8_0, Q4_K
	Block int    // values
	Bytes int    // of a block

	// Decode widens the blocks that src begins with, as many as fill dst.
	Decode func(dst []float32, src []byte)

	encode func(dst []byte, src []float32) int // the index of the first finite value that overflows the type, or -1
}

// The types of safetensors that are read.
var (
	F32  = &Type{"F32", 1, 4, decodeF32, encodeF32}
	F16  = &Type{"F16", 1, 2, decodeF16, encodeF16}
	BF16 = &Type{"BF16", 1, 2, decodeBF16, encodeBF16}
)

// typeOf returns the type of that name of safetensors, or an error.
func typeOf(name string) (*Type, error) {
	for _, t := range []*Type{F32, F16, BF16} {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("dtype %q is not supported; expected F32, F16 or BF16", name)
}

func decodeF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func encodeF32(dst []byte, src []float32) int {
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
	return -1
}

// bfloat16 is the upper half of a float32.
func decodeBF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

func encodeBF16(dst []byte, src []float32) int {
	for i, v := range src {
		b := math.Float32bits(v)
		if v != v {
			b |= 1 << 22 // stay a NaN when the lower half is dropped
		} else {
			b += 0x7fff + b>>16&1 // round half to even
			if b&0x7f800000 == 0x7f800000 && !math.IsInf(float64(v), 0) {
				return i
			}
		}
		binary.LittleEndian.PutUint16(dst[2*i:], uint16(b>>16))
	}
	return -1
}

// IEEE 754 binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits.
func decodeF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = half(binary.LittleEndian.Uint16(src[2*i:]))
	}
}

// half widens a binary16.
func half(bits uint16) float32 {
	sign, rest := uint32(bits)>>15<<31, uint32(bits)&0x7fff
	if rest >= 0x7c00 { // infinity and NaN
		return math.Float32frombits(sign | 0x7f800000 | rest&1023<<13)
	}
	// The exponent's bias is 112 less than float32's: a power of two, so that subnormal numbers come out right as well.
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(rest<<13)*0x1p112))
}

func encodeF16(dst []byte, src []float32) int {
	for i, v := range src {
		b := math.Float32bits(v)
		sign, abs := uint16(b>>16&0x8000), b&0x7fffffff
		var h uint16
		switch {
		case abs > 0x7f800000: // NaN, its payload cut but never empty
			h = 0x7e00 | uint16(abs>>13&1023)
		case abs == 0x7f800000:
			h = 0x7c00
		case abs < 113<<23: // below 2⁻¹⁴: subnormal, a multiple of 2⁻²⁴
			h = uint16(math.RoundToEven(float64(math.Float32frombits(abs)) * 0x1p24))
		default: // drop 13 bits of fraction, half to even; a carry moves into the exponent
			h = uint16((abs + 0xfff + abs>>13&1 - (127-15)<<23) >> 13)
			if abs >= 0x477ff000 { // 65520 and more round to infinity
				return i
			}
		}
		binary.LittleEndian.PutUint16(dst[2*i:], sign|h)
	}
	return -1
}
