package value

import (
	"fmt"
	"go/token"
	"reflect"
	"strings"
)

// NilPointer, OutOfRange and DivideByZero are the panics of statements that the interpreter executes.
func NilPointer(at int) { fail(at, nilPointer) }

func OutOfRange(at, i, length int) { checkIndex(at, i, length, false) }

func OutOfRangeUnsigned(at, i, length int) { checkIndex(at, i, length, true) }

func DivideByZero(at int) { fail(at, "runtime error: integer divide by zero") }

// Byte is s[i] of a string.
func Byte(at int, s string, i int) byte {
	checkIndex(at, i, len(s), false)
	return s[i]
}

// CheckNil panics at a nil pointer of an opaque type.
func (m *Machine) CheckNil(t *Type) reflect.Value {
	return makeFunc([]reflect.Type{intType, t.Layout}, nil, func(in []reflect.Value) []reflect.Value {
		if t.see(in[1]).IsNil() {
			fail(int(in[0].Int()), nilPointer)
		}
		return nil
	})
}

// ToInt makes an index of another type an int of the same bits.
func (m *Machine) ToInt(t *Type) reflect.Value {
	return makeFunc(list(t), []reflect.Type{intType}, func(in []reflect.Value) []reflect.Value {
		if in[0].CanInt() {
			return one(reflect.ValueOf(int(in[0].Int())))
		}
		return one(reflect.ValueOf(int(in[0].Uint())))
	})
}

// SameChannel is x == y of channels whose types differ in direction.
func (m *Machine) SameChannel(x, y *Type) reflect.Value {
	return makeFunc([]reflect.Type{x.Layout, y.Layout}, []reflect.Type{boolType},
		func(in []reflect.Value) []reflect.Value {
			return one(reflect.ValueOf(x.see(in[0]).Pointer() == y.see(in[1]).Pointer()))
		})
}

// Present lets a nil interface panic, whose method is deferred or called in a goroutine.
func (m *Machine) Present(of *Type) reflect.Value {
	return makeFunc([]reflect.Type{intType, of.Layout}, nil, func(in []reflect.Value) []reflect.Value {
		if in[1].IsNil() {
			fail(int(in[0].Int()), nilPointer)
		}
		return nil
	})
}

// PanicWrap is the panic of a method of T that was called by a nil pointer to T.
func PanicWrap(at int, typeName, method string) {
	fail(at, Error("value method "+typeName+"."+method+" called using nil *"+typeName[strings.LastIndex(typeName,
		".")+1:]+" pointer"))
}

// Result tells a frame where a named result of its function is.
func (m *Machine) Result(pointer *Type) reflect.Value {
	in := []reflect.Type{reflect.TypeFor[*Frame](), intType, pointer.Layout}
	return makeFunc(in, nil, func(in []reflect.Value) []reflect.Value {
		frame := in[0].Interface().(*Frame)
		i := int(in[1].Int())
		for len(frame.results) <= i {
			frame.results = append(frame.results, reflect.Value{})
		}
		frame.results[i] = keep(in[2:])[0]
		return nil
	})
}

// Arithmetic is an operation, or a comparison in order, on numbers or strings of a named type of the host.
func (m *Machine) Arithmetic(op token.Token, of, to *Type) reflect.Value {
	in := []reflect.Type{of.Layout, of.Layout}
	return makeFunc(in, list(to), func(in []reflect.Value) []reflect.Value {
		x := in[0]
		y := in[1]
		v := reflect.New(to.Layout).Elem()
		switch {
		case v.Kind() == reflect.Bool:
			v.SetBool(ordered(op, x, y))
		case x.Kind() == reflect.String:
			v.SetString(x.String() + y.String())
		case x.CanInt():
			v.SetInt(integers(op, x.Int(), y.Int()))
		case x.CanUint():
			v.SetUint(integers(op, x.Uint(), y.Uint()))
		default:
			v.SetFloat(floats(op, x.Float(), y.Float()))
		}
		return one(v)
	})
}

func ordered(op token.Token, x, y reflect.Value) bool {
	switch {
	case x.CanInt():
		return compared(op, x.Int(), y.Int())
	case x.CanUint():
		return compared(op, x.Uint(), y.Uint())
	case x.CanFloat():
		return compared(op, x.Float(), y.Float())
	}
	return compared(op, x.String(), y.String())
}

func compared[T int64 | uint64 | float64 | string](op token.Token, x, y T) bool {
	switch op {
	case token.LSS:
		return x < y
	case token.LEQ:
		return x <= y
	case token.GTR:
		return x > y
	}
	return x >= y
}

func integers[T int64 | uint64](op token.Token, x, y T) T {
	switch op {
	case token.ADD:
		return x + y
	case token.SUB:
		return x - y
	case token.MUL:
		return x * y
	case token.QUO:
		return x / y
	case token.REM:
		return x % y
	case token.AND:
		return x & y
	case token.OR:
		return x | y
	case token.XOR:
		return x ^ y
	case token.AND_NOT:
		return x &^ y
	}
	panic(fmt.Sprintf("operator %s", op))
}

func floats(op token.Token, x, y float64) float64 {
	switch op {
	case token.ADD:
		return x + y
	case token.SUB:
		return x - y
	case token.MUL:
		return x * y
	}
	return x / y
}

// Unary is -x, ^x or !x of a named type of the host, or a complex number.
func (m *Machine) Unary(op token.Token, of *Type) reflect.Value {
	return makeFunc(list(of), list(of), func(in []reflect.Value) []reflect.Value {
		x := in[0]
		v := reflect.New(of.Layout).Elem()
		switch {
		case x.Kind() == reflect.Bool:
			v.SetBool(!x.Bool())
		case x.CanComplex():
			v.SetComplex(-x.Complex())
		case x.CanFloat():
			v.SetFloat(-x.Float())
		case x.CanInt() && op == token.SUB:
			v.SetInt(-x.Int())
		case x.CanInt():
			v.SetInt(^x.Int())
		case op == token.SUB:
			v.SetUint(-x.Uint())
		default:
			v.SetUint(^x.Uint())
		}
		return one(v)
	})
}

// ByNumber is the function with a number.
func (m *Machine) ByNumber(number int, in, out []reflect.Type) reflect.Value {
	return makeFunc(in, out, func(args []reflect.Value) []reflect.Value { return m.Functions[number].Call(args) })
}
