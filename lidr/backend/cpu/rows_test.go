package cpu

import (
	"math"
	"testing"
	"unsafe"

	"github.com/gomlx/compute/dtypes"
)

// The product of few rows is right and writes nothing beside its result, for tiles and blocks of all sizes; and each
// row has the bits that it has alone, so that a text does not depend on those that are decoded with it.
func TestGemmRows(t *testing.T) {
	for _, name := range KernelSets() {
		restore := UseKernels(name)
		defer restore()
		for _, s := range [][3]int{{1, 1, 1}, {3, 5, 2}, {12, 32, 16}, {13, 33, 17}, {25, 70, 40}, {7, 6, 33}, {9, 6, 3100}} {
			m, n, k := s[0], s[1], s[2]
			A, B := random(m*(k+1)), random(n*(k+3))
			a, b := matrix{unsafe.Pointer(&A[0]), k + 1, 1}, matrix{unsafe.Pointer(&B[0]), 1, k + 3}
			const guard = 3
			C, alone := make([]float32, m*(n+guard)), make([]float32, n)
			var w workspace
			gemmRows(m, n, k, a, source{matrix: b, dtype: dtypes.Float32}, matrix{unsafe.Pointer(&C[0]), n + guard, 1}, &w)
			for i := range m {
				gemmRows(1, n, k, a.at(i, 0), source{matrix: b, dtype: dtypes.Float32}, matrix{unsafe.Pointer(&alone[0]), n, 1}, &w)
				for j, got := range C[i*(n+guard) : (i+1)*(n+guard)] {
					want := 0.0
					if j < n {
						for e := range k {
							want += float64(*(*float32)(a.at(i, e).p)) * float64(*(*float32)(b.at(e, j).p))
						}
						if alone[j] != got {
							t.Fatalf("%s %d×%d×%d: C[%d,%d] = %g, alone %g", name, m, n, k, i, j, got, alone[j])
						}
					}
					if !(math.Abs(float64(got)-want) < 1e-5*float64(1+k)) {
						t.Fatalf("%s %d×%d×%d: C[%d,%d] = %g, want %g", name, m, n, k, i, j, got, want)
					}
				}
			}
		}
		restore()
	}
}
