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
	p.value(b.T, b.value(), 0, true)
}

type printer struct {
	fmt.State
	verb rune
	m    *Machine
}

// native lets package fmt write a value by the same verb.
func (p printer) native(x any) { fmt.Fprintf(p.State, fmt.FormatString(p.State, p.verb), x) }

func (p printer) text(s string) { io.WriteString(p.State, s) }

// value writes one value. reachable tells whether package fmt would look for its methods, as it does unless a field on
// the way is not exported.
func (p printer) value(t *Type, v reflect.Value, depth int, reachable bool) {
	if types.IsInterface(t.T) {
		p.held(v.Interface(), depth, reachable)
		return
	}
	if !t.Script && reachable {
		p.native(v.Interface())
		return
	}
	if !t.Script && !holdsInterfaces(t.T) {
		p.hidden(v)
		return
	}
	if reachable && p.methods(t, v) {
		return
	}
	sharp := p.Flag('#') && p.verb == 'v'
	switch u := t.T.Underlying().(type) {
	case *types.Struct:
		p.structure(t, u, v, depth, reachable, sharp)
	case *types.Map:
		p.mapping(t, u, v, depth, reachable, sharp)
	case *types.Slice:
		p.sequence(t, u.Elem(), t.see(v), depth, reachable, sharp)
	case *types.Array:
		p.sequence(t, u.Elem(), v, depth, reachable, sharp)
	case *types.Pointer:
		p.pointer(t, u, v, depth, reachable, sharp)
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

// bad writes a value whose kind has no such verb.
func (p printer) bad(t *Type, x any) { p.text(fmt.Sprintf("%%!%c(%s=%v)", p.verb, t, x)) }

// holdsInterfaces tells whether a type without a name is one of interfaces, which may hold values of the script.
func holdsInterfaces(t types.Type) bool {
	switch u := types.Unalias(t).(type) {
	case *types.Slice:
		return holdsInterfaces(u.Elem())
	case *types.Array:
		return holdsInterfaces(u.Elem())
	case *types.Map:
		return holdsInterfaces(u.Key()) || holdsInterfaces(u.Elem())
	}
	return types.IsInterface(t)
}

// hidden writes a value of the host in a field that is not exported, of which package fmt calls no methods.
func (p printer) hidden(v reflect.Value) {
	field := reflect.StructField{Name: "x", PkgPath: "main", Type: v.Type()}
	around := reflect.New(reflect.StructOf([]reflect.StructField{field})).Elem()
	reflect.NewAt(v.Type(), around.Addr().UnsafePointer()).Elem().Set(v)
	text := fmt.Sprintf(fmt.FormatString(p.State, p.verb), around.Interface())
	before := "{"
	if p.Flag('+') || p.Flag('#') {
		before = "{x:"
	}
	p.text(text[strings.Index(text, before)+len(before) : strings.LastIndex(text, "}")])
}

func (p printer) held(x any, depth int, reachable bool) {
	switch box := p.m.Normal(x).(type) {
	case nil:
		if p.Flag('#') && p.verb == 'v' {
			p.text("interface {}(nil)")
			return
		}
		p.text("<nil>")
	case Box:
		p.value(box.T, box.value(), depth+1, reachable)
	default:
		p.value(p.m.dynamic(box), reflect.ValueOf(box), depth+1, reachable)
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

func (p printer) structure(t *Type, u *types.Struct, v reflect.Value, depth int, reachable, sharp bool) {
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
		if p.Flag('+') || sharp {
			p.text(field.Name() + ":")
		}
		p.value(p.m.Type(field.Type()), v.Field(i), depth+1, reachable && field.Exported())
	}
	p.text("}")
}

func (p printer) mapping(t *Type, u *types.Map, v reflect.Value, depth int, reachable, sharp bool) {
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
		p.value(p.m.Type(u.Key()), key, depth+1, reachable)
		p.text(":")
		p.value(p.m.Type(u.Elem()), v.MapIndex(key), depth+1, reachable)
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
	}
	switch x.Kind() {
	case reflect.String:
		return x.String() < y.String()
	case reflect.Bool:
		return !x.Bool() && y.Bool()
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

func (p printer) sequence(t *Type, elem types.Type, v reflect.Value, depth int, reachable, sharp bool) {
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
		p.value(p.m.Type(elem), v.Index(i), depth+1, reachable)
	}
	p.text(right)
}

func (p printer) pointer(t *Type, u *types.Pointer, v reflect.Value, depth int, reachable, sharp bool) {
	v = t.see(v)
	if depth == 0 && !v.IsNil() && p.verb != 'p' {
		switch u.Elem().Underlying().(type) {
		case *types.Struct, *types.Map, *types.Slice, *types.Array:
			p.text("&")
			p.value(p.m.Type(u.Elem()), v.Elem(), depth+1, reachable)
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
