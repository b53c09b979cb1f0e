package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// dtype is a format of a tensor's values: a number of bytes for each block of values. encode takes whole blocks.
type dtype struct {
	id         uint32 // enum ggml_type
	fileType   uint32 // enum llama_ftype of a file whose matrices have it
	block      int    // values
	blockBytes int
	encode     func(dst []byte, src []float32) error
}

var dtypes = map[string]dtype{
	"f32":  {0, 0, 1, 4, encodeF32},
	"f16":  {1, 1, 1, 2, encodeF16},
	"q8_0": {8, 7, 32, 34, encodeQ80},
	"bf16": {30, 32, 1, 2, encodeBF16},
}

func (d dtype) bytes(values int) int { return values / d.block * d.blockBytes }

func encodeF32(dst []byte, src []float32) error {
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
	return nil
}

func encodeF16(dst []byte, src []float32) error {
	for i, v := range src {
		h, err := float16(v)
		if err != nil {
			return err
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h)
	}
	return nil
}

// float16 rounds to IEEE 754 binary16, half to even.
func float16(v float32) (uint16, error) {
	b := math.Float32bits(v)
	sign, abs := uint16(b>>16&0x8000), b&0x7fffffff
	switch {
	case abs >= 0x477ff000: // 65520 and more would round to infinity
		return 0, fmt.Errorf("%g does not fit f16; write bf16 or f32", v)
	case abs < 113<<23: // below 2⁻¹⁴: a multiple of 2⁻²⁴
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(abs))*0x1p24)), nil
	}
	return sign | uint16((abs+0xfff+abs>>13&1-(127-15)<<23)>>13), nil
}

func encodeBF16(dst []byte, src []float32) error {
	for i, v := range src {
		b := math.Float32bits(v)
		b += 0x7fff + b>>16&1 // round half to even
		if b&0x7f800000 == 0x7f800000 {
			return fmt.Errorf("%g does not fit bf16; write f32", v)
		}
		binary.LittleEndian.PutUint16(dst[2*i:], uint16(b>>16))
	}
	return nil
}

// encodeQ80 stores every 32 values as a float16 scale d, a 127th of the largest magnitude, and 32 signed bytes x/d,
// rounded half away from zero (ggml-quants.c, quantize_row_q8_0_ref).
func encodeQ80(dst []byte, src []float32) error {
	const size, bytes = 32, 34
	for ; len(src) > 0; src, dst = src[size:], dst[bytes:] {
		largest := float32(0)
		for _, v := range src[:size] {
			if v != v {
				return fmt.Errorf("a value is not a number")
			}
			largest = max(largest, max(v, -v))
		}
		d := largest / 127
		scale, err := float16(d)
		if err != nil {
			return fmt.Errorf("%g does not fit q8_0; write bf16 or f32", largest)
		}
		binary.LittleEndian.PutUint16(dst, scale)
		inverse := float32(0)
		if d != 0 {
			inverse = 1 / d
		}
		for i, v := range src[:size] {
			dst[2+i] = byte(int8(math.Round(float64(v * inverse))))
		}
	}
	return nil
}
