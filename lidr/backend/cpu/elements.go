package cpu

import (
	"math"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}
type float interface{ float32 | float64 }
type number interface{ integer | float }

// element holds the plain Go kernels for one element type.
type element interface {
	elementwise(name string) passFunc
	convert(to dtypes.DType) passFunc
	reduce(op compute.OpType) reduceFunc
	arg(isMin bool) func(src unsafe.Pointer, off, stride, n int) int
	combine(op compute.OpType) combiner
	dot(m, n, k int, a, b, c matrix)
}

// passFunc computes n elements of dst from those of a and, for two operands, b.
type passFunc func(dst, a, b unsafe.Pointer, n int)

// elements has the element types of computations; bool and half precision have only a few operations of their own.
var elements = map[dtypes.DType]element{
	dtypes.Float32: floats[float32]{numbers[float32]{float32(math.Inf(-1)), float32(math.Inf(1))}},
	dtypes.Float64: floats[float64]{numbers[float64]{math.Inf(-1), math.Inf(1)}},
	dtypes.Int8:    integers[int8, uint8]{numbers[int8]{math.MinInt8, math.MaxInt8}},
	dtypes.Int16:   integers[int16, uint16]{numbers[int16]{math.MinInt16, math.MaxInt16}},
	dtypes.Int32:   integers[int32, uint32]{numbers[int32]{math.MinInt32, math.MaxInt32}},
	dtypes.Int64:   integers[int64, uint64]{numbers[int64]{math.MinInt64, math.MaxInt64}},
	dtypes.Uint8:   integers[uint8, uint8]{numbers[uint8]{0, math.MaxUint8}},
	dtypes.Uint16:  integers[uint16, uint16]{numbers[uint16]{0, math.MaxUint16}},
	dtypes.Uint32:  integers[uint32, uint32]{numbers[uint32]{0, math.MaxUint32}},
	dtypes.Uint64:  integers[uint64, uint64]{numbers[uint64]{0, math.MaxUint64}},
}

// numbers has the operations of all element types; lowest and highest are the neutral elements of maximum and minimum.
type numbers[T number] struct{ lowest, highest T }

type floats[T float] struct{ numbers[T] }

// integers: U is T's unsigned counterpart.
type integers[T, U integer] struct{ numbers[T] }
