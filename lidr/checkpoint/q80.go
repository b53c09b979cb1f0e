package checkpoint

import (
	"fmt"
	"math"
)

// EncodeQ80 stores every 32 values as GGML's Q8_0 does: a binary16 scale d, a 127th of the largest magnitude, and 32
// signed bytes x/d, rounded half away from zero (ggml-quants.c, quantize_row_q8_0_ref).
func EncodeQ80(dst []byte, src []float32) error {
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
		if encodeF16(dst, []float32{d}) >= 0 || math.IsInf(float64(d), 0) {
			return fmt.Errorf("%g does not fit q8_0; write bf16 or f32", largest)
		}
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
