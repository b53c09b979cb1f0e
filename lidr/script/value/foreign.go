package value

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"sync"
)

// foreign is a value of the host that holds values of the script. Package fmt would call a Box there only as far as it
// calls methods, and not tell it how deep it is.
type foreign struct {
	m *Machine
	x any
}

func (f foreign) Format(s fmt.State, verb rune) {
	printer{s, verb, f.m}.host(reflect.ValueOf(f.x), 0, open)
}

// unreached is a value that package fmt writes without calling methods.
type unreached foreign

func (u unreached) Format(s fmt.State, verb rune) {
	p := printer{s, verb, u.m}
	if box, ok := u.m.Normal(u.x).(Box); ok {
		p.value(box.T, box.value(), 0, closed)
		return
	}
	p.host(reflect.ValueOf(u.x), 0, closed)
}

// hides tells whether an operand of package fmt is a value of the host that holds ones of the script.
func (m *Machine) hides(x any) bool {
	if x == nil || m.isBox(reflect.TypeOf(x)) {
		return false
	}
	return m.holds(reflect.ValueOf(x), 0)
}

// isBox tells whether interfaces of the host hold values of the script as this type.
func (m *Machine) isBox(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return t == reflect.TypeFor[Box]() || t == reflect.TypeFor[Err]() || m.wrappers[t]
}

// holds tells whether package fmt would come to a value of the script within one of the host. It follows a pointer
// only at depth 0.
func (m *Machine) holds(v reflect.Value, depth int) bool {
	if !mayHold(v.Type()) {
		return false
	}
	switch v.Kind() {
	case reflect.Interface:
		return !v.IsNil() && (m.isBox(v.Elem().Type()) || m.holds(v.Elem(), depth+1))
	case reflect.Pointer:
		switch v.Type().Elem().Kind() {
		case reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
			return depth == 0 && !v.IsNil() && m.holds(v.Elem(), depth+1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if m.holds(v.Field(i), depth+1) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if m.holds(v.Index(i), depth+1) {
				return true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if m.holds(entries.Key(), depth+1) || m.holds(entries.Value(), depth+1) {
				return true
			}
		}
	}
	return false
}

// holders are the types that mayHold knows.
var holders sync.Map

// mayHold tells whether interfaces are part of a type.
func mayHold(t reflect.Type) bool {
	if known, ok := holders.Load(t); ok {
		return known.(bool)
	}
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type) bool
	visit = func(t reflect.Type) bool {
		if seen[t] {
			return false
		}
		seen[t] = true
		switch t.Kind() {
		case reflect.Interface:
			return true
		case reflect.Pointer, reflect.Slice, reflect.Array:
			return visit(t.Elem())
		case reflect.Map:
			return visit(t.Key()) || visit(t.Elem())
		case reflect.Struct:
			for field := range t.Fields() {
				if visit(field.Type) {
					return true
				}
			}
		}
		return false
	}
	may := visit(t)
	holders.Store(t, may)
	return may
}

// host writes a value of the host.
func (p printer) host(v reflect.Value, depth int, r reach) {
	if v.Kind() == reflect.Interface {
		p.held(v.Interface(), v.Type().String(), depth, r)
		return
	}
	if r == open && p.writesItself(v.Type()) || r != embedded && !p.m.holds(v, depth) {
		p.whole(v, depth, r)
		return
	}
	name := ""
	if p.Flag('#') && p.verb == 'v' {
		name = v.Type().String()
	}
	switch v.Kind() {
	case reflect.Struct:
		fields := reflect.New(v.Type()).Elem() // of which those that are not exported can be read
		fields.Set(v)
		p.list(name+"{", "}", v.NumField(), func(i int) {
			field := v.Type().Field(i)
			if p.namesFields() {
				p.text(field.Name + ":")
			}
			inner := reflect.NewAt(field.Type, fields.Field(i).Addr().UnsafePointer()).Elem()
			p.host(inner, depth+1, r.field(field.IsExported(), field.Anonymous))
		})
	case reflect.Slice, reflect.Array:
		left, right := "[", "]"
		if name != "" {
			left, right = name+"{", "}"
		}
		p.list(left, right, v.Len(), func(i int) { p.host(v.Index(i), depth+1, r.element()) })
	case reflect.Map:
		left, right := "map[", "]"
		if name != "" {
			left, right = name+"{", "}"
		}
		keys := v.MapKeys()
		sort.SliceStable(keys, func(i, j int) bool { return before(keys[i], keys[j]) })
		p.list(left, right, len(keys), func(i int) {
			p.host(keys[i], depth+1, r.element())
			p.text(":")
			p.host(v.MapIndex(keys[i]), depth+1, r.element())
		})
	case reflect.Pointer:
		p.text("&")
		p.host(v.Elem(), depth+1, r.element())
	default:
		p.whole(v, depth, r)
	}
}

// namesFields tells whether %+v or %#v is written.
func (p printer) namesFields() bool { return p.verb == 'v' && (p.Flag('+') || p.Flag('#')) }

// list writes parts between others.
func (p printer) list(left, right string, n int, part func(int)) {
	p.text(left)
	for i := range n {
		if i > 0 && p.Flag('#') && p.verb == 'v' {
			p.text(",")
		}
		if i > 0 {
			p.text(" ")
		}
		part(i)
	}
	p.text(right)
}

// writesItself tells whether package fmt lets a value of the host write itself.
func (p printer) writesItself(t reflect.Type) bool {
	switch {
	case t.Implements(reflect.TypeFor[fmt.Formatter]()):
		return true
	case p.verb == 'v' && p.Flag('#'):
		return t.Implements(reflect.TypeFor[fmt.GoStringer]())
	case !strings.ContainsRune("vsxXq", p.verb):
		return false
	}
	return t.Implements(errorType) || t.Implements(reflect.TypeFor[fmt.Stringer]())
}

// whole writes a value of the host in which package fmt finds none of the script. Where it is not the operand itself,
// or its methods are not called, it is written as the field of another value.
func (p printer) whole(v reflect.Value, depth int, r reach) {
	if r == open && (depth == 0 || v.Kind() != reflect.Pointer) {
		p.native(v.Interface())
		return
	}
	field := reflect.StructField{Name: "X", Type: v.Type()}
	if r != open {
		field.Name, field.PkgPath = "x", "main"
	}
	around := reflect.New(reflect.StructOf([]reflect.StructField{field})).Elem()
	reflect.NewAt(v.Type(), around.Addr().UnsafePointer()).Elem().Set(v)
	text := fmt.Sprintf(fmt.FormatString(p.State, p.verb), around.Interface())
	before := "{"
	if p.namesFields() {
		before = "{" + field.Name + ":"
	}
	p.text(text[strings.Index(text, before)+len(before) : strings.LastIndex(text, "}")])
}
