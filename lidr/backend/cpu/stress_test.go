package cpu_test

import (
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// 10,000 executions of two executables from eight goroutines end, with the right results.
func TestConcurrentExecutions(t *testing.T) {
	b := open(t, "cpu:threads=3")
	const n = 96
	build := func(square bool) compute.Executable {
		f := b.Builder("stress").Main()
		must := func(v compute.Value, err error) compute.Value {
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		x := must(f.Parameter("x", shapes.Make(dtypes.Float32, n, n), nil))
		y := must(f.Mul(x, x))
		if square {
			y = must(f.DotGeneral(x, []int{1}, nil, x, []int{0}, nil, compute.DotGeneralConfig{}))
		}
		sum := must(f.ReduceSum(must(f.Add(y, x))))
		if err := f.Return([]compute.Value{y, sum}, nil); err != nil {
			t.Fatal(err)
		}
		exec, err := f.Builder().Compile()
		if err != nil {
			t.Fatal(err)
		}
		return exec
	}
	execs := []compute.Executable{build(false), build(true)}
	const goroutines = 8
	each := 10_000 / goroutines
	if testing.Short() {
		each /= 10
	}
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range each {
				value := float32(g%3 + 1)
				flat := make([]float32, n*n)
				for k := range flat {
					flat[k] = value
				}
				in, err := b.BufferFromFlatData(0, flat, shapes.Make(dtypes.Float32, n, n))
				if err != nil {
					t.Error(err)
					return
				}
				kind := (g + i) % 2
				out, err := execs[kind].Execute([]compute.Buffer{in}, []bool{i%3 == 0}, 0)
				if err != nil {
					t.Error(err)
					return
				}
				var sum [1]float32
				if err := out[1].ToFlatData(sum[:]); err != nil {
					t.Error(err)
					return
				}
				product := value * value
				if kind == 1 {
					product *= n
				}
				if want := n * n * (product + value); sum[0] != want {
					t.Errorf("goroutine %d execution %d: sum %g, want %g", g, i, sum[0], want)
					return
				}
				for _, o := range append(out, compute.Buffer(in)) {
					if err := o.Finalize(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
}
