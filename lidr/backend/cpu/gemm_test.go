package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"

	"github.com/gomlx/compute/dtypes"
)

func random(n int) []float32 {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	out := make([]float32, n)
	for i := range out {
		out[i] = r.Float32() - 0.5
	}
	return out
}

// Every micro-kernel and way of packing computes the product, for all transpositions and sizes around the block sizes.
func TestGemm(t *testing.T) {
	for _, name := range KernelSets() {
		restore := UseKernels(name)
		defer restore()
		for _, s := range [][3]int{{1, 1, 1}, {3, 5, 2}, {12, 32, 16}, {13, 33, 17}, {25, 70, 40}, {100, 64, 257},
			{97, 31, 300}, {2, 600, 20}, {40, 17, 600}} {
			m, n, k := s[0], s[1], s[2]
			for layout := range 4 {
				a, b := matrix{col: 1, row: k + 1}, matrix{col: 1, row: n + 3}
				if layout&1 != 0 {
					a = matrix{row: 1, col: m + 2}
				}
				if layout&2 != 0 {
					b = matrix{row: 1, col: k + 5}
				}
				A, B := random((m+2)*(k+5)), random((n+3)*(k+5))
				a.p, b.p = unsafe.Pointer(&A[0]), unsafe.Pointer(&B[0])
				const guard = 3
				C := make([]float32, m*(n+guard))
				c := matrix{unsafe.Pointer(&C[0]), n + guard, 1}
				gemm(m, n, k, a, source{matrix: b, dtype: dtypes.Float32}, c, &workspace{})
				for i := range m {
					for j := range n + guard {
						want := 0.0
						if j < n {
							for e := range k {
								want += float64(*(*float32)(a.at(i, e).p)) * float64(*(*float32)(b.at(e, j).p))
							}
						}
						if got := float64(C[i*(n+guard)+j]); !(math.Abs(got-want) < 1e-5*float64(1+k)) {
							t.Fatalf("%s %d×%d×%d layout %d: C[%d,%d] = %g, want %g", name, m, n, k, layout, i, j, got, want)
						}
					}
				}
			}
		}
		restore()
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, s := range []struct {
		name    string
		m, n, k int
		ta, tb  bool
	}{
		{"peak", 96, 32, 256, false, false},
		{"NT", 4096, 512, 128, false, true},
		{"NT", 4096, 128, 512, false, true},
		{"NT", 4096, 128, 128, false, true},
		{"NN", 4096, 512, 128, false, false},
		{"NN", 4096, 128, 512, false, false},
		{"TN", 512, 128, 4096, true, false},
		{"TN", 128, 512, 4096, true, false},
		{"TN", 128, 128, 4096, true, false},
		{"TN", 1536, 576, 1208, true, false},
		{"TN", 4864, 896, 1208, true, false},
		{"NT", 4096, 1024, 128, false, true},
		{"QK", 256, 256, 32, false, true},
		{"PV", 256, 32, 256, false, false},
		{"PtV", 256, 32, 256, true, false},
	} {
		b.Run(fmt.Sprintf("%s/%dx%dx%d", s.name, s.m, s.n, s.k), func(b *testing.B) {
			runtime.LockOSThread() // for the thread's own clock
			defer runtime.UnlockOSThread()
			A, B, C := random(s.m*s.k), random(s.n*s.k), make([]float32, s.m*s.n)
			a := matrix{unsafe.Pointer(&A[0]), s.k, 1}
			if s.ta {
				a.row, a.col = 1, s.m
			}
			bm := matrix{unsafe.Pointer(&B[0]), s.n, 1}
			if s.tb {
				bm.row, bm.col = 1, s.k
			}
			c := matrix{unsafe.Pointer(&C[0]), s.n, 1}
			var w workspace
			t0 := threadTime()
			for b.Loop() {
				gemm(s.m, s.n, s.k, a, source{matrix: bm, dtype: dtypes.Float32}, c, &w)
			}
			b.ReportMetric(2*float64(s.m)*float64(s.n)*float64(s.k)*float64(b.N)/(threadTime()-t0).Seconds()/1e9, "GFLOP/cpu-s")
		})
	}
}
