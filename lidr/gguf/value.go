package gguf

// Magic is what a GGUF file begins with.
const Magic = "GGUF"

// Types of values in the metadata (enum gguf_metadata_value_type).
const (
	typeUint8   = uint32(0)
	typeInt8    = uint32(1)
	typeUint16  = uint32(2)
	typeInt16   = uint32(3)
	typeUint32  = uint32(4)
	typeInt32   = uint32(5)
	typeFloat32 = uint32(6)
	typeBool    = uint32(7)
	typeString  = uint32(8)
	typeArray   = uint32(9)
	typeUint64  = uint32(10)
	typeInt64   = uint32(11)
	typeFloat64 = uint32(12)
)

// sizes are the bytes of a value; strings and arrays have none of their own.
var sizes = map[uint32]int{
	typeUint8: 1, typeInt8: 1, typeUint16: 2, typeInt16: 2, typeUint32: 4, typeInt32: 4, typeFloat32: 4, typeBool: 1,
	typeUint64: 8, typeInt64: 8, typeFloat64: 8,
}
