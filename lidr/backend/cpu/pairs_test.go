//go:build amd64

package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"golang.org/x/sys/cpu"
)

// pairSums is a product of rows in bfloat16 as pairs' kernels compute it: 16 sums, to each of which the odd element's
// product of a pair is added before the even one's, fused, then the sums by halves and quarters, the nearest first.
func pairSums(a, b []bfloat16.BFloat16) float32 {
	var sums [16]float32
	for i := 0; i < len(a); i += 2 {
		s := &sums[i/2%16]
		if i+1 < len(a) {
			*s = fma(a[i+1].Float32(), b[i+1].Float32(), *s)
		}
		*s = fma(a[i].Float32(), b[i].Float32(), *s)
	}
	var quarters [4]float32
	for i := range quarters {
		s := sums[i*4 : i*4+4]
		quarters[i] = (s[0] + s[2]) + (s[1] + s[3])
	}
	return (quarters[0] + quarters[2]) + (quarters[1] + quarters[3])
}

// Products in bfloat16 have the bits of their definition, with the processor's instruction for them and without, by
// one row, several tiles and single columns, and of lengths that vectors fill or not; and write nothing beside.
func TestPairs(t *testing.T) {
	if x := cpu.X86; !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512VL || !x.HasAVX512DQ || !x.HasBMI2 {
		t.Skip("products in bfloat16 have kernels of AVX-512 alone, which this processor lacks")
	}
	sets := map[string]pairKernels{"split": {rows: rowsSplitAVX512, stream: streamSplitAVX512}}
	if cpu.X86.HasAVX512BF16 {
		sets["VDPBF16PS"] = pairKernels{rows: rowsBF16AVX512, stream: streamBF16AVX512}
	}
	before := kernels.pairs
	defer func() { kernels.pairs = before }()
	r := rand.New(rand.NewPCG(2, 3))
	for name, set := range sets {
		kernels.pairs = set
		for _, s := range [][3]int{{1, 1, 1}, {1, 8, 64}, {2, 5, 2}, {6, 7, 96}, {5, 4, 33}, {13, 33, 17}, {40, 9, 700},
			{7, 6, 3100}} {
			m, n, k := s[0], s[1], s[2]
			rows := func(count int) []bfloat16.BFloat16 {
				v := make([]bfloat16.BFloat16, count*k)
				for i := range v {
					v[i] = bfloat16.FromFloat32(float32(math.Ldexp(r.NormFloat64(), r.IntN(24)-12)))
				}
				return v
			}
			a, b := rows(m), rows(n)
			const guard = 3
			c := make([]float32, m*(n+guard))
			gemmRows(m, n, k, source{matrix: matrix{unsafe.Pointer(&a[0]), k, 1}, dtype: dtypes.BFloat16},
				source{matrix: matrix{unsafe.Pointer(&b[0]), 1, k}, dtype: dtypes.BFloat16},
				matrix{unsafe.Pointer(&c[0]), n + guard, 1}, new(workspace))
			for i := range m {
				for j, got := range c[i*(n+guard) : (i+1)*(n+guard)] {
					want := float32(0)
					if j < n {
						x, y := a[i*k:(i+1)*k], b[j*k:(j+1)*k]
						for from, stretches := 0, max(1, (k+rowStretch-1)/rowStretch); from < k; {
							to := from + k/stretches/stretchUnit*stretchUnit
							if to == from || k-to < stretchUnit {
								to = k
							}
							want = pairSums(x[from:to], y[from:to]) + want
							from = to
						}
					}
					if got != want {
						t.Fatalf("%s %v: C[%d,%d] = %g, want %g", name, s, i, j, got, want)
					}
				}
			}
		}
	}
}

// Rounding to bfloat16 has the same bits with all kernels: halves to even, overflow to infinity, and NaN stays NaN.
func TestToBFloat16(t *testing.T) {
	var values []float32
	for high := range uint32(1 << 16) {
		for _, low := range []uint32{0, 1, 0x7fff, 0x8000, 0x8001, 0xffff} {
			values = append(values, math.Float32frombits(high<<16|low))
		}
	}
	const rows = 3
	n := len(values)/rows - 5
	round := func(f func(*tileArgs)) []bfloat16.BFloat16 {
		out := make([]bfloat16.BFloat16, len(values))
		f(&tileArgs{dst: unsafe.Pointer(&out[0]), a: unsafe.Pointer(&values[0]), n: n, rows: rows, strideDst: n * 2,
			strideA: n * 4})
		return out
	}
	want := round(goKernels["ToBF16V"])
	for _, special := range []struct{ in, out uint32 }{{0x3f808000, 0x3f80}, {0x3f818000, 0x3f82}, {0x7f7fffff, 0x7f80}} {
		if got := bfloat16.FromFloat32(math.Float32frombits(special.in)); uint32(got) != special.out {
			t.Errorf("%#x becomes %#x, want %#x", special.in, got, special.out)
		}
	}
	for i, v := range values[:rows*n] {
		if nan := want[i].Float32() != want[i].Float32(); nan != (v != v) {
			t.Fatalf("%g becomes %g", v, want[i].Float32())
		}
	}
	for _, set := range append(processorKernels(), plainGo) {
		if got := round(use(set).tile["ToBF16V"]); !slices.Equal(got, want) {
			t.Error(fmt.Sprint(set.name, " rounds other than plain Go"))
		}
	}
}
