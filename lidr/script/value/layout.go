package value

import (
	"fmt"
	"go/types"
	"reflect"
	"strconv"
	"unsafe"
)

// A type that contains itself has no type of package reflect. Where the circle closes, at a pointer, a map, a channel,
// a function or a slice, memory holds the same bits without a type; see Type.Whole.
type (
	opaque = unsafe.Pointer
	//lint:ignore U1000 the memory of a slice; without names, reflection would take every such value for zero
	opaqueSlice struct {
		_        [0]func() // not comparable
		data     unsafe.Pointer
		len, cap int
	}
)

// recursive tells whether a value of t reaches another one of type t.
func (m *Machine) recursive(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Slice, *types.Map, *types.Chan, *types.Signature:
	default:
		return false
	}
	if !m.mentions(t, map[types.Type]bool{}) {
		return false
	}
	target := t.Underlying()
	seen := map[types.Type]bool{}
	found := false
	var visit func(types.Type)
	visit = func(part types.Type) {
		part = types.Unalias(part)
		if found || seen[part] {
			return
		}
		seen[part] = true
		if types.Identical(part.Underlying(), target) {
			found = true
			return
		}
		m.components(part, visit)
	}
	m.components(t, visit)
	return found
}

func (m *Machine) layout(t types.Type) reflect.Type {
	if named, ok := t.(*types.Named); ok {
		if known := m.Host.Reflect(named.Obj()); known != nil {
			return known
		}
		if named.Obj().Pkg() == nil && named.Obj().Name() == "error" {
			return errorType
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return basicTypes[u.Kind()]
	case *types.Pointer:
		return reflect.PointerTo(m.typeOf(u.Elem()).Layout)
	case *types.Slice:
		return reflect.SliceOf(m.typeOf(u.Elem()).Layout)
	case *types.Array:
		return reflect.ArrayOf(int(u.Len()), m.typeOf(u.Elem()).Layout)
	case *types.Map:
		return reflect.MapOf(m.typeOf(u.Key()).Layout, m.typeOf(u.Elem()).Layout)
	case *types.Chan:
		direction := map[types.ChanDir]reflect.ChanDir{
			types.SendRecv: reflect.BothDir, types.SendOnly: reflect.SendDir, types.RecvOnly: reflect.RecvDir,
		}[u.Dir()]
		return reflect.ChanOf(direction, m.typeOf(u.Elem()).Layout)
	case *types.Signature:
		return reflect.FuncOf(m.tuple(u.Params()), m.tuple(u.Results()), u.Variadic())
	case *types.Interface:
		return anyType
	case *types.Struct:
		var fields []reflect.StructField
		for i := range u.NumFields() {
			field := u.Field(i)
			fields = append(fields, reflect.StructField{
				Name: FieldName(field, i), Type: m.typeOf(field.Type()).Layout, Tag: reflect.StructTag(u.Tag(i)),
			})
		}
		return reflect.StructOf(fields)
	}
	panic(fmt.Sprintf("no layout for %s", t))
}

// FieldName is the name of a field in the layout of its struct, which the interpreter must be able to reach.
func FieldName(field *types.Var, i int) string {
	switch {
	case field.Name() == "_":
		return "X_" + strconv.Itoa(i)
	case field.Exported():
		return field.Name()
	}
	return "X_" + field.Name()
}

func (m *Machine) tuple(t *types.Tuple) []reflect.Type {
	var list []reflect.Type
	for i := range t.Len() {
		list = append(list, m.typeOf(t.At(i).Type()).Layout)
	}
	return list
}

var basicTypes = map[types.BasicKind]reflect.Type{
	types.Bool: reflect.TypeFor[bool](), types.String: reflect.TypeFor[string](), types.Int: reflect.TypeFor[int](),
	types.Int8: reflect.TypeFor[int8](), types.Int16: reflect.TypeFor[int16](), types.Int32: reflect.TypeFor[int32](),
	types.Int64: reflect.TypeFor[int64](), types.Uint: reflect.TypeFor[uint](), types.Uint8: reflect.TypeFor[uint8](),
	types.Uint16: reflect.TypeFor[uint16](), types.Uint32: reflect.TypeFor[uint32](),
	types.Uint64: reflect.TypeFor[uint64](), types.Uintptr: reflect.TypeFor[uintptr](),
	types.Float32: reflect.TypeFor[float32](), types.Float64: reflect.TypeFor[float64](),
	types.Complex64: reflect.TypeFor[complex64](), types.Complex128: reflect.TypeFor[complex128](),
	types.UntypedBool: reflect.TypeFor[bool](), types.UntypedInt: reflect.TypeFor[int](),
	types.UntypedRune: reflect.TypeFor[rune](), types.UntypedFloat: reflect.TypeFor[float64](),
	types.UntypedComplex: reflect.TypeFor[complex128](), types.UntypedString: reflect.TypeFor[string](),
	types.UntypedNil: anyType, types.UnsafePointer: reflect.TypeFor[unsafe.Pointer](),
}

// Opaque tells whether the layout says nothing of what the value holds.
func (t *Type) Opaque() bool { return t.whole != t.Layout }

// Whole is the layout or, where that is opaque, the type of the same memory one step further.
func (t *Type) Whole() reflect.Type {
	m := t.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.whole == nil {
		t.whole = m.layout(t.T.Underlying())
	}
	return t.whole
}

// see returns a value of the layout as one of type Whole, and hide does the reverse.
func (t *Type) see(v reflect.Value) reflect.Value { return recast(v, t.Whole()) }

func (t *Type) hide(v reflect.Value) reflect.Value { return recast(v, t.Layout) }

// recast reads the memory of a value as another type of the same memory.
func recast(v reflect.Value, to reflect.Type) reflect.Value {
	if v.Type() == to {
		return v
	}
	memory := reflect.New(v.Type())
	memory.Elem().Set(v)
	return reflect.NewAt(to, memory.UnsafePointer()).Elem()
}

// Hide is hide for other packages.
func (t *Type) Hide(v reflect.Value) reflect.Value { return t.hide(v) }
