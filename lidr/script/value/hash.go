package value

import (
	"go/types"
	"reflect"
	"regexp"
	"runtime"
)

// unhashed matches what the run time writes of a value that has no hash, or does not compare, up to its type.
var unhashed = regexp.MustCompile(`^(.*(?:unhashable|uncomparable) type:? )`)

// renamed returns a panic with the script's name of the type that has no hash, of which the run time knows the layout.
func (m *Machine) renamed(r any, values []reflect.Value) any {
	err, ok := r.(runtime.Error)
	if !ok {
		return r
	}
	if words := unhashed.FindString(err.Error()); words != "" {
		for _, v := range values {
			if name := m.incomparable(v); name != "" {
				return Error(words + name)
			}
		}
	}
	return r
}

// incomparable returns the type of the script within a value that does not compare, "" for none.
func (m *Machine) incomparable(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Interface:
		switch x := m.Normal(v.Interface()).(type) {
		case nil:
		case Box:
			if !types.Comparable(x.T.T) {
				return x.T.String()
			}
			return m.incomparable(x.value())
		default:
			if t := reflect.TypeOf(x); t.PkgPath() == "" && t.Kind() != reflect.Interface {
				return m.incomparable(reflect.ValueOf(x))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if name := m.incomparable(v.Field(i)); v.Type().PkgPath() == "" && name != "" {
				return name
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			if name := m.incomparable(v.Index(i)); name != "" {
				return name
			}
		}
	}
	return ""
}
