package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/gomlx/compute"
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
			wide := func(m matrix) source { return source{matrix: m, dtype: dtypes.Float32} }
			gemmRows(m, n, k, wide(a), wide(b), matrix{unsafe.Pointer(&C[0]), n + guard, 1}, &w)
			for i := range m {
				gemmRows(1, n, k, wide(a.at(i, 0)), wide(b), matrix{unsafe.Pointer(&alone[0]), n, 1}, &w)
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

// A row of a product has the same bits whatever the number of rows and of threads, by weights of all types and of
// lengths that whole vectors fill or not: a text does not depend on those that are computed with it.
func TestRowsDoNotDependOnTheirNumber(t *testing.T) {
	const most, n = 300, 70
	for _, name := range KernelSets() {
		restore := UseKernels(name)
		defer restore()
		for _, w := range []struct {
			dtype  dtypes.DType
			blocks *blockType
			k      int
		}{{dtypes.Float32, nil, 128}, {dtypes.Float32, nil, 331}, {dtypes.Float32, nil, 3200}, {dtypes.BFloat16, nil, 576},
			{dtypes.BFloat16, nil, 45}, {dtypes.BFloat16, nil, 1600}, {dtypes.Float16, nil, 576},
			{dtypes.Uint8, blockTypes[compute.GGMLQ8_0], 96}, {dtypes.Uint8, blockTypes[compute.GGMLQ4_K], 512}} {
			size, rhsN := n*w.k*w.dtype.Size(), w.k
			if w.blocks != nil {
				size, rhsN = n*w.blocks.row(w.k), w.blocks.row(w.k)
			}
			x, weight := random(most*w.k), halves(size)
			rows := func(m, threads int) []float32 {
				engine, err := New(fmt.Sprint("threads=", threads))
				if err != nil {
					t.Fatal(err)
				}
				ensureWorkers(threads - 1)
				out := make([]float32, m*n)
				mm := &matmul{m: m, n: n, k: w.k, lhs: view{val: &value{id: 0, dtype: dtypes.Float32}},
					rhs: view{val: &value{id: 1, dtype: w.dtype}}, out: view{val: &value{id: 2, dtype: dtypes.Float32}},
					lhsM: w.k, lhsK: 1, rhsN: rhsN, rhsK: 1, outM: n, blocks: w.blocks}
				mm.run(&execution{backend: engine, own: new(workspace), base: []unsafe.Pointer{unsafe.Pointer(&x[0]),
					unsafe.Pointer(&weight[0]), unsafe.Pointer(&out[0])}})
				return out
			}
			want := rows(most, 2)
			for _, m := range []int{1, 2, 3, 5, 6, 17, 64, 129} {
				if got := rows(m, 1+m%2); !slices.Equal(got, want[:m*n]) {
					t.Errorf("%s: %d rows by %v %v of %d have other bits than among %d", name, m, w.dtype, w.blocks, w.k, most)
				}
			}
		}
		restore()
	}
}

// halves returns bytes that are small numbers as float32, in half precision, and as the scales of blocks.
func halves(n int) []byte {
	out := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(n), 3))
	for i := range out {
		out[i] = byte(r.Uint32())
		if i%2 == 1 { // the sign and the exponent: magnitudes of 2^-15 to 2^-4 in float16, and smaller in the others
			out[i] = out[i]&0x8f | 0x20
		}
	}
	return out
}
