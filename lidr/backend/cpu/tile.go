package cpu

import (
	"math"
	"unsafe"
)

// tileArgs are the operands of a tile kernel: rows of n elements, each operand with its own stride between rows, in
// bytes. The assembly reads this layout.
type tileArgs struct {
	dst, a, b, c                         unsafe.Pointer
	n, rows                              int
	strideDst, strideA, strideB, strideC int
}

// kernelSet names the instruction set in use.
var kernelSet = "plain Go"

// tileKernels holds the kernels by operation and operand kinds ("AddVV": vector and vector; "S": one element a row,
// broadcast). These are the plain Go versions; a processor's own replace them at start.
var tileKernels = map[string]func(*tileArgs){}

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

type lane interface{ float32 | int32 }

func goUnary[A, D lane | bool](name string, f func(A) D) {
	tileKernels[name+"V"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			d, x := unsafe.Slice((*D)(dst), t.n), unsafe.Slice((*A)(a), t.n)
			for i, v := range x {
				d[i] = f(v)
			}
		})
	}
}

func goBinary[A, D lane](name string, f func(a, b A) D) {
	tileKernels[name+"VV"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, _ unsafe.Pointer) {
			d, x, y := unsafe.Slice((*D)(dst), t.n), unsafe.Slice((*A)(a), t.n), unsafe.Slice((*A)(b), t.n)
			for i, v := range x {
				d[i] = f(v, y[i])
			}
		})
	}
	tileKernels[name+"VS"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, _ unsafe.Pointer) {
			d, x, y := unsafe.Slice((*D)(dst), t.n), unsafe.Slice((*A)(a), t.n), *(*A)(b)
			for i, v := range x {
				d[i] = f(v, y)
			}
		})
	}
	tileKernels[name+"SV"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, _ unsafe.Pointer) {
			d, x, y := unsafe.Slice((*D)(dst), t.n), *(*A)(a), unsafe.Slice((*A)(b), t.n)
			for i, v := range y {
				d[i] = f(x, v)
			}
		})
	}
}

func goCompare[A lane](suffix string) {
	goBinary("Eq"+suffix, func(a, b A) float32 { return truth(a == b) })
	goBinary("Ne"+suffix, func(a, b A) float32 { return truth(a != b) })
	goBinary("Lt"+suffix, func(a, b A) float32 { return truth(a < b) })
	goBinary("Le"+suffix, func(a, b A) float32 { return truth(a <= b) })
}

func goReduce(name string, neutral float32, f func(a, b float32) float32) {
	tileKernels[name+"V"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			acc := [4]float32{neutral, neutral, neutral, neutral}
			x := f32(a, t.n)
			for ; len(x) >= 4; x = x[4:] {
				acc[0], acc[1], acc[2], acc[3] = f(acc[0], x[0]), f(acc[1], x[1]), f(acc[2], x[2]), f(acc[3], x[3])
			}
			for _, v := range x {
				acc[0] = f(acc[0], v)
			}
			*(*float32)(dst) = f(f(acc[0], acc[1]), f(acc[2], acc[3]))
		})
	}
}

// truth is a bool as the kernels compute with it.
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

func init() {
	goBinary("Add", func(a, b float32) float32 { return a + b })
	goBinary("Sub", func(a, b float32) float32 { return a - b })
	goBinary("Mul", func(a, b float32) float32 { return a * b })
	goBinary("Div", func(a, b float32) float32 { return a / b })
	goBinary("Max", func(a, b float32) float32 { return max(a, b) })
	goBinary("Min", func(a, b float32) float32 { return min(a, b) })
	goBinary("Pow", wide2(math.Pow))
	goBinary("Rem", wide2(math.Mod))
	goBinary("Atan2", wide2(math.Atan2))
	goBinary("AddI", func(a, b int32) int32 { return a + b })
	goBinary("SubI", func(a, b int32) int32 { return a - b })
	goBinary("MulI", func(a, b int32) int32 { return a * b })
	goBinary("MaxI", func(a, b int32) int32 { return max(a, b) })
	goBinary("MinI", func(a, b int32) int32 { return min(a, b) })
	goCompare[float32]("")
	goCompare[int32]("I")
	goUnary("Copy", func(x float32) float32 { return x })
	goUnary("Neg", func(x float32) float32 { return -x })
	goUnary("NegI", func(x int32) int32 { return -x })
	goUnary("Abs", wide(math.Abs))
	goUnary("Sqrt", wide(math.Sqrt))
	goUnary("Rsqrt", func(x float32) float32 { return 1 / float32(math.Sqrt(float64(x))) })
	goUnary("Exp", wide(math.Exp))
	goUnary("Expm1", wide(math.Expm1))
	goUnary("Log", wide(math.Log))
	goUnary("Log1p", wide(math.Log1p))
	goUnary("Logistic", func(x float32) float32 { return float32(1 / (1 + math.Exp(-float64(x)))) })
	goUnary("Tanh", wide(math.Tanh))
	goUnary("Sin", wide(math.Sin))
	goUnary("Cos", wide(math.Cos))
	goUnary("Erf", wide(math.Erf))
	goUnary("Floor", wide(math.Floor))
	goUnary("Ceil", wide(math.Ceil))
	goUnary("Round", wide(math.RoundToEven))
	goUnary("Sign", func(x float32) float32 {
		if x > 0 {
			return 1
		} else if x < 0 {
			return -1
		}
		return x
	})
	goUnary("IsNaN", func(x float32) float32 { return truth(x != x) })
	goUnary("IsFinite", func(x float32) float32 { return truth(x-x == 0) })
	goUnary("Not", func(x float32) float32 { return 1 - x })
	goUnary("Truth", func(x float32) float32 { return truth(x != 0) })
	goUnary("FromI", func(x int32) float32 { return float32(x) })
	goUnary("ToI", func(x float32) int32 { return int32(x) })
	goUnary("FromBool", func(x bool) float32 { return truth(x) })
	goUnary("ToBool", func(x float32) bool { return x != 0 })
	goReduce("RowSum", 0, func(a, b float32) float32 { return a + b })
	goReduce("RowMax", float32(math.Inf(-1)), func(a, b float32) float32 { return max(a, b) })
	goReduce("RowMin", float32(math.Inf(1)), func(a, b float32) float32 { return min(a, b) })
	tileKernels["ExpScaledVSS"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, c unsafe.Pointer) {
			d, peak, scale := f32(dst, t.n), *(*float32)(b), *(*float32)(c)
			for i, v := range f32(a, t.n) {
				d[i] = float32(math.Exp(float64((v - peak) * scale)))
			}
		})
	}
	tileKernels["MulAddVSV"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, c unsafe.Pointer) {
			d, x, y := f32(dst, t.n), *(*float32)(b), f32(c, t.n)
			for i, v := range f32(a, t.n) {
				d[i] = v*x + y[i]
			}
		})
	}
	tileKernels["SoftmaxGradVVS"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, c unsafe.Pointer) {
			d, g, mean := f32(dst, t.n), f32(b, t.n), *(*float32)(c)
			for i, v := range f32(a, t.n) {
				d[i] = v * (g[i] - mean)
			}
		})
	}
	tileKernels["RowDotVV"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, b, _ unsafe.Pointer) {
			var acc [4]float32
			x, y := f32(a, t.n), f32(b, t.n)
			for i, v := range x {
				acc[i&3] += v * y[i]
			}
			*(*float32)(dst) = acc[0] + acc[1] + acc[2] + acc[3]
		})
	}
	tileKernels["CopyS"] = func(t *tileArgs) {
		t.eachRow(func(dst, a, _, _ unsafe.Pointer) {
			d, x := f32(dst, t.n), *(*float32)(a)
			for i := range d {
				d[i] = x
			}
		})
	}
	for name, s := range map[string][2]int{"WhereVVV": {1, 1}, "WhereVVS": {1, 0}, "WhereVSV": {0, 1}} {
		tileKernels[name] = func(t *tileArgs) {
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
	useProcessor()
}
