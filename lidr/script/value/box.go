package value

import (
	"fmt"
	"go/types"
	"reflect"
	"regexp"
	"strings"
)

// Box is a value of a type of the script in an interface. Two compare as the values do in Go: by type and value.
type Box struct {
	T *Type
	V any // of type T.Layout
}

// String is what package context writes of a value, which has the method String or else the name of a type.
func (b Box) String() string {
	if b.T.has("String", 0, 1) {
		return b.call("String")[0].String()
	}
	return b.T.String()
}

// Err is a Box that is an error, so that the host sees it as one wherever an interface holds it.
type Err struct{ Box }

func (e Err) Error() string { return e.call("Error")[0].String() }

// Unwrap, Is and As are what package errors looks for; a type that lacks them answers as if it did.
func (e Err) Unwrap() error {
	if !e.T.has("Unwrap", 0, 1) {
		return nil
	}
	inner, _ := e.call("Unwrap")[0].Interface().(error)
	return inner
}

func (e Err) Is(target error) bool {
	return e.T.has("Is", 1, 1) && e.call("Is", reflect.ValueOf(&target).Elem())[0].Bool()
}

func (e Err) As(target any) bool {
	return e.T.has("As", 1, 1) && e.call("As", reflect.ValueOf(&target).Elem())[0].Bool()
}

// has tells whether the type has a method with so many parameters and results.
func (t *Type) has(name string, in, out int) bool {
	number, ok := t.Methods[name]
	if !ok {
		return false
	}
	signature := t.machine.Functions[number].Type()
	return signature.NumIn() == in+1 && signature.NumOut() == out
}

func (b Box) value() reflect.Value {
	v := reflect.New(b.T.Layout).Elem()
	if b.V != nil {
		v.Set(reflect.ValueOf(b.V))
	}
	return v
}

// call calls a method of the value by its name.
func (b Box) call(name string, arguments ...reflect.Value) []reflect.Value {
	number, ok := b.T.Methods[name]
	if !ok {
		panic(Error("the script's type " + b.T.String() + " has no method " + name))
	}
	return b.T.machine.Functions[number].Call(append([]reflect.Value{b.value()}, arguments...))
}

// String is the type as the run time and %T write it.
func (t *Type) String() string {
	text := types.TypeString(t.T, func(pkg *types.Package) string { return pkg.Name() })
	return runtimeName(text)
}

var anyWord = regexp.MustCompile(`(^|[^\w.])any\b`)

// runtimeName writes a type with the blanks that the run time writes within braces, and any as what it stands for.
func runtimeName(text string) string {
	text = anyWord.ReplaceAllString(text, "${1}interface{}")
	var out strings.Builder
	var open []bool // of each brace, whether something is in it
	for i, c := range text {
		switch c {
		case '{':
			filled := i+1 < len(text) && text[i+1] != '}'
			open = append(open, filled)
			out.WriteString(" {")
			if filled {
				out.WriteByte(' ')
			}
		case '}':
			if n := len(open); n > 0 {
				if open[n-1] {
					out.WriteByte(' ')
				}
				open = open[:n-1]
			}
			out.WriteByte('}')
		default:
			out.WriteRune(c)
		}
	}
	return out.String()
}

// Normal returns what an interface value holds: nil, a Box, or a value of the host.
func (m *Machine) Normal(x any) any {
	switch v := x.(type) {
	case nil, Box:
		return v
	case Err:
		return v.Box
	case logValue:
		return v.Box
	case logText:
		return v.Box
	case logError:
		return v.box
	case foreign:
		return v.x
	}
	if t := reflect.TypeOf(x); t.Kind() == reflect.Struct {
		m.mu.Lock()
		wrapper := m.wrappers[t]
		m.mu.Unlock()
		if wrapper {
			return reflect.ValueOf(x).FieldByName("IValue").Interface()
		}
	}
	return x
}

// dynamic returns the type of a normal value, which is not nil.
func (m *Machine) dynamic(x any) *Type {
	if box, ok := x.(Box); ok {
		return box.T
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.typeOf(m.Host.Type(reflect.TypeOf(x)))
}

// box makes an interface value of a value of type t.
func (m *Machine) box(t *Type, v reflect.Value) any {
	if t.Script {
		return Box{t, v.Interface()}
	}
	return v.Interface()
}

// Held returns what a variable holds as an interface holds it.
func (m *Machine) Held(pointer, of *Type, address reflect.Value) any {
	v := pointer.see(address).Elem()
	if types.IsInterface(of.T) {
		return m.Normal(v.Interface())
	}
	return m.interfaceOf(m.box(of, v), m.Type(types.Universe.Lookup("any").Type())).Interface()
}

// interfaceOf returns a normal value as one of an interface type that its type implements.
func (m *Machine) interfaceOf(x any, to *Type) reflect.Value {
	v := reflect.New(to.Layout).Elem()
	switch box, boxed := x.(Box); {
	case x == nil:
	case !boxed:
		v.Set(reflect.ValueOf(x))
	case to.Layout == errorType, to.Layout == anyType && box.T.has("Error", 0, 1):
		v.Set(reflect.ValueOf(Err{box}))
	case to.Layout == anyType:
		v.Set(reflect.ValueOf(x))
	default:
		v.Set(m.wrap(box, to))
	}
	return v
}

// wrap makes a value of one of the host's interfaces, by the wrapper that was extracted with it.
func (m *Machine) wrap(box Box, to *Type) reflect.Value {
	wrapper := m.Wrapper(to)
	m.mu.Lock()
	m.wrappers[wrapper] = true
	m.mu.Unlock()
	v := reflect.New(wrapper).Elem()
	v.FieldByName("IValue").Set(reflect.ValueOf(box))
	for i := range wrapper.NumField() {
		field := wrapper.Field(i)
		if field.Name == "IValue" {
			continue
		}
		method := field.Name[1:]
		if _, ok := box.T.Methods[method]; !ok {
			continue
		}
		v.Field(i).Set(reflect.MakeFunc(field.Type, func(in []reflect.Value) []reflect.Value {
			return box.call(method, in...)
		}))
	}
	return v
}

// Wrapper returns the type that implements an interface of the host by functions, nil where none was extracted.
func (m *Machine) Wrapper(to *Type) reflect.Type {
	named, ok := types.Unalias(to.T).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return nil
	}
	symbol := m.Host.Symbol(named.Obj().Pkg().Path(), "_"+named.Obj().Name())
	if !symbol.IsValid() {
		return nil
	}
	return symbol.Type().Elem()
}

// Equal is x == y of interface values.
func (m *Machine) Equal(x, y any) bool {
	x = m.Normal(x)
	y = m.Normal(y)
	a, ok := x.(Box)
	if !ok {
		return x == y
	}
	b, ok := y.(Box)
	if !ok || a.T != b.T {
		return false
	}
	if !types.Comparable(a.T.T) {
		panic(Error("runtime error: comparing uncomparable type " + a.T.String()))
	}
	return a.V == b.V
}

// implements tells whether a dynamic type has the methods of an interface.
func (m *Machine) implements(x any, to *Type) bool {
	t := m.dynamic(x)
	m.mu.Lock()
	defer m.mu.Unlock()
	key := [2]*Type{t, to}
	known, ok := m.asserts[key]
	if !ok {
		known = types.Implements(t.T, to.T.Underlying().(*types.Interface))
		m.asserts[key] = known
	}
	return known
}

// Assert is x.(T); the value is T's zero value where it fails.
func (m *Machine) Assert(x any, to *Type) (reflect.Value, bool) {
	x = m.Normal(x)
	zero := reflect.Zero(to.Layout)
	if x == nil {
		return zero, false
	}
	if types.IsInterface(to.T) {
		if !m.implements(x, to) {
			return zero, false
		}
		return m.interfaceOf(x, to), true
	}
	if box, ok := x.(Box); ok {
		if box.T != to {
			return zero, false
		}
		return box.value(), true
	}
	if to.Script || reflect.TypeOf(x) != to.Layout {
		return zero, false
	}
	return reflect.ValueOf(x), true
}

// assertFailed is the panic of x.(T) that failed.
func (m *Machine) assertFailed(x any, from, to *Type) Error {
	x = m.Normal(x)
	if x == nil {
		if types.IsInterface(to.T) {
			return Error(fmt.Sprintf("interface conversion: interface is nil, not %s", to))
		}
		return Error(fmt.Sprintf("interface conversion: %s is nil, not %s", from, to))
	}
	dynamic := m.dynamic(x)
	if !types.IsInterface(to.T) {
		scopes := ""
		if dynamic.String() == to.String() {
			scopes = " (types from different scopes)"
		}
		return Error(fmt.Sprintf("interface conversion: %s is %s, not %s%s", from, dynamic, to, scopes))
	}
	missing, _ := types.MissingMethod(dynamic.T, to.T.Underlying().(*types.Interface), true)
	name := ""
	if missing != nil {
		name = missing.Name()
	}
	return Error(fmt.Sprintf("interface conversion: %s is not %s: missing method %s", dynamic, to, name))
}
