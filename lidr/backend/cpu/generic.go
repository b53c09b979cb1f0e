package cpu

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// This file holds the operations on element types that tile kernels do not cover: plain Go, one generic function an
// operation, each a pass of its own over memory.

// opNames are short names of the elementwise operations, shared with the tile kernels.
var opNames = map[compute.OpType]string{
	compute.OpTypeAbs: "Abs", compute.OpTypeBitCount: "BitCount", compute.OpTypeBitwiseNot: "BitNot",
	compute.OpTypeCeil: "Ceil", compute.OpTypeClz: "Clz", compute.OpTypeCos: "Cos", compute.OpTypeErf: "Erf",
	compute.OpTypeExp: "Exp", compute.OpTypeExpm1: "Expm1", compute.OpTypeFloor: "Floor",
	compute.OpTypeIsFinite: "IsFinite", compute.OpTypeIsNaN: "IsNaN", compute.OpTypeLog: "Log",
	compute.OpTypeLog1p: "Log1p", compute.OpTypeLogicalNot: "Not", compute.OpTypeLogistic: "Logistic",
	compute.OpTypeNeg: "Neg", compute.OpTypeRound: "Round", compute.OpTypeRsqrt: "Rsqrt", compute.OpTypeSign: "Sign",
	compute.OpTypeSin: "Sin", compute.OpTypeSqrt: "Sqrt", compute.OpTypeTanh: "Tanh", compute.OpTypeAdd: "Add",
	compute.OpTypeAtan2: "Atan2", compute.OpTypeBitwiseAnd: "BitAnd", compute.OpTypeBitwiseOr: "BitOr",
	compute.OpTypeBitwiseXor: "BitXor", compute.OpTypeDiv: "Div", compute.OpTypeLogicalAnd: "And",
	compute.OpTypeLogicalOr: "Or", compute.OpTypeLogicalXor: "Xor", compute.OpTypeMax: "Max", compute.OpTypeMin: "Min",
	compute.OpTypeMul: "Mul", compute.OpTypePow: "Pow", compute.OpTypeRem: "Rem", compute.OpTypeShiftLeft: "Shl",
	compute.OpTypeShiftRightArithmetic: "Sra", compute.OpTypeShiftRightLogical: "Srl", compute.OpTypeSub: "Sub",
	compute.OpTypeEqual: "Eq", compute.OpTypeNotEqual: "Ne", compute.OpTypeLessThan: "Lt", compute.OpTypeLessOrEqual: "Le",
	compute.OpTypeGreaterThan: "Gt", compute.OpTypeGreaterOrEqual: "Ge", compute.OpTypeEqualTotalOrder: "EqTotal",
	compute.OpTypeNotEqualTotalOrder: "NeTotal", compute.OpTypeLessThanTotalOrder: "LtTotal",
	compute.OpTypeLessOrEqualTotalOrder: "LeTotal", compute.OpTypeGreaterThanTotalOrder: "GtTotal",
	compute.OpTypeGreaterOrEqualTotalOrder: "GeTotal", compute.OpTypeWhere: "Where", compute.OpTypeConvertDType: "Convert",
}

// elementwise schedules an operation outside the fused groups.
func (l *lowerer) elementwise(n *node) (view, error) {
	in := make([]view, len(n.inputs))
	for i := range in {
		in[i] = l.dense(l.in(n, i))
	}
	name, size := opNames[n.op], n.shape.Size()
	from := n.inputs[len(n.inputs)-1].shape.DType
	var run passFunc
	switch {
	case name == "Where":
		return l.emit("Where", n.shape, in, func(x *execution, out *value) {
			where(x, out, in)
		}), nil
	case name == "Convert":
		if run = converter(from, n.shape.DType); run == nil {
			return view{}, unsupported(n)
		}
	case elements[from] != nil:
		run = elements[from].elementwise(name)
	}
	if run == nil {
		return view{}, unsupported(n)
	}
	return l.emit(name, n.shape, in, func(x *execution, out *value) {
		a := x.ptr(in[0])
		b, sizeB := a, 0
		if len(in) > 1 {
			b, sizeB = x.ptr(in[1]), in[1].val.dtype.Size()
		}
		sizeOut, sizeA := out.dtype.Size(), in[0].val.dtype.Size()
		tasks, bounds := split(size, copyGrain, 64)
		x.parallel(tasks, func(task int, _ *workspace) {
			lo, hi := bounds(task)
			run(unsafe.Add(x.base[out.id], lo*sizeOut), unsafe.Add(a, lo*sizeA), unsafe.Add(b, lo*sizeB), hi-lo)
		})
	}), nil
}

// where selects among elements of any size.
func where(x *execution, out *value, in []view) {
	condition := data[bool](x, in[0])
	size := out.dtype.Size()
	dst, a, b := x.bytes(out), x.viewBytes(in[1]), x.viewBytes(in[2])
	for i, c := range condition {
		src := b
		if c {
			src = a
		}
		copy(dst[i*size:(i+1)*size], src[i*size:])
	}
}

func apply1[A, D any](f func(A) D) passFunc {
	return func(dst, a, _ unsafe.Pointer, n int) {
		d := unsafe.Slice((*D)(dst), n)
		for i, v := range unsafe.Slice((*A)(a), n) {
			d[i] = f(v)
		}
	}
}

func apply2[A, D any](f func(a, b A) D) passFunc {
	return func(dst, a, b unsafe.Pointer, n int) {
		d, y := unsafe.Slice((*D)(dst), n), unsafe.Slice((*A)(b), n)
		for i, v := range unsafe.Slice((*A)(a), n) {
			d[i] = f(v, y[i])
		}
	}
}

// totalKey orders -NaN < -Inf < … < -0 < +0 < … < +Inf < +NaN.
func totalKey(v float64) int64 {
	k := int64(math.Float64bits(v))
	return k ^ int64(uint64(k>>63)>>1)
}

func (numbers[T]) elementwise(name string) passFunc {
	switch strings.TrimSuffix(name, "Total") {
	case "Add":
		return apply2(func(a, b T) T { return a + b })
	case "Sub":
		return apply2(func(a, b T) T { return a - b })
	case "Mul":
		return apply2(func(a, b T) T { return a * b })
	case "Max":
		return apply2(func(a, b T) T { return max(a, b) })
	case "Min":
		return apply2(func(a, b T) T { return min(a, b) })
	case "Neg":
		return apply1(func(a T) T { return -a })
	case "Eq":
		return apply2(func(a, b T) bool { return a == b })
	case "Ne":
		return apply2(func(a, b T) bool { return a != b })
	case "Lt":
		return apply2(func(a, b T) bool { return a < b })
	case "Le":
		return apply2(func(a, b T) bool { return a <= b })
	case "Gt":
		return apply2(func(a, b T) bool { return a > b })
	case "Ge":
		return apply2(func(a, b T) bool { return a >= b })
	case "Sign":
		return apply1(func(a T) T {
			if a > 0 {
				return 1
			} else if a < 0 {
				var one T = 1
				return -one
			}
			return a
		})
	}
	return nil
}

func (e floats[T]) elementwise(name string) passFunc {
	less := func(a, b T) bool { return totalKey(float64(a)) < totalKey(float64(b)) }
	one := map[string]func(float64) float64{
		"Abs": math.Abs, "Ceil": math.Ceil, "Floor": math.Floor, "Round": math.RoundToEven, "Cos": math.Cos, "Sin": math.Sin,
		"Erf": math.Erf, "Exp": math.Exp, "Expm1": math.Expm1, "Log": math.Log, "Log1p": math.Log1p, "Sqrt": math.Sqrt,
		"Tanh":     math.Tanh,
		"Rsqrt":    func(x float64) float64 { return 1 / math.Sqrt(x) },
		"Logistic": func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	}
	if f := one[name]; f != nil {
		return apply1(func(a T) T { return T(f(float64(a))) })
	}
	two := map[string]func(a, b float64) float64{"Pow": math.Pow, "Rem": math.Mod, "Atan2": math.Atan2}
	if f := two[name]; f != nil {
		return apply2(func(a, b T) T { return T(f(float64(a), float64(b))) })
	}
	switch name {
	case "Div":
		return apply2(func(a, b T) T { return a / b })
	case "IsFinite":
		return apply1(func(a T) bool { return a-a == 0 })
	case "IsNaN":
		return apply1(func(a T) bool { return a != a })
	case "EqTotal":
		return apply2(func(a, b T) bool { return !less(a, b) && !less(b, a) })
	case "NeTotal":
		return apply2(func(a, b T) bool { return less(a, b) || less(b, a) })
	case "LtTotal":
		return apply2(less)
	case "LeTotal":
		return apply2(func(a, b T) bool { return !less(b, a) })
	case "GtTotal":
		return apply2(func(a, b T) bool { return less(b, a) })
	case "GeTotal":
		return apply2(func(a, b T) bool { return !less(a, b) })
	}
	return e.numbers.elementwise(name)
}

func (e integers[T, U]) elementwise(name string) passFunc {
	width := T(unsafe.Sizeof(T(0)) * 8)
	switch name {
	case "Abs":
		return apply1(func(a T) T { return max(a, -a*T(truth(e.lowest != 0))) })
	case "Div":
		return apply2(func(a, b T) T {
			if b == 0 { // as XLA on integers: all bits set
				return ^T(0)
			}
			return a / b
		})
	case "Rem":
		return apply2(func(a, b T) T {
			if b == 0 {
				return a
			}
			return a % b
		})
	case "Pow":
		return apply2(func(a, b T) T {
			out := T(1)
			for ; b > 0; b-- {
				out *= a
			}
			return out
		})
	case "BitAnd":
		return apply2(func(a, b T) T { return a & b })
	case "BitOr":
		return apply2(func(a, b T) T { return a | b })
	case "BitXor":
		return apply2(func(a, b T) T { return a ^ b })
	case "BitNot":
		return apply1(func(a T) T { return ^a })
	case "BitCount":
		return apply1(func(a T) T { return T(bits.OnesCount64(uint64(U(a)))) })
	case "Clz":
		return apply1(func(a T) T { return T(bits.LeadingZeros64(uint64(U(a)))) - 64 + width })
	case "Shl":
		return apply2(func(a, b T) T { return a << uint64(b) })
	case "Sra":
		return apply2(func(a, b T) T { return a >> uint64(b) })
	case "Srl":
		return apply2(func(a, b T) T { return T(U(a) >> uint64(b)) })
	}
	return e.numbers.elementwise(name)
}

// converter returns the function that converts elements, or nil.
func converter(from, to dtypes.DType) passFunc {
	switch from {
	case dtypes.Bool:
		return convertFrom(to, func(v bool) float64 { return float64(truth(v)) },
			func(v bool) int64 { return int64(truth(v)) })
	case dtypes.BFloat16:
		return convertFrom(to, func(v bfloat16.BFloat16) float64 { return float64(v.Float32()) },
			func(v bfloat16.BFloat16) int64 { return int64(v.Float32()) })
	case dtypes.Float16:
		return convertFrom(to, func(v float16.Float16) float64 { return float64(v.Float32()) },
			func(v float16.Float16) int64 { return int64(v.Float32()) })
	case dtypes.Float32:
		if to == dtypes.BFloat16 {
			return func(dst, a, _ unsafe.Pointer, n int) {
				kernels.tile["ToBF16V"](&tileArgs{dst: dst, a: a, n: n, rows: 1})
			}
		}
	}
	if e := elements[from]; e != nil {
		return e.convert(to)
	}
	return nil
}

func (numbers[T]) convert(to dtypes.DType) passFunc {
	return convertFrom(to, func(v T) float64 { return float64(v) }, func(v T) int64 { return int64(v) })
}

// convertFrom converts by way of float64 to floats and of int64 to integers, which is exact up to the target's own
// precision and range (uint64 above 2⁶³ wraps through int64 and back).
func convertFrom[T comparable](to dtypes.DType, asFloat func(T) float64, asInt func(T) int64) passFunc {
	switch to {
	case dtypes.Bool:
		return apply1(func(v T) bool { return asFloat(v) != 0 })
	case dtypes.BFloat16:
		return apply1(func(v T) bfloat16.BFloat16 { return bfloat16.FromFloat32(float32(asFloat(v))) })
	case dtypes.Float16:
		return apply1(func(v T) float16.Float16 { return float16.FromFloat32(float32(asFloat(v))) })
	case dtypes.Float32:
		return apply1(func(v T) float32 { return float32(asFloat(v)) })
	case dtypes.Float64:
		return apply1(asFloat)
	case dtypes.Int8:
		return apply1(func(v T) int8 { return int8(asInt(v)) })
	case dtypes.Int16:
		return apply1(func(v T) int16 { return int16(asInt(v)) })
	case dtypes.Int32:
		return apply1(func(v T) int32 { return int32(asInt(v)) })
	case dtypes.Int64:
		return apply1(asInt)
	case dtypes.Uint8:
		return apply1(func(v T) uint8 { return uint8(asInt(v)) })
	case dtypes.Uint16:
		return apply1(func(v T) uint16 { return uint16(asInt(v)) })
	case dtypes.Uint32:
		return apply1(func(v T) uint32 { return uint32(asInt(v)) })
	case dtypes.Uint64:
		return apply1(func(v T) uint64 { return uint64(asInt(v)) })
	}
	return nil
}

// rng schedules RNGBitGenerator: output 0 is the state after, output 1 the bits.
func (l *lowerer) rng(n *node) (view, error) {
	state := l.dense(l.in(n, 0))
	size := n.attr.(int)
	return l.emit("RNGBitGenerator", n.shape, []view{state}, func(x *execution, out *value) {
		words := data[uint64](x, state)
		pcg := rand.NewPCG(words[0], words[1])
		if n.output == 1 {
			dst := x.bytes(out)
			var word [8]byte
			for len(dst) > 0 {
				binary.LittleEndian.PutUint64(word[:], pcg.Uint64())
				dst = dst[copy(dst, word[:]):]
			}
			return
		}
		for range (size + 7) / 8 {
			pcg.Uint64()
		}
		next := result[uint64](x, out)
		copy(next, words)
		// MarshalBinary gives "pcg:" and the two words, big-endian; the stock backend reads them as little-endian, and so
		// do we, to continue its streams.
		text, _ := pcg.MarshalBinary() // cannot fail
		next[0], next[1] = binary.LittleEndian.Uint64(text[4:]), binary.LittleEndian.Uint64(text[12:])
	}), nil
}
