package cpu

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Dot products of four rows at a time have the bits of those of one row.
func TestDotsOfFourRows(t *testing.T) {
	if kernels.dots == nil {
		t.Skipf("%s kernels have dot products of one row only", kernels.name)
	}
	for _, n := range []int{16, 32, 64, 80, 128, 208} {
		const rows = 12
		a, b := random(n), random(rows*(n+5))
		got, want := make([]float32, rows), make([]float32, rows)
		args := tileArgs{a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&b[0]), n: n, rows: rows, strideDst: 4,
			strideB: (n + 5) * 4}
		args.dst = unsafe.Pointer(&got[0])
		kernels.dots(&args)
		args.dst = unsafe.Pointer(&want[0])
		kernels.tile["RowDotVV"](&args)
		if !slices.Equal(got, want) {
			t.Errorf("%d elements: %v, one by one %v", n, got, want)
		}
	}
}

// decodeAttention compiles the attention of one query of each head over the keys in use.
func decodeAttention(t testing.TB, batch, heads, kvHeads, keys, dim int) (run func(lengths []int32) []float32) {
	b, err := New("")
	if err != nil {
		t.Fatal(err)
	}
	f := b.Builder("decode").Main()
	var in []compute.Value
	var buffers []compute.Buffer
	for _, s := range []shapes.Shape{shapes.Make(dtypes.Float32, batch, heads, 1, dim),
		shapes.Make(dtypes.Float32, batch, kvHeads, keys, dim), shapes.Make(dtypes.Float32, batch, kvHeads, keys, dim),
		shapes.Make(dtypes.Int32, batch)} {
		v, err := f.Parameter(fmt.Sprint(len(in)), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		in = append(in, v)
		if s.DType == dtypes.Float32 {
			buffer, err := b.BufferFromFlatData(0, random(s.Size()), s)
			if err != nil {
				t.Fatal(err)
			}
			buffers = append(buffers, buffer)
		}
	}
	out, _, err := f.FusedScaledDotProductAttention(in[0], in[1], in[2], compute.AttentionAxesLayoutBHSD,
		&compute.ScaledDotProductAttentionConfig{KeyValueSeqLen: in[3]})
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
	return func(lengths []int32) []float32 {
		n, err := b.BufferFromFlatData(0, lengths, shapes.Make(dtypes.Int32, batch))
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Execute(append(slices.Clone(buffers), n), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, batch*heads*dim)
		if err := out[0].ToFlatData(got); err != nil {
			t.Fatal(err)
		}
		for _, o := range append(out, n) {
			if err := o.Finalize(); err != nil {
				t.Fatal(err)
			}
		}
		return got
	}
}

// Attention of one query reads the keys in use and no others, whatever heads share them.
func TestDecodeAttention(t *testing.T) {
	for _, name := range KernelSets() {
		restore := UseKernels(name)
		defer restore()
		for _, s := range [][4]int{{4, 4, 16, 32}, {14, 2, 48, 64}, {9, 3, 300, 64}, {6, 1, 33, 24}} {
			const batch = 4
			heads, kv, keys, dim := s[0], s[1], s[2], s[3]
			lengths := []int32{1, int32(keys), int32(keys / 2), 0}
			got := decodeAttention(t, batch, heads, kv, keys, dim)(lengths)
			q, k := random(batch*heads*dim), random(batch*kv*keys*dim) // values are the keys
			for b, n := range lengths {
				for h := range heads {
					row := q[(b*heads+h)*dim:][:dim]
					sum, want := 0.0, make([]float64, dim)
					for j := range int(n) {
						key := k[((b*kv+h*kv/heads)*keys+j)*dim:][:dim]
						score := 0.0
						for e, x := range row {
							score += float64(x) * float64(key[e])
						}
						p := math.Exp(score / math.Sqrt(float64(dim)))
						sum += p
						for e, x := range key {
							want[e] += p * float64(x)
						}
					}
					for e, x := range want {
						if n > 0 {
							x /= sum
						}
						if g := float64(got[(b*heads+h)*dim+e]); !(math.Abs(g-x) < 1e-5) {
							t.Fatalf("%s %v: sequence %d head %d element %d is %g, want %g", name, s, b, h, e, g, x)
						}
					}
				}
			}
		}
		restore()
	}
}

func BenchmarkDecodeAttention(b *testing.B) {
	for _, s := range [][5]int{{64, 4, 4, 128, 32}, {64, 14, 2, 128, 64}, {1, 14, 2, 1024, 64}, {16, 14, 2, 2048, 64}} {
		b.Run(fmt.Sprintf("batch=%d,heads=%d/%d,keys=%d,dim=%d", s[0], s[1], s[2], s[3], s[4]), func(b *testing.B) {
			run := decodeAttention(b, s[0], s[1], s[2], s[3], s[4])
			lengths := slices.Repeat([]int32{int32(s[3])}, s[0])
			for b.Loop() {
				run(lengths)
			}
		})
	}
}
