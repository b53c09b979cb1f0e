package cpu_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"lidrlab/lidr/backend/cpu"
)

// blocksOf are random blocks of a type: whole rows of k values.
func blocksOf(r *rand.Rand, name string, rows, k int) *tensors.Tensor {
	t := cpu.BlockTypes[name]
	values, size := cpu.BlockSize(t)
	data := make([]byte, rows*k/values*size)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	for i := 0; i < len(data); i += size { // scales that are numbers, of both signs
		for _, at := range map[string][]int{"Q4_1": {0, 2}, "Q5_1": {0, 2}, "Q4_K": {0, 2}, "Q5_K": {0, 2}, "Q6_K": {208},
			"Q4_0": {0}, "Q5_0": {0}, "Q8_0": {0}}[name] {
			binary.LittleEndian.PutUint16(data[i+at:], uint16(r.IntN(2)<<15|r.IntN(12)<<10|r.IntN(1024)))
		}
	}
	return tensors.FromFlatDataAndDimensions(data, rows, k/values*size)
}

func quantization(t compute.GGMLQuantType) *Quantization {
	return &Quantization{Scheme: compute.QuantGGML, GGMLType: t}
}

func callOn(t *testing.T, b compute.Backend, f func(x, w *Node) *Node, in ...any) []float32 {
	t.Helper()
	exec := MustNewExec(b, f)
	defer exec.Finalize()
	out, err := exec.Call(in...)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float32](out[0])
}

func randomRows(r *rand.Rand, rows, k int) *tensors.Tensor {
	v := make([]float32, rows*k)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return tensors.FromFlatDataAndDimensions(v, rows, k)
}

// The rows of a matrix in blocks are widened to the values that gguf-py makes of them, in every bit (the golden blocks
// of lidr/gguf).
func TestWidenBlocks(t *testing.T) {
	data, err := os.ReadFile("../../gguf/testdata/dequant.json")
	if err != nil {
		t.Fatal(err)
	}
	golden := map[string]struct {
		Blocks string
		Values int
		SHA256 string
	}{}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	b := open(t, "cpu:threads=2")
	for _, kernels := range cpu.KernelSets() {
		restore := cpu.UseKernels(kernels)
		for name, format := range cpu.BlockTypes {
			blocks, err := hex.DecodeString(golden[strings.ToLower(name)].Blocks)
			if err != nil || len(blocks) == 0 {
				t.Fatalf("%s: no golden blocks (%v)", name, err)
			}
			got := callOn(t, b, func(rows, ids *Node) *Node {
				return BackendQuantizedEmbeddingLookup(rows, ids, quantization(format))
			}, tensors.FromFlatDataAndDimensions(blocks, 1, len(blocks)), [][]int32{{0}})
			var out bytes.Buffer
			if err := binary.Write(&out, binary.LittleEndian, got); err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(out.Bytes()); hex.EncodeToString(sum[:]) != golden[strings.ToLower(name)].SHA256 {
				t.Errorf("%s with %s kernels: other values than gguf-py's", name, kernels)
			}
		}
		restore()
	}
}

// A product that reads a weight in blocks has the same bits as the product of the weight widened beforehand, however it
// is cut.
func TestBlockProducts(t *testing.T) {
	b := open(t, "cpu:threads=2")
	r := rand.New(rand.NewPCG(7, 8))
	for _, kernels := range cpu.KernelSets() {
		restore := cpu.UseKernels(kernels)
		for name, format := range cpu.BlockTypes {
			for _, s := range [][3]int{{1, 37, 256}, {3, 64, 512}, {5, 17, 256}, {13, 33, 768}, {40, 50, 2816}} {
				m, n, k := s[0], s[1], s[2]
				x, w := randomRows(r, m, k), blocksOf(r, name, n, k)
				ids := make([][]int32, n)
				for i := range ids {
					ids[i] = []int32{int32(i)}
				}
				wide := tensors.FromFlatDataAndDimensions(callOn(t, b, func(w, ids *Node) *Node {
					return BackendQuantizedEmbeddingLookup(w, ids, quantization(format))
				}, w, ids), n, k)
				got := callOn(t, b, func(x, w *Node) *Node {
					return BackendFusedQuantizedDense(x, w, nil, quantization(format), compute.ActivationNone)
				}, x, w)
				want := callOn(t, b, func(x, w *Node) *Node { return DotGeneral(x, []int{1}, nil, w, []int{1}, nil) }, x, wide)
				sameBits(t, fmt.Sprint(name, s, " with ", kernels, " kernels"), got, want)
			}
		}
		restore()
	}
}

// A product in integers is the product of the widened weight with x rounded to 127 steps in blocks of 32, to float32's
// precision; and it has the same bits whatever the kernels, the threads and the number of rows.
func TestIntegerProducts(t *testing.T) {
	one, two := open(t, "cpu:threads=1"), open(t, "cpu:threads=2")
	r := rand.New(rand.NewPCG(9, 10))
	for name, format := range cpu.BlockTypes {
		for _, s := range [][3]int{{1, 37, 256}, {7, 64, 1280}, {37, 130, 512}, {300, 48, 256},
			{17, 40, 1280}} {
			m, n, k := s[0], s[1], s[2]
			x, w := randomRows(r, m, k), blocksOf(r, name, n, k)
			ids := make([][]int32, n)
			for i := range ids {
				ids[i] = []int32{int32(i)}
			}
			multiply := func(x, w *Node) *Node {
				return BackendFusedQuantizedDense(x, w, nil, quantization(format|cpu.Integers), compute.ActivationNone)
			}
			wide := callOn(t, two, func(w, ids *Node) *Node {
				return BackendQuantizedEmbeddingLookup(w, ids, quantization(format))
			}, w, ids)
			values := tensors.MustCopyFlatData[float32](x)
			want := make([]float32, m*n)
			restore := cpu.UseKernels("plain Go")
			got := callOn(t, one, multiply, clone(x), clone(w))
			restore()
			for i := range m {
				row := roundRow(values[i*k : i*k+k])
				for j := range n {
					sum, size := 0.0, 0.0
					for e, v := range row {
						p := v * float64(wide[j*k+e])
						sum, size = sum+p, size+math.Abs(p)
					}
					if d := math.Abs(sum - float64(got[i*n+j])); !(d <= 1e-5*size) {
						t.Fatalf("%s %v: element %d,%d is %g, want %g", name, s, i, j, got[i*n+j], sum)
					}
				}
			}
			copy(want, got)
			for _, kernels := range cpu.KernelSets() {
				restore := cpu.UseKernels(kernels)
				sameBits(t, fmt.Sprint(name, s, " with ", kernels, " kernels"), callOn(t, two, multiply, x, w), want)
				last := callOn(t, two, func(x, w *Node) *Node { return multiply(Slice(x, AxisRange(m-1)), w) }, x, w)
				sameBits(t, fmt.Sprint(name, s, ", one row with ", kernels, " kernels"), last, want[(m-1)*n:])
				restore()
			}
		}
	}
}

// The largest sums that there are fit where kernels add them up: weights of one byte throughout, by rows of one value.
func TestIntegerProductsOfExtremes(t *testing.T) {
	b := open(t, "cpu")
	for name, format := range cpu.BlockTypes {
		w := blocksOf(rand.New(rand.NewPCG(2, 3)), name, 16, 256)
		_, size := cpu.BlockSize(format)
		for _, fill := range []byte{0x00, 0x7f, 0x80, 0xff} {
			tensors.MustMutableFlatData(w, func(flat []uint8) {
				for i := range flat {
					if at := i % size; at >= 4 && at < size-2 { // scales stay
						flat[i] = fill
					}
				}
			})
			for _, v := range []float32{1, -1} {
				x := tensors.FromScalarAndDimensions(v, 17, 256)
				multiply := func(x, w *Node) *Node {
					return BackendFusedQuantizedDense(x, w, nil, quantization(format|cpu.Integers), compute.ActivationNone)
				}
				restore := cpu.UseKernels("plain Go")
				want := callOn(t, b, multiply, x, w)
				restore()
				for _, kernels := range cpu.KernelSets() {
					restore := cpu.UseKernels(kernels)
					what := fmt.Sprintf("%s of %#x by %g with %s kernels", name, fill, v, kernels)
					sameBits(t, what, callOn(t, b, multiply, x, w), want)
					one := callOn(t, b, func(x, w *Node) *Node { return multiply(Slice(x, AxisElem(0)), w) }, x, w)
					sameBits(t, what+", one row", one, want[:16])
					restore()
				}
			}
		}
	}
}

// Products of the same rows are one step and have the bits of each alone, also where a weight is computed after the
// first of them.
func TestIntegerProductsOfTheSameRows(t *testing.T) {
	b := open(t, "cpu:threads=2")
	r := rand.New(rand.NewPCG(4, 5))
	const k = 256
	multiply := func(name string) func(x, w *Node) *Node {
		return func(x, w *Node) *Node {
			q := quantization(cpu.BlockTypes[name] | cpu.Integers)
			return BackendFusedQuantizedDense(x, w, nil, q, compute.ActivationNone)
		}
	}
	for _, m := range []int{1, 9} {
		x, u := randomRows(r, m, k), blocksOf(r, "Q5_0", 37, k)
		v, w := blocksOf(r, "Q4_0", 130, k), blocksOf(r, "Q5_0", 24, k)
		exec := MustNewExec(b, func(x, u, v, w *Node) []*Node {
			turned := Concatenate([]*Node{Slice(u, AxisRange(20)), Slice(u, AxisRange(0, 20))}, 0)
			return []*Node{multiply("Q5_0")(x, u), multiply("Q4_0")(x, v), multiply("Q5_0")(x, turned),
				multiply("Q5_0")(x, w)}
		})
		got, err := exec.Call(x, u, v, w)
		if err != nil {
			t.Fatal(err)
		}
		first := callOn(t, b, multiply("Q5_0"), x, u)
		var turned []float32
		for i := range m {
			row := first[37*i : 37*i+37]
			turned = append(append(turned, row[20:]...), row[:20]...)
		}
		for i, want := range [][]float32{first, callOn(t, b, multiply("Q4_0"), x, v), turned,
			callOn(t, b, multiply("Q5_0"), x, w)} {
			sameBits(t, fmt.Sprintf("product %d of %d rows", i, m), tensors.MustCopyFlatData[float32](got[i]), want)
		}
		exec.Finalize()
	}
}

// clone returns a copy that another backend may take.
func clone(x *tensors.Tensor) *tensors.Tensor {
	c, err := x.LocalClone()
	if err != nil {
		panic(err)
	}
	return c
}

// roundRow rounds as products in integers do.
func roundRow(x []float32) []float64 {
	var out []float64
	for ; len(x) > 0; x = x[32:] {
		var largest float32
		for _, v := range x[:32] {
			largest = max(largest, max(v, -v))
		}
		for _, v := range x[:32] {
			out = append(out, float64(largest/127)*math.RoundToEven(float64(v*(127/largest))))
		}
	}
	return out
}

// A number that is none is not lost in rounding, and rows of zeros or nearly so are rows of zeros.
func TestIntegerProductsOfSpecialValues(t *testing.T) {
	b := open(t, "cpu")
	w := blocksOf(rand.New(rand.NewPCG(1, 1)), "Q8_0", 16, 64)
	for _, kernels := range cpu.KernelSets() {
		restore := cpu.UseKernels(kernels)
		for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), 0, 1e-38, 1e-45} {
			x := tensors.FromScalarAndDimensions(float32(0), 1, 64)
			tensors.MustMutableFlatData(x, func(flat []float32) { flat[40] = v })
			got := callOn(t, b, func(x, w *Node) *Node {
				return BackendFusedQuantizedDense(x, w, nil, quantization(compute.GGMLQ8_0|cpu.Integers), compute.ActivationNone)
			}, x, w)
			for i, y := range got {
				finite := y-y == 0
				if special := v-v != 0; special == finite || !special && y != 0 {
					t.Errorf("%s kernels: %g gives %g in column %d", kernels, v, y, i)
				}
			}
		}
		restore()
	}
}

// What is no matrix in blocks, or no product with one, is refused.
func TestBlockErrors(t *testing.T) {
	f := open(t, "cpu").Builder("products").Main()
	x, _ := f.Constant(make([]float32, 64), 2, 32)
	for what, c := range map[string]struct {
		bytes, dims []int
		format      compute.GGMLQuantType
	}{
		"a row that is cut":   {[]int{4, 33}, []int{2, 32}, compute.GGMLQ8_0},
		"a format not read":   {[]int{4, 84}, []int{2, 32}, compute.GGMLQ2_K},
		"rows of other sizes": {[]int{4, 68}, []int{2, 32}, compute.GGMLQ8_0},
	} {
		w, err := f.Constant(make([]uint8, product(c.bytes)), c.bytes...)
		if err != nil {
			t.Fatal(err)
		}
		q := &compute.Quantization{Scheme: compute.QuantGGML, GGMLType: c.format}
		if _, err := f.FusedQuantizedDense(x, w, nil, q, compute.ActivationNone); err == nil {
			t.Errorf("%s was multiplied with", what)
		}
	}
}
