package cpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/backend/cpu"
	"lidrlab/lidr/transformer"
)

// sameBits compares the results of one computation on a narrow and on a widened weight.
func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if math.Float32bits(got[i]) != math.Float32bits(w) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], w)
		}
	}
}

// A product that reads a half-precision weight has the same bits as the product of the weight widened beforehand: with
// every way of packing, on both sides, in batches, of sizes around the blocks', and of operands that no stride
// describes.
func TestNarrowProducts(t *testing.T) {
	b := open(t, "cpu:threads=2")
	r := rand.New(rand.NewPCG(5, 6))
	tensor := func(dims ...int) *tensors.Tensor {
		v := make([]float32, product(dims))
		for i := range v {
			v[i] = r.Float32() - 0.5
		}
		return tensors.FromFlatDataAndDimensions(v, dims...)
	}
	call := func(f func(x, w *Node) *Node, in ...any) *tensors.Tensor {
		exec := MustNewExec(b, f)
		defer exec.Finalize()
		out, err := exec.Call(in...)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	for _, name := range cpu.KernelSets() {
		restore := cpu.UseKernels(name)
		defer restore()
		for _, dtype := range []dtypes.DType{dtypes.BFloat16, dtypes.Float16} {
			for _, s := range [][3]int{{1, 1, 1}, {1, 33, 7}, {1, 300, 129}, {3, 70, 31}, {5, 17, 1}, {7, 1, 40}, {13, 33, 17},
				{5, 48, 64}, {64, 300, 260}, {200, 96, 513}, {40, 50, 2100}} {
				m, n, k := s[0], s[1], s[2]
				if m*n*k > 1e6 && name != cpu.KernelSets()[0] {
					continue // how a large product is cut does not depend on the kernels
				}
				x, xT := tensor(m, k), tensor(k, m)
				w, wT, batch := tensor(k, n), tensor(n, k), tensor(3, n, k)
				dot := func(x, w int, batched ...int) func(a, b *Node) *Node {
					return func(a, b *Node) *Node {
						return DotGeneral(a, []int{x}, batched, ConvertDType(b, dtypes.Float32), []int{w}, batched)
					}
				}
				for what, c := range map[string]struct {
					f    func(x, w *Node) *Node
					x, w *tensors.Tensor
				}{
					"NN": {dot(1, 0), x, w},
					"NT": {dot(1, 1), x, wT},
					"TN": {dot(0, 0), xT, w},
					"TT": {dot(0, 1), xT, wT},
					"left": {func(x, w *Node) *Node {
						return DotGeneral(ConvertDType(w, dtypes.Float32), []int{1}, nil, x, []int{1}, nil)
					}, x, wT},
					"batch": {dot(2, 2, 0), tensor(3, m, k), batch},
					"sums": {func(x, w *Node) *Node {
						wide := ConvertDType(w, dtypes.Float32) // read by a product and by a sum
						return Add(DotGeneral(x, []int{1}, nil, wide, []int{1}, nil), ExpandLeftToRank(ReduceSum(wide, 1), 2))
					}, x, wT},
					"strided": {func(x, w *Node) *Node {
						return dot(1, 1)(x, Squeeze(Slice(TransposeAllAxes(Stack([]*Node{w, Neg(w)}, 2), 2, 0, 1), AxisElem(0)), 0))
					}, x, wT},
				} {
					narrow := call(func(x, _ *Node) *Node { return ConvertDType(x, dtype) }, c.w, c.w)
					wide := call(func(x, _ *Node) *Node { return MulScalar(ConvertDType(x, dtypes.Float32), 1) }, narrow, narrow)
					got, want := call(c.f, c.x, narrow), call(c.f, c.x, wide)
					sameBits(t, fmt.Sprint(name, " ", dtype, " ", what, " ", s), tensors.MustCopyFlatData[float32](got),
						tensors.MustCopyFlatData[float32](want))
				}
			}
		}
		restore()
	}
}

// A product in bfloat16 along the rows of a weight, as the gradient of an adapter's training is, has the bits of the
// one with the weight transposed beforehand, and other bits than the product in float32.
func TestPairsAlongRows(t *testing.T) {
	b := open(t, "cpu:threads=2")
	r := rand.New(rand.NewPCG(7, 8))
	const m, n, k = 70, 300, 2112
	values := func(count int) []float32 {
		v := make([]float32, count)
		for i := range v {
			v[i] = r.Float32() - 0.5
		}
		return v
	}
	x, w := tensors.FromFlatDataAndDimensions(values(m*k), m, k), tensors.FromFlatDataAndDimensions(values(k*n), k, n)
	rounded := func(x *Node) *Node { return ConvertDType(ConvertDType(x, dtypes.BFloat16), dtypes.Float32) }
	sets := cpu.PairKernelSets()
	if len(sets) == 0 {
		t.Skip("products in bfloat16 have kernels of AVX-512 and AMX alone, which this processor lacks")
	}
	for _, name := range sets {
		defer cpu.UseKernels(name)()
		exec := MustNewExec(b, func(x, w *Node) []*Node {
			turned := ConvertDType(ConvertDType(TransposeAllAxes(w, 1, 0), dtypes.BFloat16), dtypes.Float32)
			return []*Node{
				DotGeneral(rounded(x), []int{1}, nil, rounded(w), []int{0}, nil),
				DotGeneral(rounded(x), []int{1}, nil, turned, []int{1}, nil),
				DotGeneral(x, []int{1}, nil, w, []int{0}, nil),
			}
		})
		defer exec.Finalize()
		out, err := exec.Call(x, w)
		if err != nil {
			t.Fatal(err)
		}
		along, turned := tensors.MustCopyFlatData[float32](out[0]), tensors.MustCopyFlatData[float32](out[1])
		if along[0] == tensors.MustCopyFlatData[float32](out[2])[0] {
			t.Error("nothing was rounded")
		}
		sameBits(t, name+" kernels, along rows", along, turned)
	}
}

// A decoder whose matrices are held as bfloat16 gives the log-probabilities of one whose float32 matrices were rounded,
// to the bit. Embeddings are gathered and, if tied, multiplied with; sequences are prompts and single rows.
func TestNarrowDecoders(t *testing.T) {
	b := open(t, "cpu:threads=2")
	r := rand.New(rand.NewPCG(3, 4))
	logprobs := func(m *transformer.Model, tokens [][]int32) []float32 {
		exec := model.MustNewExec(b, m.Store,
			func(scope *model.Scope, tokens *Node) *Node { return m.TokenLogprobs(scope, tokens) })
		out, err := exec.Call(tokens)
		if err != nil {
			t.Fatal(err)
		}
		return tensors.MustCopyFlatData[float32](out[0])
	}
	for name, config := range decoders {
		ck, err := transformer.Init(config, 7).Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		narrow, err := transformer.NewBFloat16(ck, b)
		if err != nil {
			t.Fatal(err)
		}
		wide, err := narrow.Clone()
		if err != nil {
			t.Fatal(err)
		}
		for _, shape := range [][2]int{{1, 2}, {1, 4}, {9, 50}} {
			tokens := make([][]int32, shape[0])
			for i := range tokens {
				for range shape[1] {
					tokens[i] = append(tokens[i], r.Int32N(int32(config.VocabSize)))
				}
			}
			for _, kernels := range cpu.KernelSets() {
				restore := cpu.UseKernels(kernels)
				got, want := logprobs(narrow, tokens), logprobs(wide, tokens)
				restore()
				sameBits(t, fmt.Sprint(name, shape, " with ", kernels, " kernels"), got, want)
			}
		}
	}
}

// A product takes no memory for a widened weight, whether one product reads it or several do.
func TestNarrowProductsCopyNothing(t *testing.T) {
	f := open(t, "cpu").Builder("products").Main()
	must := func(v compute.Value, err error) compute.Value {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const n = 256
	x := must(f.Parameter("x", shapes.Make(dtypes.Float32, 8, n), nil))
	w := must(f.ConvertDType(must(f.Parameter("w", shapes.Make(dtypes.BFloat16, n, n), nil)), dtypes.Float32))
	y := must(f.DotGeneral(x, []int{1}, nil, w, []int{1}, nil, compute.DotGeneralConfig{}))
	z := must(f.DotGeneral(y, []int{1}, nil, w, []int{0}, nil, compute.DotGeneralConfig{}))
	if err := f.Return([]compute.Value{z}, nil); err != nil {
		t.Fatal(err)
	}
	e, err := f.Builder().Compile()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := cpu.Arena(e), 8*n*4; got != want {
		t.Errorf("two products by one weight take %d bytes, want %d for the result between them", got, want)
	}
}
