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
)

// Random graphs, among them many that test fusion, views and shared memory, give the same results as the stock backend.
func TestRandomGraphsEqualStock(t *testing.T) {
	if skipStock {
		t.Skip("the stock backend fails under the race detector")
	}
	stock, own := open(t, "go:ops_sequential"), open(t, "cpu:threads=2")
	n := uint64(300)
	if testing.Short() {
		n = 50
	}
	for seed := range n {
		want, trace := runRandom(t, stock, seed)
		got, _ := runRandom(t, own, seed)
		for i := range want {
			if want[i].Shape().DType != dtypes.Float32 {
				if !want[i].Equal(got[i]) {
					t.Fatalf("seed %d output %d of\n%s: %s, want %s", seed, i, trace, got[i], want[i])
				}
				continue
			}
			g := tensors.MustCopyFlatData[float32](got[i])
			for k, w := range tensors.MustCopyFlatData[float32](want[i]) {
				if d := math.Abs(float64(w - g[k])); !(d <= 2e-4*(1+math.Abs(float64(w)))) && !(w != w && g[k] != g[k]) &&
					w != g[k] {
					t.Fatalf("seed %d output %d of\n%s: element %d is %g, want %g", seed, i, trace, k, g[k], w)
				}
			}
		}
	}
}

func runRandom(t *testing.T, b compute.Backend, seed uint64) (out []*tensors.Tensor, trace string) {
	r := rand.New(rand.NewPCG(seed, 99))
	A, B, C := 1+r.IntN(5), 1+r.IntN(9), 8<<r.IntN(4)+r.IntN(2)*r.IntN(9)
	x := make([]any, 4)
	for i, dims := range [][]int{{A, B, C}, {C}, {A, B, 1}, {A, B, C}} {
		v := make([]float32, product(dims))
		for k := range v {
			v[k] = r.Float32()*2 - 1
		}
		x[i] = tensors.FromFlatDataAndDimensions(v, dims...)
	}
	exec := MustNewExec(b, func(in []*Node) []*Node {
		g := in[0].Graph()
		target := shapes.Make(dtypes.Float32, A, B, C)
		pool := []*Node{in[0], in[3]}
		expand := func(n *Node) *Node { return BroadcastToDims(n, A, B, C) }
		pool = append(pool, expand(Reshape(in[1], 1, 1, C)), expand(in[2]),
			expand(Reshape(Scalar(g, dtypes.Float32, 0.5), 1, 1, 1)))
		pick := func() (*Node, int) { k := len(pool) - 1 - min(r.IntN(len(pool)), r.IntN(len(pool))); return pool[k], k }
		var results []*Node
		rough := false
		steps := 5 + r.IntN(25)
		for range steps {
			a, ia := pick()
			b, ib := pick()
			var n *Node
			op := r.IntN(23)
			rough = rough || op == 8 || op == 11 || op == 12 || op == 18
			switch op {
			case 0, 1:
				n = Add(a, b)
			case 2:
				n = Sub(a, b)
			case 3, 4:
				n = Mul(a, b)
			case 5:
				n = Div(a, AddScalar(Abs(b), 1))
			case 6:
				n = Exp(MinScalar(a, 1))
			case 7:
				n = Logistic(a)
			case 8:
				n = Max(a, b)
			case 9:
				n = Softmax(a, -1)
			case 10:
				n = expand(ReduceAndKeep(a, ReduceMean, -1))
			case 11:
				n = expand(ReduceAndKeep(a, ReduceMax, 0, 1))
			case 12:
				n = Where(LessThan(a, b), Neg(a), Neg(b)) // continuous: rounding has no large effect
			case 13:
				n = Concatenate([]*Node{Slice(a, AxisRange(), AxisRange(), AxisRange(C/2)),
					Slice(b, AxisRange(), AxisRange(), AxisRange(0, C/2))}, -1)
			case 14:
				n = Reshape(TransposeAllAxes(a, 1, 0, 2), A, B, C)
			case 15:
				n = TransposeAllAxes(Reshape(TransposeAllAxes(a, 2, 0, 1), C, A, B), 1, 2, 0)
			case 16:
				n = MulScalar(DotGeneral(a, []int{2}, []int{0, 1}, Reshape(b, A, B, C, 1), []int{2}, []int{0, 1}), 1/float64(C))
				n = expand(n)
			case 17: // scores, and back from them
				s := DotGeneral(a, []int{2}, []int{0}, b, []int{2}, []int{0}) // [A, B, B]
				n = MulScalar(DotGeneral(s, []int{2}, []int{0}, a, []int{1}, []int{0}), 1/float64(C))
			case 18:
				lo := Pad(Slice(a, AxisRange(), AxisRange(), AxisRange(0, C/2)), ScalarZero(g, dtypes.Float32), PadAxis{},
					PadAxis{}, PadAxis{End: C - C/2})
				hi := Pad(Slice(b, AxisRange(), AxisRange(), AxisRange(C/2)), ScalarZero(g, dtypes.Float32), PadAxis{}, PadAxis{},
					PadAxis{Start: C / 2})
				n = Add(hi, lo)
			case 19:
				rows := ConvertDType(Iota(g, shapes.Make(dtypes.Int32, A, B, C), r.IntN(3)), dtypes.Float32)
				n = Mul(a, ConvertDType(Equal(rows, MulScalar(OnesLike(rows), 1)), dtypes.Float32))
			case 20:
				flat := Reshape(a, A*B, C)
				at := Reshape(Iota(g, shapes.Make(dtypes.Int32, A*B), 0), A*B, 1)
				n = Reshape(ScatterSum(flat, Sub(Scalar(g, dtypes.Int32, A*B-1), at), Reshape(b, A*B, C), false, false), A, B, C)
			case 21:
				results = append(results, ReduceSum(a, 0, 1), ReduceAllSum(Mul(a, b)), ReduceMax(a, -1))
				n = Sqrt(AddScalar(Abs(a), 0.5))
			case 22: // of the inputs alone, which both have to the bit
				byteOf := func(x *Node) *Node { return ConvertDType(MulScalar(AddScalar(x, 1), 100), dtypes.Uint8) }
				whole, row, column := byteOf(in[3]), byteOf(in[1]), byteOf(in[2])
				largest := byteOf(ReduceAndKeep(in[3], ReduceMax, -1))
				results = append(results, whole, TransposeAllAxes(whole, 0, 2, 1), row, largest)
				for _, x := range []*Node{whole, expand(Reshape(row, 1, 1, C)), expand(column), expand(largest)} {
					a = Sub(a, MulScalar(ConvertDType(x, dtypes.Float32), 0.01))
				}
				n = a
			}
			n = MaxScalar(MinScalar(n, 3), -3) // keeps sizes comparable
			n.Shape().AssertDims(target.Dimensions...)
			trace += fmt.Sprintf("%d = op %d of %d, %d\n", len(pool), op, ia, ib)
			pool = append(pool, n)
		}
		results = append(results, pool[len(pool)-1])
		if k, _ := pick(); r.IntN(2) == 0 {
			results = append(results, k, TransposeAllAxes(k, 0, 2, 1), LessThan(in[3], in[0]))
		}
		if r.IntN(3) == 0 && !rough { // Pad has no gradient, and near ties those of maxima jump
			results = append(results, Gradient(ReduceAllSum(pool[len(pool)-1]), in[0], in[1], in[2])...)
		}
		return results
	})
	defer exec.Finalize()
	out, err := exec.Call(x...)
	if err != nil {
		t.Fatalf("seed %d on %s: %v", seed, b, err)
	}
	return out, trace
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}
