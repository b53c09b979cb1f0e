package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"lidrlab/lidr/checkpoint"
)

// dtype is a format of a tensor's values.
type dtype struct {
	name     string
	id       uint32 // enum ggml_type
	fileType uint32 // enum llama_ftype of a file whose matrices have it; of no use where files are only read
	stored   *checkpoint.Type

	// All values are finite if infinite, the bits of the exponent, is not whole in any of these halves of a block: its
	// scales, or the upper half of a float.
	halves   []int // their bytes
	infinite uint16

	encode func(dst []byte, src []float32) error // whole blocks; nil where files of the format are only read
}

// blocks is a format whose values share scales.
func blocks(name string, id, fileType uint32, block, bytes int, decode func([]float32, []byte), scales ...int) dtype {
	stored := &checkpoint.Type{Name: strings.ToUpper(name), Block: block, Bytes: bytes, Decode: decode}
	return dtype{name: name, id: id, fileType: fileType, stored: stored, halves: scales, infinite: 0x7c00}
}

// dtypes are the formats that are read (ggml-common.h).
var dtypes = []dtype{
	{"f32", 0, 0, checkpoint.F32, []int{2}, 0x7f80, encodeF32},
	{"f16", 1, 1, checkpoint.F16, []int{0}, 0x7c00, encodeF16},
	{"bf16", 30, 32, checkpoint.BF16, []int{0}, 0x7f80, encodeBF16},
	q80,
	blocks("q4_0", 2, 0, 32, 18, decodeQ40, 0),
	blocks("q4_1", 3, 0, 32, 20, decodeQ41, 0, 2),
	blocks("q5_0", 6, 0, 32, 22, decodeQ50, 0),
	blocks("q5_1", 7, 0, 32, 24, decodeQ51, 0, 2),
	blocks("q2_k", 10, 0, 256, 84, decodeQ2K, 80, 82),
	blocks("q3_k", 11, 0, 256, 110, decodeQ3K, 108),
	blocks("q4_k", 12, 0, 256, 144, decodeQ4K, 0, 2),
	blocks("q5_k", 13, 0, 256, 176, decodeQ5K, 0, 2),
	blocks("q6_k", 14, 0, 256, 210, decodeQ6K, 208),
	blocks("iq4_nl", 20, 0, 32, 18, decodeIQ4NL, 0),
	blocks("iq4_xs", 23, 0, 256, 136, decodeIQ4XS, 0),
}

// q80 is written as well.
var q80 = func() dtype {
	d := blocks("q8_0", 8, 7, 32, 34, decodeQ80, 0)
	d.encode = checkpoint.EncodeQ80
	return d
}()

// f32 is the format of vectors.
var f32 = dtypes[0]

// otherTypes names the other formats of llama.cpp.
var otherTypes = map[uint32]string{
	9: "q8_1", 15: "q8_k", 16: "iq2_xxs", 17: "iq2_xs", 18: "iq3_xxs", 19: "iq1_s", 21: "iq3_s", 22: "iq2_s", 24: "i8",
	25: "i16", 26: "i32", 27: "i64", 28: "f64", 29: "iq1_m", 34: "tq1_0", 35: "tq2_0", 39: "mxfp4", 40: "nvfp4",
}

// dtypeOf returns the format of a number in a file.
func dtypeOf(id uint32) (dtype, error) {
	for _, d := range dtypes {
		if d.id == id {
			return d, nil
		}
	}
	name := otherTypes[id]
	if name == "" {
		name = fmt.Sprintf("number %d", id)
	}
	return dtype{}, fmt.Errorf("type %s, which is not read; take the model in another quantization, such as Q8_0 or "+
		"Q4_K_M",
		name)
}

// writable returns the format that a user names.
func writable(name string) (dtype, error) {
	for _, d := range dtypes {
		if d.name == name && d.encode != nil {
			return d, nil
		}
	}
	return dtype{}, fmt.Errorf("type %q is not supported; expected f32, f16, bf16 or q8_0", name)
}

func (d dtype) bytes(values int) int { return values / d.stored.Block * d.stored.Bytes }

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
