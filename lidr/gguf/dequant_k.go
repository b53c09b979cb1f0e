package gguf

import "encoding/binary"

// Blocks of 256 values with a scale for each 16 or 32 of them, which is itself a small integer.

func decodeQ2K(dst []float32, src []byte) {
	for ; len(dst) >= 256; dst, src = dst[256:], src[84:] {
		scales, q, d, dmin := src[:16], src[16:80], half(src[80:]), half(src[82:])
		for i, out := 0, dst[:256]; i < 256; i++ {
			scale := scales[i/16]
			v := q[i/128*32+i%32] >> (i / 32 % 4 * 2) & 3
			out[i] = float32(float32(d*float32(scale&15))*float32(v)) - float32(dmin*float32(scale>>4))
		}
	}
}

func decodeQ3K(dst []float32, src []byte) {
	for ; len(dst) >= 256; dst, src = dst[256:], src[110:] {
		mask, q, packed, d := src[:32], src[32:96], src[96:108], half(src[108:])
		var scales [16]float32 // of six bits: four in the first eight bytes, two in the last four
		for i := range scales {
			low, high := packed[i%8]>>(i/8*4)&15, packed[8+i%4]>>(i/4*2)&3
			scales[i] = d * float32(int(low|high<<4)-32)
		}
		for i, out := 0, dst[:256]; i < 256; i++ {
			v := int(q[i/128*32+i%32] >> (i / 32 % 4 * 2) & 3)
			if mask[i%32]>>(i/32)&1 == 0 {
				v -= 4
			}
			out[i] = scales[i/16] * float32(v)
		}
	}
}

// sixes unpacks the eight scales and the eight minima of Q4_K and Q5_K, of six bits each (get_scale_min_k4).
func sixes(b []byte, d, dmin float32) (scales, minima [8]float32) {
	for i := range 4 {
		low, high, rest := b[i], b[4+i], b[8+i]
		scales[i], scales[4+i] = d*float32(low&63), d*float32(rest&15|low>>2&0x30)
		minima[i], minima[4+i] = dmin*float32(high&63), dmin*float32(rest>>4|high>>2&0x30)
	}
	return scales, minima
}

func decodeQ4K(dst []float32, src []byte) {
	for ; len(dst) >= 256; dst, src = dst[256:], src[144:] {
		scales, minima := sixes(src[4:16], half(src), half(src[2:]))
		for g := range 4 {
			q, low, high := src[16+32*g:][:32], dst[64*g:][:32], dst[64*g+32:][:32]
			for j, b := range q {
				low[j] = float32(scales[2*g]*float32(b&15)) - minima[2*g]
				high[j] = float32(scales[2*g+1]*float32(b>>4)) - minima[2*g+1]
			}
		}
	}
}

func decodeQ5K(dst []float32, src []byte) {
	for ; len(dst) >= 256; dst, src = dst[256:], src[176:] {
		scales, minima := sixes(src[4:16], half(src), half(src[2:]))
		fifth := src[16:48]
		for g := range 4 {
			q, low, high := src[48+32*g:][:32], dst[64*g:][:32], dst[64*g+32:][:32]
			for j, b := range q {
				bits := fifth[j] >> (2 * g)
				low[j] = float32(scales[2*g]*float32(b&15|bits&1<<4)) - minima[2*g]
				high[j] = float32(scales[2*g+1]*float32(b>>4|bits&2<<3)) - minima[2*g+1]
			}
		}
	}
}

func decodeQ6K(dst []float32, src []byte) {
	for ; len(dst) >= 256; dst, src = dst[256:], src[210:] {
		d := half(src[208:])
		var scales [16]float32
		for i, b := range src[192:208] {
			scales[i] = d * float32(int8(b))
		}
		for g := range 2 { // halves of the block: four rows of 32 values
			low, high := src[64*g:][:64], src[128+32*g:][:32]
			for row := range 4 {
				out := dst[128*g+32*row:][:32]
				for j := range out {
					v := low[row%2*32+j]>>(row/2*4)&15 | high[j]>>(2*row)&3<<4
					out[j] = scales[8*g+2*row+j/16] * float32(int(v)-32)
				}
			}
		}
	}
}

func decodeIQ4XS(dst []float32, src []byte) {
	for ; len(dst) >= 256; dst, src = dst[256:], src[136:] {
		d, high, low := half(src), binary.LittleEndian.Uint16(src[2:]), src[4:8]
		for i := range 8 {
			scale := d * float32(int(uint16(low[i/2]>>(i%2*4)&15)|high>>(2*i)&3<<4)-32)
			q, out := src[8+16*i:][:16], dst[32*i:][:32]
			for j, b := range q {
				out[j], out[j+16] = scale*uneven[b&15], scale*uneven[b>>4]
			}
		}
	}
}
