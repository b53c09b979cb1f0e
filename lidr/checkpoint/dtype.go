package checkpoint

import (
	"encoding/binary"
	"math"
)

// dtype converts between float32 and a format's bytes. encode returns the index of the first finite value that
// overflows the format, or -1.
type dtype struct {
	size   int
	decode func(dst []float32, src []byte)
	encode func(dst []byte, src []float32) int
}

var dtypes = map[string]dtype{
	"F32":  {4, decodeF32, encodeF32},
	"F16":  {2, decodeF16, encodeF16},
	"BF16": {2, decodeBF16, encodeBF16},
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
		h := uint32(binary.LittleEndian.Uint16(src[2*i:]))
		sign, exp, frac := h>>15<<31, h>>10&31, h&1023
		switch exp {
		case 0: // zero and subnormal: frac × 2⁻²⁴
			dst[i] = math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
		case 31: // infinity and NaN
			dst[i] = math.Float32frombits(sign | 0x7f800000 | frac<<13)
		default:
			dst[i] = math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
		}
	}
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
