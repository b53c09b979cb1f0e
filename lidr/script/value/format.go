package value

import (
	"fmt"
	"go/types"
	"io"
	"reflect"
	"sort"
	"strings"
)

// Format writes the value as package fmt writes the compiled program's, with the methods String, Error and Format of
// the script's types.
func (b Box) Format(s fmt.State, verb rune) {
	p := printer{s, verb, b.T.machine}
	p.value(b.T, b.value(), 0, open)
}

type printer struct {
	fmt.State
	verb rune
	m    *Machine
}

// native lets package fmt write a value by the same verb.
func (p printer) native(x any) { fmt.Fprintf(p.State, fmt.FormatString(p.State, p.verb), x) }

func (p printer) text(s string) { io.WriteString(p.State, s) }

// reach tells whether package fmt would look for the methods of a value, as it does unless a field on the way is not
// exported.
type reach int

const (
	open     reach = iota
	embedded       // not of the value, but of its exported fields
	closed
)

// field is the reach of a field of a struct.
func (r reach) field(exported, anonymous bool) reach {
	switch {
	case r == closed, !exported && !anonymous:
		return closed
	case exported:
		return open
	}
	return embedded
}

// element is the reach of what a value other than a struct holds.
func (r reach) element() reach {
	if r == embedded {
		return closed
	}
	return r
}

// value writes one value, which is so deep within the operand.
func (p printer) value(t *Type, v reflect.Value, depth int, r reach) {
	if types.IsInterface(t.T) {
		p.held(v.Interface(), t.String(), depth, r)
		return
	}
	if !t.Script {
		p.host(v, depth, r)
		return
	}
	if r == open && p.methods(t, v) {
		return
	}
	sharp := p.Flag('#') && p.verb == 'v'
	switch u := t.T.Underlying().(type) {
	case *types.Struct:
		p.structure(t, u, v, depth, r, sharp)
	case *types.Map:
		p.mapping(t, u, v, depth, r.element(), sharp)
	case *types.Slice:
		p.sequence(t, u.Elem(), t.see(v), depth, r.element(), sharp)
	case *types.Array:
		p.sequence(t, u.Elem(), v, depth, r.element(), sharp)
	case *types.Pointer:
		p.pointer(t, u, v, depth, r, sharp)
	case *types.Basic:
		if !strings.ContainsRune(verbs[basicKind(u)], p.verb) {
			p.bad(t, v.Interface())
			return
		}
		p.native(v.Interface())
	default:
		if sharp {
			p.text("(" + t.String() + ")(")
			if t.see(v).IsNil() {
				p.text("nil)")
			} else {
				fmt.Fprintf(p.State, "%#x)", t.see(v).Pointer())
			}
			return
		}
		if !strings.ContainsRune(verbs[0], p.verb) {
			p.bad(t, t.see(v).Interface())
			return
		}
		p.native(t.see(v).Interface())
	}
}

// verbs are those by which package fmt writes values of a kind; of others it writes the type.
var verbs = map[types.BasicInfo]string{
	types.IsBoolean: "tv", types.IsInteger: "vdboOxXcqU", types.IsFloat: "vbgGxXfFeE", types.IsComplex: "vbgGxXfFeE",
	types.IsString: "vsxXq", 0: "vpbodxX",
}

func basicKind(b *types.Basic) types.BasicInfo {
	return b.Info() & (types.IsBoolean | types.IsInteger | types.IsFloat | types.IsComplex | types.IsString)
}

// bad writes a value whose kind has no such verb: by its usual one, and with the flags.
func (p printer) bad(t *Type, x any) {
	p.text(fmt.Sprintf("%%!%c(%s=", p.verb, t))
	usual := 'v'
	switch v := reflect.ValueOf(x); { // of %+v, the sign is not meant
	case v.CanInt() || v.CanUint():
		usual = 'd'
	case v.CanFloat() || v.CanComplex():
		usual = 'g'
	}
	format := strings.ReplaceAll(fmt.FormatString(p.State, usual), "#", "")
	fmt.Fprintf(p.State, format, x)
	p.text(")")
}

// held writes what an interface of a type holds.
func (p printer) held(x any, of string, depth int, r reach) {
	switch box := p.m.Normal(x).(type) {
	case nil:
		if p.Flag('#') && p.verb == 'v' {
			p.text(of + "(nil)")
			return
		}
		p.text("<nil>")
	case Box:
		p.value(box.T, box.value(), depth+1, r.element())
	default:
		p.host(reflect.ValueOf(box), depth+1, r.element())
	}
}

// methods lets the value write itself, and tells whether it did.
func (p printer) methods(t *Type, v reflect.Value) (done bool) {
	box := Box{t, v.Interface()}
	if t.has("Format", 2, 0) {
		state := reflect.New(reflect.TypeFor[fmt.State]()).Elem()
		state.Set(reflect.ValueOf(p.State))
		box.call("Format", state, reflect.ValueOf(p.verb))
		return true
	}
	method := ""
	switch {
	case p.verb == 'v' && p.Flag('#'):
		if !t.has("GoString", 0, 1) {
			return false
		}
		method = "GoString"
	case !strings.ContainsRune("vsxXq", p.verb):
		return false
	case t.has("Error", 0, 1):
		method = "Error"
	case t.has("String", 0, 1):
		method = "String"
	default:
		return false
	}
	defer func() {
		if r := recover(); r != nil {
			done = true
			if _, ok := t.T.Underlying().(*types.Pointer); ok && t.see(v).IsNil() {
				p.text("<nil>")
				return
			}
			p.m.Trace.Take()
			p.m.At.Store(0)
			if thrown, ok := r.(Thrown); ok {
				r = thrown.Value
			}
			fmt.Fprintf(p.State, "%%!%c(PANIC=%s method: %v)", p.verb, method, r)
		}
	}()
	text := box.call(method)[0]
	if text.Kind() != reflect.String {
		return false
	}
	if method == "GoString" {
		p.text(text.String())
		return true
	}
	p.native(text.String())
	return true
}

func (p printer) structure(t *Type, u *types.Struct, v reflect.Value, depth int, r reach, sharp bool) {
	if sharp {
		p.text(t.String())
	}
	p.text("{")
	for i := range u.NumFields() {
		field := u.Field(i)
		if i > 0 {
			if sharp {
				p.text(",")
			}
			p.text(" ")
		}
		if p.namesFields() {
			p.text(field.Name() + ":")
		}
		p.value(p.m.Type(field.Type()), v.Field(i), depth+1, r.field(field.Exported(), field.Embedded()))
	}
	p.text("}")
}

func (p printer) mapping(t *Type, u *types.Map, v reflect.Value, depth int, r reach, sharp bool) {
	v = t.see(v)
	if sharp {
		p.text(t.String())
		if v.IsNil() {
			p.text("(nil)")
			return
		}
		p.text("{")
	} else {
		p.text("map[")
	}
	keys := v.MapKeys()
	sort.SliceStable(keys, func(i, j int) bool { return before(keys[i], keys[j]) })
	for i, key := range keys {
		if i > 0 {
			if sharp {
				p.text(",")
			}
			p.text(" ")
		}
		p.value(p.m.Type(u.Key()), key, depth+1, r)
		p.text(":")
		p.value(p.m.Type(u.Elem()), v.MapIndex(key), depth+1, r)
	}
	if sharp {
		p.text("}")
		return
	}
	p.text("]")
}

// before orders the keys of a map as package fmt does.
func before(x, y reflect.Value) bool {
	switch {
	case x.CanInt():
		return x.Int() < y.Int()
	case x.CanUint():
		return x.Uint() < y.Uint()
	case x.CanFloat():
		return x.Float() < y.Float() || x.Float() != x.Float() && y.Float() == y.Float()
	case x.CanComplex():
		a, b := x.Complex(), y.Complex()
		return real(a) < real(b) || real(a) == real(b) && imag(a) < imag(b)
	}
	switch x.Kind() {
	case reflect.String:
		return x.String() < y.String()
	case reflect.Bool:
		return !x.Bool() && y.Bool()
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return x.Pointer() < y.Pointer()
	case reflect.Struct:
		for i := range x.NumField() {
			if before(x.Field(i), y.Field(i)) || before(y.Field(i), x.Field(i)) {
				return before(x.Field(i), y.Field(i))
			}
		}
	case reflect.Array:
		for i := range x.Len() {
			if before(x.Index(i), y.Index(i)) || before(y.Index(i), x.Index(i)) {
				return before(x.Index(i), y.Index(i))
			}
		}
	case reflect.Interface:
		if x.IsNil() || y.IsNil() {
			return x.IsNil() && !y.IsNil()
		}
		if box, ok := x.Interface().(Box); ok {
			if other, ok := y.Interface().(Box); ok && box.T == other.T {
				return before(box.value(), other.value())
			}
			return false
		}
		return x.Elem().Type() == y.Elem().Type() && before(x.Elem(), y.Elem())
	}
	return false
}

func (p printer) sequence(t *Type, elem types.Type, v reflect.Value, depth int, r reach, sharp bool) {
	if basic, ok := elem.Underlying().(*types.Basic); ok && basic.Kind() == types.Uint8 && !sharp &&
		strings.ContainsRune("sqxX", p.verb) {
		bytes := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(bytes), v)
		p.native(bytes)
		return
	}
	left, separator, right := "[", " ", "]"
	if sharp {
		if v.Kind() == reflect.Slice && v.IsNil() {
			p.text(t.String() + "(nil)")
			return
		}
		left, separator, right = t.String()+"{", ", ", "}"
	}
	p.text(left)
	for i := range v.Len() {
		if i > 0 {
			p.text(separator)
		}
		p.value(p.m.Type(elem), v.Index(i), depth+1, r)
	}
	p.text(right)
}

func (p printer) pointer(t *Type, u *types.Pointer, v reflect.Value, depth int, r reach, sharp bool) {
	v = t.see(v)
	if depth == 0 && !v.IsNil() && p.verb != 'p' {
		switch u.Elem().Underlying().(type) {
		case *types.Struct, *types.Map, *types.Slice, *types.Array:
			p.text("&")
			p.value(p.m.Type(u.Elem()), v.Elem(), depth+1, r)
			return
		}
	}
	if sharp {
		if v.IsNil() {
			p.text("(" + t.String() + ")(nil)")
		} else {
			fmt.Fprintf(p.State, "(%s)(%#x)", t, v.Pointer())
		}
		return
	}
	var nothing *byte
	if !strings.ContainsRune(verbs[0], p.verb) {
		if v.IsNil() {
			p.bad(t, nothing)
		} else {
			p.bad(t, (*byte)(v.UnsafePointer()))
		}
		return
	}
	if v.IsNil() {
		p.native(nothing)
		return
	}
	p.native((*byte)(v.UnsafePointer()))
}
