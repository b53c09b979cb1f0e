package gguf

import (
	"encoding/binary"
	"math"
)

// The values of a quantized tensor are computed as gguf-py's quants.py does, operation by operation in float32, so that
// they are the same in every bit. A conversion float32(a*b) before a sum keeps the compiler from fusing the two.

// half widens the IEEE 754 binary16 that b begins with.
func half(b []byte) float32 {
	h := uint32(binary.LittleEndian.Uint16(b))
	sign, rest := h>>15<<31, h&0x7fff
	if rest >= 0x7c00 { // infinity and NaN
		return math.Float32frombits(sign | 0x7f800000 | rest&1023<<13)
	}
	// The exponent's bias is 112 less than float32's: a power of two, so that subnormal numbers come out right as well.
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(rest<<13)*0x1p112))
}

// Blocks of 32 values: the low four bits of values 0 to 15 and of 16 to 31 share bytes.

func decodeQ40(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[18:] {
		d, q, out := half(src), src[2:18], dst[:32]
		for j, b := range q {
			out[j], out[j+16] = d*float32(int(b&15)-8), d*float32(int(b>>4)-8)
		}
	}
}

func decodeQ41(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[20:] {
		d, m, q, out := half(src), half(src[2:]), src[4:20], dst[:32]
		for j, b := range q {
			out[j] = float32(d*float32(b&15)) + m
			out[j+16] = float32(d*float32(b>>4)) + m
		}
	}
}

func decodeQ50(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[22:] {
		d, high, q, out := half(src), binary.LittleEndian.Uint32(src[2:]), src[6:22], dst[:32]
		for j, b := range q {
			fifth, other := high>>j&1<<4, high>>(j+16)&1<<4
			out[j] = d * float32(int(uint32(b&15)|fifth)-16)
			out[j+16] = d * float32(int(uint32(b>>4)|other)-16)
		}
	}
}

func decodeQ51(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[24:] {
		d, m, high, q, out := half(src), half(src[2:]), binary.LittleEndian.Uint32(src[4:]), src[8:24], dst[:32]
		for j, b := range q {
			fifth, other := high>>j&1<<4, high>>(j+16)&1<<4
			out[j] = float32(d*float32(uint32(b&15)|fifth)) + m
			out[j+16] = float32(d*float32(uint32(b>>4)|other)) + m
		}
	}
}

func decodeQ80(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[34:] {
		d, q, out := half(src), src[2:34], dst[:32]
		for j, b := range q {
			out[j] = float32(int8(b)) * d
		}
	}
}

// uneven are the sixteen values of IQ4_NL and IQ4_XS (kvalues_iq4nl).
var uneven = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

func decodeIQ4NL(dst []float32, src []byte) {
	for ; len(dst) >= 32; dst, src = dst[32:], src[18:] {
		d, q, out := half(src), src[2:18], dst[:32]
		for j, b := range q {
			out[j], out[j+16] = d*uneven[b&15], d*uneven[b>>4]
		}
	}
}
