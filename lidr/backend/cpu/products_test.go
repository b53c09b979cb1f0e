package cpu

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/gomlx/compute/dtypes"
)

// The products of SmolLM2-135M (hidden 576, 1536 between) and Qwen2.5-0.5B (896, 4864), as graphs execute them: of a
// batch in decoding, of a training step of 1,208 tokens, and of its weights' gradients. NT is x[m × k] by a weight
// [n × k], as checkpoints hold it, NN by one [k × n], TN has a left-hand side [k × m], PT one in bfloat16. The best run
// counts; the weights of few rows are not in the cache, as in a model.
func BenchmarkProducts(b *testing.B) {
	for _, s := range []struct {
		layout  string
		dtype   dtypes.DType
		m, n, k int
	}{
		{"NT", dtypes.Float32, 512, 512, 512},
		{"NT", dtypes.Float32, 1208, 1536, 576},
		{"NN", dtypes.Float32, 1208, 576, 1536},
		{"NT", dtypes.Float32, 1208, 576, 576},
		{"TN", dtypes.Float32, 1536, 576, 1208},
		{"TN", dtypes.Float32, 576, 576, 1208},
		{"NT", dtypes.Float32, 1208, 4864, 896},
		{"NN", dtypes.Float32, 1208, 896, 4864},
		{"TN", dtypes.Float32, 4864, 896, 1208},
		{"NT", dtypes.Float32, 4096, 512, 128},
		{"NT", dtypes.Float32, 4096, 128, 512},
		{"NT", dtypes.Float32, 1, 4864, 896},
		{"NT", dtypes.BFloat16, 1, 4864, 896},
		{"NT", dtypes.BFloat16, 1, 896, 4864},
		{"NT", dtypes.BFloat16, 4, 4864, 896},
		{"NT", dtypes.BFloat16, 8, 4864, 896},
		{"NT", dtypes.BFloat16, 16, 4864, 896},
		{"NT", dtypes.BFloat16, 32, 4864, 896},
		{"NT", dtypes.BFloat16, 64, 4864, 896},
		{"NT", dtypes.BFloat16, 512, 4864, 896},
		{"NT", dtypes.BFloat16, 16, 896, 4864},
		{"NT", dtypes.BFloat16, 64, 896, 4864},
		{"NT", dtypes.BFloat16, 16, 896, 896},
		{"NT", dtypes.BFloat16, 64, 896, 896},
		{"NT", dtypes.BFloat16, 16, 151936, 896},
		{"NT", dtypes.BFloat16, 64, 151936, 896},
		{"PT", dtypes.BFloat16, 1, 4864, 896},
		{"PT", dtypes.BFloat16, 4, 4864, 896},
		{"PT", dtypes.BFloat16, 16, 4864, 896},
		{"PT", dtypes.BFloat16, 64, 4864, 896},
		{"PT", dtypes.BFloat16, 64, 896, 4864},
		{"PT", dtypes.BFloat16, 512, 4864, 896},
		{"PT", dtypes.BFloat16, 64, 151936, 896},
		{"PT", dtypes.BFloat16, 1792, 4864, 896},
		{"PT", dtypes.BFloat16, 1792, 896, 4864},
		{"PT", dtypes.BFloat16, 208, 151936, 896},
		{"NT", dtypes.Float32, 16, 4864, 896},
		{"NT", dtypes.Float32, 64, 4864, 896},
	} {
		for threads := 1; threads <= 2; threads++ {
			b.Run(fmt.Sprintf("%s/%v/%dx%dx%d/%d", s.layout, s.dtype, s.m, s.n, s.k, threads), func(b *testing.B) {
				engine, err := New(fmt.Sprint("threads=", threads))
				if err != nil {
					b.Fatal(err)
				}
				ensureWorkers(threads - 1)
				size, copies := s.n*s.k*s.dtype.Size(), 1
				if s.m <= 64 {
					copies = max(1, 128<<20/size)
				}
				A, C, weights := random(s.m*s.k), make([]float32, s.m*s.n), random(copies*size/4)
				values := []*value{{id: 0, dtype: dtypes.Float32}, {id: 1, dtype: s.dtype}, {id: 2, dtype: dtypes.Float32}}
				mm := &matmul{m: s.m, n: s.n, k: s.k, lhs: view{val: values[0]}, rhs: view{val: values[1]},
					out: view{val: values[2]}, lhsM: s.k, lhsK: 1, rhsN: 1, rhsK: s.n, outM: s.n}
				if s.layout[0] == 'P' {
					values[0].dtype = dtypes.BFloat16
				}
				if s.layout[0] == 'T' {
					mm.lhsM, mm.lhsK = 1, s.m
				}
				if s.layout[1] == 'T' {
					mm.rhsN, mm.rhsK = s.k, 1
				}
				x := &execution{backend: engine, own: new(workspace), base: []unsafe.Pointer{unsafe.Pointer(&A[0]), nil,
					unsafe.Pointer(&C[0])}}
				best := time.Hour
				for i := 0; b.Loop(); i++ {
					x.base[1] = unsafe.Add(unsafe.Pointer(&weights[0]), i%copies*size)
					start := time.Now()
					mm.run(x)
					best = min(best, time.Since(start))
				}
				b.ReportMetric(2*float64(s.m)*float64(s.n)*float64(s.k)/best.Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
