package cpu

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// Every assembly kernel gives the results of the plain Go one, for rows of all lengths, strides and special values, and
// does not write beyond its rows.
func TestTileKernels(t *testing.T) {
	const smallestNormal = 0x1p-126
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 0.5, 88, -88, 89, -104, 1e-30, 1e-37, -1e-37, 1e30, 3e38,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32, smallestNormal}
	r := rand.New(rand.NewPCG(1, 2))
	for _, set := range processorKernels() {
		for _, name := range slices.Sorted(maps.Keys(set.tile)) {
			op := strings.TrimRight(name, "VS")
			integers := strings.HasSuffix(op, "I") && op != "ToI"
			for n := 1; n <= 70; n += 1 + n/20 {
				const rows, stride = 3, 80
				values := func() []float32 {
					v := make([]float32, rows*stride)
					for i := range v {
						switch {
						case integers:
							v[i] = math.Float32frombits(uint32(r.Int32N(7) - 3))
						case op == "Where" || op == "ToBool" || op == "FromBool":
							v[i] = float32(r.IntN(2))
						case r.IntN(6) == 0 && !strings.HasPrefix(op, "Row") && op != "MulAdd":
							v[i] = special[r.IntN(len(special))]
						default:
							v[i] = r.Float32()*40 - 20
						}
					}
					return v
				}
				a, b, c := values(), values(), values()
				if op == "FromBool" {
					bytes := unsafe.Slice((*byte)(unsafe.Pointer(&a[0])), 4*len(a))
					for i := range bytes {
						bytes[i] = byte(r.IntN(2))
					}
				}
				if op == "FromBF16" || op == "FromF16" {
					words := unsafe.Slice((*uint16)(unsafe.Pointer(&a[0])), 2*len(a))
					for i := range words {
						words[i] = uint16(r.Uint32()) // any number, infinity or NaN
					}
				}
				run := func(kernel func(*tileArgs)) []float32 {
					dst := make([]float32, rows*stride)
					for i := range dst {
						dst[i] = 7
					}
					kernel(&tileArgs{dst: unsafe.Pointer(&dst[0]), a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&b[0]),
						c: unsafe.Pointer(&c[0]), n: n, rows: rows, strideDst: stride * 4, strideA: stride * 4,
						strideB: stride * 4, strideC: stride * 4})
					return dst
				}
				want, got := run(goKernels[name]), run(set.tile[name])
				tolerance := map[string]float64{"Exp": 2e-7, "Logistic": 3e-7, "Log": 2e-7, "ExpScaled": 2e-7, "MulAdd": 1e-6,
					"SoftmaxGrad": 1e-6, "RowSum": 1e-5}[op]
				for i, w := range want {
					g := got[i]
					same := math.Float32bits(w) == math.Float32bits(g) || w != w && g != g || w == g
					flushed := g == 0 && math.Abs(float64(w)) < smallestNormal
					if bound := tolerance * max(math.Abs(float64(w)), 1e-37); !same && !flushed && !(math.Abs(float64(w-g)) <= bound) {
						if op == "RowSum" || op == "RowDot" {
							if math.Abs(float64(w-g)) < 2e-2 { // sums of up to 70 products of up to 400, in another order
								continue
							}
						}
						if op == "ToI" && math.Abs(float64(a[i])) > 1e9 || op == "ToI" && a[i] != a[i] {
							continue // beyond int32: undefined
						}
						if op == "MulAdd" && math.Abs(float64(w-g)) <= 1e-5*400 {
							continue // the sum cancels
						}
						t.Fatalf("%s of %s, n %d, element %d: %g, want %g (a %g, b %g, c %g)", set.name, name, n, i, g, w, a[i], b[i],
							c[i])
					}
				}
			}
		}
	}
}

// Exp, log and logistic are within two units in the last place of float64's.
func TestAccuracy(t *testing.T) {
	worst := func(kernel func(*tileArgs), f func(float64) float64, lo, hi float64) (ulps float64, at float32) {
		const n = 200_000
		x, y := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32(lo + (hi-lo)*float64(i)/n)
		}
		kernel(&tileArgs{dst: unsafe.Pointer(&y[0]), a: unsafe.Pointer(&x[0]), n: n, rows: 1})
		for i, v := range y {
			want := f(float64(x[i]))
			unit := float64(math.Nextafter32(float32(math.Abs(want)), math.MaxFloat32)) - math.Abs(float64(float32(want)))
			if e := math.Abs(float64(v)-want) / unit; e > ulps {
				ulps, at = e, x[i]
			}
		}
		return ulps, at
	}
	for _, set := range processorKernels() {
		for _, c := range []struct {
			name   string
			f      func(float64) float64
			lo, hi float64
		}{
			{"ExpV", math.Exp, -87, 88},
			{"ExpV", math.Exp, -1, 1},
			{"LogV", math.Log, 1e-6, 1},
			{"LogV", math.Log, 1, 1e6},
			{"LogV", math.Log, 0.5, 2},
			{"LogisticV", func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, -20, 20},
		} {
			if e, at := worst(set.tile[c.name], c.f, c.lo, c.hi); e > 2.5 {
				t.Errorf("%s of %s: %.2f units in the last place at %g", c.name, set.name, e, at)
			}
		}
	}
}

// A sum does not change, to the bit, with vectors of zeros behind the row: a sum of probabilities is that of the keys
// that count, however many hidden ones its block of queries reaches.
func TestSumsIgnoreZerosBehind(t *testing.T) {
	const rows, longest = 3, 208
	for _, set := range append(processorKernels(), plainGo) {
		x := make([]float32, rows*longest)
		for n := 16; n <= longest-16; n += 16 {
			clear(x)
			for r := range rows {
				copy(x[r*longest:], random(n + r)[:n])
			}
			sums := func(n int) (out [rows]float32) {
				use(set).tile["RowSumV"](&tileArgs{dst: unsafe.Pointer(&out[0]), a: unsafe.Pointer(&x[0]), n: n, rows: rows,
					strideDst: 4, strideA: longest * 4})
				return out
			}
			if got, want := sums(longest), sums(n); got != want {
				t.Errorf("%s: rows of %d sum to %v, with zeros behind to %v", set.name, n, want, got)
			}
		}
	}
}
