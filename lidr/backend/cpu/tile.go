package cpu

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"unsafe"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// tileArgs are the operands of a tile kernel: rows of n elements, each operand with its own stride between rows, in
// bytes. The assembly reads this layout.
type tileArgs struct {
	dst, a, b, c                         unsafe.Pointer
	n, rows                              int
	strideDst, strideA, strideB, strideC int
}

// kernelSet is a set of kernels for one instruction set. Tile kernels that it lacks run in plain Go.
type kernelSet struct {
	name        string
	tile        tileMap
	micro       microKernels
	rows        rowKernels
	stream      map[string]rowKernels           // rows kernels for one tile, by half-precision type of B
	pairs       pairKernels                     // of products in bfloat16
	dots        func(*tileArgs)                 // RowDotVV for four rows at a time of whole vectors; nil if there is none
	transpose16 map[string]func(*transposeArgs) // by half-precision type, "" for float32
	widen       map[string]func(*widenArgs)     // by block type
	products    productKernels                  // of integers
}

// kernels is the set in use, chosen when the program starts.
var kernels = use(append(processorKernels(), plainGo)[0])

// revision counts the changes of the order in which kernels add up. Whoever changes a result's last bits increases it,
// so that no run mixes results of two orders.
const revision = 3

// Kernels names the set in use, for plain Go the processor it was compiled for, and the revision of their arithmetic.
// Two sets sum in different orders, so their results differ in the last bits.
func Kernels() string {
	name := kernels.name
	if name == plainGo.name {
		name += ", " + runtime.GOARCH
	}
	return fmt.Sprintf("%s, revision %d", name, revision)
}

// use completes a set with the plain Go kernels.
func use(set kernelSet) kernelSet {
	tile := maps.Clone(goKernels)
	maps.Copy(tile, set.tile)
	set.tile = tile
	widen := maps.Clone(goWideners)
	maps.Copy(widen, set.widen)
	set.widen = widen
	if set.products.width == 0 {
		set.products = goProducts
	}
	return set
}

// plainGo is the set for processors without assembly kernels.
var plainGo = kernelSet{name: "plain Go",
	micro: microKernels{width: 16, rows: []int{4, 1}, run: []func(*gemmArgs){goGemm(4), goGemm(1)}},
	rows:  rowKernels{rows: []int{1}, run: []func(*rowsArgs){goRows}}}

// goKernels holds the plain Go kernels by operation and operand kinds ("AddVV": vector and vector; "S": one element a
// row, broadcast).
var goKernels = makeGoKernels()

func f32(p unsafe.Pointer, n int) []float32 { return unsafe.Slice((*float32)(p), n) }
func i32(p unsafe.Pointer, n int) []int32   { return unsafe.Slice((*int32)(p), n) }

// eachRow calls f with the operands of each row.
func (t *tileArgs) eachRow(f func(dst, a, b, c unsafe.Pointer)) {
	dst, a, b, c := t.dst, t.a, t.b, t.c
	for r := 0; ; r++ {
		f(dst, a, b, c)
		if r+1 >= t.rows {
			return
		}
		dst, a = unsafe.Add(dst, t.strideDst), unsafe.Add(a, t.strideA)
		if b != nil {
			b = unsafe.Add(b, t.strideB)
		}
		if c != nil {
			c = unsafe.Add(c, t.strideC)
		}
	}
}

// tileMap holds tile kernels by name.
type tileMap = map[string]func(*tileArgs)

type lane interface{ float32 | int32 }

func goUnary[A, D lane | bool](k tileMap, name string, f func(A) D) {
	k[name+"V"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			d, x := unsafe.Slice((*D)(dst), t.n), unsafe.Slice((*A)(a), t.n)
			for i, v := range x {
				d[i] = f(v)
			}
		})
	}
}

func goBinary[A, D lane](k tileMap, name string, f func(a, b A) D) {
	k[name+"VV"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, _ unsafe.Pointer) {
			d, x, y := unsafe.Slice((*D)(dst), t.n), unsafe.Slice((*A)(a), t.n), unsafe.Slice((*A)(b), t.n)
			for i, v := range x {
				d[i] = f(v, y[i])
			}
		})
	}
	k[name+"VS"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, _ unsafe.Pointer) {
			d, x, y := unsafe.Slice((*D)(dst), t.n), unsafe.Slice((*A)(a), t.n), *(*A)(b)
			for i, v := range x {
				d[i] = f(v, y)
			}
		})
	}
	k[name+"SV"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, _ unsafe.Pointer) {
			d, x, y := unsafe.Slice((*D)(dst), t.n), *(*A)(a), unsafe.Slice((*A)(b), t.n)
			for i, v := range y {
				d[i] = f(x, v)
			}
		})
	}
}

// goCommutative has no kernel for a broadcast first operand, as the sets in assembly: groups exchange the two.
func goCommutative[A lane](k tileMap, name string, f func(a, b A) A) {
	goBinary(k, name, f)
	delete(k, name+"SV")
}

func goCompare[A lane](k tileMap, suffix string) {
	goBinary(k, "Eq"+suffix, func(a, b A) float32 { return truth(a == b) })
	goBinary(k, "Ne"+suffix, func(a, b A) float32 { return truth(a != b) })
	goBinary(k, "Lt"+suffix, func(a, b A) float32 { return truth(a < b) })
	goBinary(k, "Le"+suffix, func(a, b A) float32 { return truth(a <= b) })
}

func goReduce(k tileMap, name string, neutral float32, f func(a, b float32) float32) {
	k[name+"V"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			acc := [4]float32{neutral, neutral, neutral, neutral}
			x := f32(a, t.n)
			for ; len(x) >= 4; x = x[4:] {
				acc[0], acc[1], acc[2], acc[3] = f(acc[0], x[0]), f(acc[1], x[1]), f(acc[2], x[2]), f(acc[3], x[3])
			}
			for i, v := range x {
				acc[i] = f(acc[i], v)
			}
			*(*float32)(dst) = f(f(acc[0], acc[1]), f(acc[2], acc[3]))
		})
	}
}

// truth returns a bool as the number that kernels use for it.
func truth(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

func wide(f func(float64) float64) func(float32) float32 {
	return func(x float32) float32 { return float32(f(float64(x))) }
}

func wide2(f func(a, b float64) float64) func(a, b float32) float32 {
	return func(a, b float32) float32 { return float32(f(float64(a), float64(b))) }
}

func makeGoKernels() tileMap {
	k := tileMap{}
	goCommutative(k, "Add", func(a, b float32) float32 { return a + b })
	goBinary(k, "Sub", func(a, b float32) float32 { return a - b })
	goCommutative(k, "Mul", func(a, b float32) float32 { return a * b })
	goBinary(k, "Div", func(a, b float32) float32 { return a / b })
	goCommutative(k, "Max", func(a, b float32) float32 { return max(a, b) })
	goCommutative(k, "Min", func(a, b float32) float32 { return min(a, b) })
	goBinary(k, "Pow", wide2(math.Pow))
	goBinary(k, "Rem", wide2(math.Mod))
	goBinary(k, "Atan2", wide2(math.Atan2))
	goCommutative(k, "AddI", func(a, b int32) int32 { return a + b })
	goBinary(k, "SubI", func(a, b int32) int32 { return a - b })
	goCommutative(k, "MulI", func(a, b int32) int32 { return a * b })
	goCommutative(k, "MaxI", func(a, b int32) int32 { return max(a, b) })
	goCommutative(k, "MinI", func(a, b int32) int32 { return min(a, b) })
	goCompare[float32](k, "")
	goCompare[int32](k, "I")
	goUnary(k, "Copy", func(x float32) float32 { return x })
	goUnary(k, "Neg", func(x float32) float32 { return -x })
	goUnary(k, "NegI", func(x int32) int32 { return -x })
	goUnary(k, "Abs", wide(math.Abs))
	goUnary(k, "Sqrt", wide(math.Sqrt))
	goUnary(k, "Rsqrt", func(x float32) float32 { return 1 / float32(math.Sqrt(float64(x))) })
	goUnary(k, "Exp", wide(math.Exp))
	goUnary(k, "Expm1", wide(math.Expm1))
	goUnary(k, "Log", wide(math.Log))
	goUnary(k, "Log1p", wide(math.Log1p))
	goUnary(k, "Logistic", func(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) })
	goUnary(k, "Tanh", wide(math.Tanh))
	goUnary(k, "Sin", wide(math.Sin))
	goUnary(k, "Cos", wide(math.Cos))
	goUnary(k, "Erf", wide(math.Erf))
	goUnary(k, "Floor", wide(math.Floor))
	goUnary(k, "Ceil", wide(math.Ceil))
	goUnary(k, "Round", wide(math.RoundToEven))
	goUnary(k, "Sign", func(x float32) float32 {
		if x > 0 {
			return 1
		} else if x < 0 {
			return -1
		}
		return x
	})
	goUnary(k, "IsNaN", func(x float32) float32 { return truth(x != x) })
	goUnary(k, "IsFinite", func(x float32) float32 { return truth(x-x == 0) })
	goUnary(k, "Not", func(x float32) float32 { return 1 - x })
	goUnary(k, "Truth", func(x float32) float32 { return truth(x != 0) })
	goUnary(k, "FromI", func(x int32) float32 { return float32(x) })
	goUnary(k, "ToI", func(x float32) int32 { return int32(x) })
	goUnary(k, "FromBool", func(x bool) float32 { return truth(x) })
	goUnary(k, "ToBool", func(x float32) bool { return x != 0 })
	goReduce(k, "RowSum", 0, func(a, b float32) float32 { return a + b })
	goReduce(k, "RowMax", float32(math.Inf(-1)), func(a, b float32) float32 { return max(a, b) })
	goReduce(k, "RowMin", float32(math.Inf(1)), func(a, b float32) float32 { return min(a, b) })
	k["ExpScaledVSS"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, c unsafe.Pointer) {
			d, peak, scale := f32(dst, t.n), *(*float32)(b), *(*float32)(c)
			for i, v := range f32(a, t.n) {
				d[i] = float32(math.Exp(float64((v - peak) * scale)))
			}
		})
	}
	k["MulAddVSV"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, c unsafe.Pointer) {
			d, x, y := f32(dst, t.n), *(*float32)(b), f32(c, t.n)
			for i, v := range f32(a, t.n) {
				d[i] = v*x + y[i]
			}
		})
	}
	k["SoftmaxGradVVS"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, c unsafe.Pointer) {
			d, g, mean := f32(dst, t.n), f32(b, t.n), *(*float32)(c)
			for i, v := range f32(a, t.n) {
				d[i] = v * (g[i] - mean)
			}
		})
	}
	goHalf[bfloat16.BFloat16](k, "BF16")
	goHalf[float16.Float16](k, "F16")
	k["ToBF16V"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			d := unsafe.Slice((*bfloat16.BFloat16)(dst), t.n)
			for i, v := range f32(a, t.n) {
				if d[i] = bfloat16.FromFloat32(v); v != v {
					d[i] = 0x7fc0 // FromFloat32 cuts a NaN off, which may leave an infinity
				}
			}
		})
	}
	k["FromUint8V"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			d := i32(dst, t.n)
			for i, v := range unsafe.Slice((*uint8)(a), t.n) {
				d[i] = int32(v)
			}
		})
	}
	k["ToUint8V"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			d := unsafe.Slice((*uint8)(dst), t.n)
			for i, v := range i32(a, t.n) {
				d[i] = uint8(v)
			}
		})
	}
	k["RowDotVV"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, _ unsafe.Pointer) {
			var acc [4]float32
			x, y := f32(a, t.n), f32(b, t.n)
			for i, v := range x {
				acc[i&3] += v * y[i]
			}
			*(*float32)(dst) = acc[0] + acc[1] + acc[2] + acc[3]
		})
	}
	k["CopyS"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			d, x := f32(dst, t.n), *(*float32)(a)
			for i := range d {
				d[i] = x
			}
		})
	}
	for name, s := range map[string][2]int{"WhereVVV": {1, 1}, "WhereVVS": {1, 0}, "WhereVSV": {0, 1}} {
		k[name] = func(t *tileArgs) {
			t.eachRow(func(dst, a, b, c unsafe.Pointer) {
				d, x := i32(dst, t.n), f32(a, t.n)
				y, z := i32(b, s[0]*(t.n-1)+1), i32(c, s[1]*(t.n-1)+1)
				for i, v := range x {
					if v != 0 {
						d[i] = y[i*s[0]]
					} else {
						d[i] = z[i*s[1]]
					}
				}
			})
		}
	}
	return k
}
