package cpu

import (
	"errors"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
)

// Attention over pages reads those that a table names, in their order and of one type or the other, and no gather is
// run. A query attends to the keys up to its own place, and its result has the same bits beside any others.
func TestPagedAttention(t *testing.T) {
	const batch, heads, kv, page, wide, pool, dim, before = 2, 6, 2, 16, 5, 12, 16, 21
	table := []int32{7, 3, 11, 5, 1, 2, 3, 9, 4, 0}
	lens := func(queries int) []int32 { return []int32{int32(before + queries), int32(before + queries)} }
	values := random(pool * kv * page * dim)
	q := random(batch * heads * 50 * dim) // of 50 positions, [batch, heads, 50, dim]
	for _, name := range KernelSets() {
		restore := UseKernels(name)
		defer restore()
		for _, dtype := range []dtypes.DType{dtypes.Float32, dtypes.BFloat16} {
			stored := slices.Clone(values)
			narrow := make([]bfloat16.BFloat16, len(values))
			for i, v := range values {
				if narrow[i] = bfloat16.FromFloat32(v); dtype == dtypes.BFloat16 {
					stored[i] = narrow[i].Float32()
				}
			}
			run := func(from, queries int, causal bool) []float32 {
				b, err := New("")
				if err != nil {
					t.Fatal(err)
				}
				f := b.Builder("pages").Main()
				must := func(v compute.Value, err error) compute.Value {
					if err != nil {
						t.Fatal(err)
					}
					return v
				}
				given := map[string]compute.Buffer{}
				var names []string
				parameter := func(name string, shape shapes.Shape, data any) compute.Value {
					buffer, err := b.BufferFromFlatData(0, data, shape)
					if err != nil {
						t.Fatal(err)
					}
					given[name], names = buffer, append(names, name)
					return must(f.Parameter(name, shape, nil))
				}
				var some []float32
				for i := range batch * heads {
					some = append(some, q[(i*50+from)*dim:][:queries*dim]...)
				}
				query := parameter("q", shapes.Make(dtypes.Float32, batch, heads, queries, dim), some)
				var data any = values
				if dtype == dtypes.BFloat16 {
					data = narrow
				}
				cache := parameter("pool", shapes.Make(dtype, pool, kv, page, dim), data)
				ids := parameter("table", shapes.Make(dtypes.Int32, batch, wide, 1), table)
				ends := parameter("ends", shapes.Make(dtypes.Int32, batch), lens(from+queries))
				keys := must(f.Gather(cache, ids, 2, []int{2, 3, 4}, []int{0}, []int{0}, []int{1, kv, page, dim}, false))
				keys = must(f.Transpose(keys, 0, 2, 1, 3, 4))
				keys = must(f.Reshape(keys, batch, kv, wide*page, dim))
				keys = must(f.ConvertDType(keys, dtypes.Float32))
				out, _, err := f.FusedScaledDotProductAttention(query, keys, keys, compute.AttentionAxesLayoutBHSD,
					&compute.ScaledDotProductAttentionConfig{KeyValueSeqLen: ends, Causal: causal})
				if err == nil {
					err = f.Return([]compute.Value{out}, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				exec, err := f.Builder().Compile()
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range exec.(*executable).steps {
					if s.name == "Gather" || s.name == "Convert" {
						t.Errorf("%s: the pages are gathered", dtype)
					}
				}
				var in []compute.Buffer
				for _, name := range names {
					in = append(in, given[name])
				}
				results, err := exec.Execute(in, nil, 0)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]float32, batch*heads*queries*dim)
				if err := results[0].ToFlatData(got); err != nil {
					t.Fatal(err)
				}
				return got
			}
			whole := run(0, 50, true)
			for i := range whole {
				b, h, at, e := i/dim/50/heads, i/dim/50%heads, i/dim%50, i%dim
				sum, want := 0.0, 0.0
				for j := range before + at + 1 {
					row := stored[((int(table[b*wide+j/page])*kv+h*kv/heads)*page+j%page)*dim:][:dim]
					score := 0.0
					for k := range dim {
						score += float64(q[((b*heads+h)*50+at)*dim+k]) * float64(row[k])
					}
					p := math.Exp(score / math.Sqrt(dim))
					sum, want = sum+p, want+p*float64(row[e])
				}
				if g := float64(whole[i]); !(math.Abs(g-want/sum) < 1e-5) {
					t.Fatalf("%s %s: sequence %d head %d query %d element %d is %g, want %g", name, dtype, b, h, at, e, g, want/sum)
				}
			}
			few := run(30, 1, false)
			for _, piece := range [][2]int{{0, 17}, {17, 33}, {49, 1}} {
				part := run(piece[0], piece[1], true)
				for i := range batch * heads {
					want := whole[(i*50+piece[0])*dim:][:piece[1]*dim]
					if !slices.Equal(part[i*piece[1]*dim:][:piece[1]*dim], want) {
						t.Errorf("%s %s: queries from %d on have other bits than among all", name, dtype, piece[0])
					}
				}
			}
			for i, g := range few {
				if w := whole[(i/dim*50+30)*dim+i%dim]; math.Abs(float64(g-w)) > 1e-5 {
					t.Fatalf("%s %s: element %d of one query is %g, among all %g", name, dtype, i, g, w)
				}
			}
		}
		restore()
	}
}

// Reserved memory is written where it is, step after step, and is zeros again after it was forgotten.
func TestReservedMemory(t *testing.T) {
	b, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	shape := shapes.Make(dtypes.Float32, 64<<10)
	r, err := b.Reserve(shape)
	if err != nil {
		t.Fatal(err)
	}
	f := b.Builder("add").Main()
	x, err := f.Parameter("x", shape, nil)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := f.Constant([]int32{5}, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	one, err := f.Constant([]float32{1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // a chain of updates in place
		if x, err = f.ScatterSum(x, ids, one, 1, nil, []int{0}, []int{0}, false, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Return([]compute.Value{x}, nil); err != nil {
		t.Fatal(err)
	}
	exec, err := f.Builder().Compile()
	if err != nil {
		t.Fatal(err)
	}
	in := r.Buffer()
	for range 2 {
		out, err := exec.Execute([]compute.Buffer{in}, []bool{true}, 0)
		if err != nil {
			t.Fatal(err)
		}
		in = out[0]
	}
	data, err := in.Data()
	if err != nil {
		t.Fatal(err)
	}
	flat := data.([]float32)
	if &flat[0] != (*float32)(unsafe.Pointer(&r.Bytes()[0])) || flat[5] != 6 || exec.(*executable).arena > 1<<10 {
		t.Errorf("element 5 is %g after six additions, in the same memory: %v, beside %d bytes", flat[5],
			&flat[0] == (*float32)(unsafe.Pointer(&r.Bytes()[0])), exec.(*executable).arena)
	}
	for i := range flat {
		flat[i] = 1
	}
	r.Forget(4*100, 4*50_000)
	for i, v := range flat {
		if want := i < 100 || i >= 50_000; v != map[bool]float32{true: 1}[want] {
			t.Fatalf("element %d is %g", i, v)
		}
	}
	if err := in.Finalize(); err != nil {
		t.Fatal(err)
	}
	if err := r.Release(); err != nil {
		t.Fatal(err)
	}
}

// Causal attention of fewer queries than keys is left to others where there are no pages: nobody says where the queries
// stand.
func TestCausalWithoutPagesIsRefused(t *testing.T) {
	b, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	f := b.Builder("refused").Main()
	q, _ := f.Parameter("q", shapes.Make(dtypes.Float32, 1, 2, 3, 4), nil)
	k, _ := f.Parameter("k", shapes.Make(dtypes.Float32, 1, 2, 8, 4), nil)
	n, _ := f.Parameter("n", shapes.Make(dtypes.Int32, 1), nil)
	_, _, err = f.FusedScaledDotProductAttention(q, k, k, compute.AttentionAxesLayoutBHSD,
		&compute.ScaledDotProductAttentionConfig{KeyValueSeqLen: n, Causal: true})
	if !errors.Is(err, compute.ErrNotImplemented) {
		t.Errorf("the error is %v", err)
	}
}
