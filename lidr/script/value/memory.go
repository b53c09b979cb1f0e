package value

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Each function of this file returns what the interpreter calls for one operation on values of the given types.

// New is new(T).
func (m *Machine) New(pointer, elem *Type) reflect.Value {
	return makeFunc(nil, list(pointer), func([]reflect.Value) []reflect.Value {
		return one(pointer.hide(reflect.New(elem.Layout)))
	})
}

// Load is *p. It copies.
func (m *Machine) Load(pointer, elem *Type) reflect.Value {
	return makeFunc(list(pointer), list(elem), func(in []reflect.Value) []reflect.Value {
		v := reflect.New(elem.Layout).Elem()
		v.Set(pointer.see(in[0]).Elem())
		return one(v)
	})
}

// Store is *p = v.
func (m *Machine) Store(pointer, elem *Type) reflect.Value {
	return makeFunc([]reflect.Type{pointer.Layout, elem.Layout}, nil, func(in []reflect.Value) []reflect.Value {
		pointer.see(in[0]).Elem().Set(in[1])
		return nil
	})
}

// FieldAddr is &p.f of the field with a number.
func (m *Machine) FieldAddr(pointer, field *Type, i int) reflect.Value {
	return makeFunc(list(pointer), list(field), func(in []reflect.Value) []reflect.Value {
		return one(field.hide(pointer.see(in[0]).Elem().Field(i).Addr()))
	})
}

// Field is v.f.
func (m *Machine) Field(of, field *Type, i int) reflect.Value {
	return makeFunc(list(of), list(field), func(in []reflect.Value) []reflect.Value {
		v := reflect.New(field.Layout).Elem()
		v.Set(in[0].Field(i))
		return one(v)
	})
}

func checkIndex(at, i, length int, unsigned bool) {
	if i < 0 || i >= length {
		text := fmt.Sprintf("runtime error: index out of range [%d] with length %d", uint(i), length)
		if i < 0 && !unsigned {
			text = fmt.Sprintf("runtime error: index out of range [%d]", i)
		}
		fail(at, Error(text))
	}
}

// IndexAddr is &x[i] of a slice, or of an array by its pointer.
func (m *Machine) IndexAddr(of, pointer *Type, unsigned bool) reflect.Value {
	in := []reflect.Type{intType, of.Layout, intType}
	return makeFunc(in, list(pointer), func(in []reflect.Value) []reflect.Value {
		at, i := int(in[0].Int()), int(in[2].Int())
		x := of.see(in[1])
		if x.Kind() == reflect.Pointer {
			if x.IsNil() {
				fail(at, nilPointer)
			}
			x = x.Elem()
		}
		checkIndex(at, i, x.Len(), unsigned)
		return one(pointer.hide(x.Index(i).Addr()))
	})
}

// Index is x[i] of an array, or of a string.
func (m *Machine) Index(of, elem *Type, unsigned bool) reflect.Value {
	in := []reflect.Type{intType, of.Layout, intType}
	return makeFunc(in, list(elem), func(in []reflect.Value) []reflect.Value {
		i := int(in[2].Int())
		checkIndex(int(in[0].Int()), i, in[1].Len(), unsigned)
		v := reflect.New(elem.Layout).Elem()
		v.Set(in[1].Index(i))
		return one(v)
	})
}

// Slice is x[low:high:max] of a slice, a string, or an array by its pointer. A bound that is not written is -1, and the
// mask tells which are and, by its higher bits, which are unsigned. The array of a make with a constant capacity was
// made before.
func (m *Machine) Slice(of, result *Type, made bool) reflect.Value {
	in := []reflect.Type{intType, of.Layout, intType, intType, intType, intType}
	return makeFunc(in, list(result), func(in []reflect.Value) []reflect.Value {
		at, low, high, most, mask := int(in[0].Int()), int(in[2].Int()), int(in[3].Int()), int(in[4].Int()), in[5].Int()
		x := of.see(in[1])
		if x.Kind() == reflect.Pointer {
			if x.IsNil() {
				fail(at, nilPointer)
			}
			x = x.Elem()
		}
		limit, word := x.Len(), "length"
		if made && high < 0 {
			fail(at, "runtime error: makeslice: len out of range")
		}
		if made && high > limit {
			fail(at, "runtime error: makeslice: cap out of range")
		}
		if x.Kind() == reflect.Slice {
			limit, word = x.Cap(), "capacity"
		}
		if mask&4 != 0 {
			checkBound(at, mask&32 != 0, most < 0 || most > limit, "[::%d] with %s %d", most, word, limit)
			checkBound(at, mask&16 != 0, high < 0 || high > most, "[:%d:%d]", high, most)
			checkBound(at, mask&8 != 0, low < 0 || low > high, "[%d:%d:]", low, high)
			return one(result.hide(x.Slice3(low, high, most)))
		}
		if mask&2 == 0 {
			high = x.Len()
		}
		checkBound(at, mask&16 != 0, high < 0 || high > limit, "[:%d] with %s %d", high, word, limit)
		checkBound(at, mask&8 != 0, low < 0 || low > high, "[%d:%d]", low, high)
		if x.Kind() == reflect.String {
			return one(reflect.ValueOf(x.String()[low:high]))
		}
		return one(result.hide(x.Slice(low, high).Convert(result.Whole())))
	})
}

// checkBound writes the bounds as the run time does: of a negative one that alone.
func checkBound(at int, unsigned, wrong bool, format string, bound int, others ...any) {
	if !wrong {
		return
	}
	if bound < 0 && !unsigned {
		before, _, _ := strings.Cut(format, "%")
		after := strings.Repeat(":", strings.Count(strings.SplitN(format, "]", 2)[0], ":")-strings.Count(before, ":"))
		fail(at, Error(fmt.Sprintf("runtime error: slice bounds out of range %s%d%s]", before, bound, after)))
	}
	fail(at, Error("runtime error: slice bounds out of range "+fmt.Sprintf(format,
		append([]any{uint(bound)}, others...)...)))
}

// MakeSlice is make([]T, len, cap).
func (m *Machine) MakeSlice(slice *Type) reflect.Value {
	in := []reflect.Type{intType, intType, intType}
	return makeFunc(in, list(slice), func(in []reflect.Value) []reflect.Value {
		at, length, capacity := int(in[0].Int()), int(in[1].Int()), int(in[2].Int())
		size := max(1, int(slice.Whole().Elem().Size()))
		switch {
		case length < 0 || length > 1<<47/size:
			fail(at, "runtime error: makeslice: len out of range")
		case capacity < length || capacity > 1<<47/size:
			fail(at, "runtime error: makeslice: cap out of range")
		}
		return one(slice.hide(reflect.MakeSlice(slice.Whole(), length, capacity)))
	})
}

// Append is append(x, y...).
func (m *Machine) Append(slice, more *Type) reflect.Value {
	in := []reflect.Type{slice.Layout, more.Layout}
	return makeFunc(in, list(slice), func(in []reflect.Value) []reflect.Value {
		y := more.see(in[1])
		if y.Kind() == reflect.String {
			y = reflect.ValueOf([]byte(y.String()))
		}
		x := slice.see(in[0])
		if y.Type() != x.Type() {
			y = y.Convert(reflect.SliceOf(x.Type().Elem()))
		}
		if y.Len() == 0 {
			return one(in[0])
		}
		if size := max(1, int(x.Type().Elem().Size())); x.Len() > 1<<47/size-y.Len() {
			panic(Error("runtime error: growslice: len out of range"))
		}
		return one(slice.hide(reflect.AppendSlice(x, y)))
	})
}

// Copy is copy(x, y).
func (m *Machine) Copy(slice, from *Type) reflect.Value {
	in := []reflect.Type{slice.Layout, from.Layout}
	return makeFunc(in, []reflect.Type{intType}, func(in []reflect.Value) []reflect.Value {
		return one(reflect.ValueOf(reflect.Copy(slice.see(in[0]), from.see(in[1]))))
	})
}

// Len and Cap are the builtins for what the interpreter does not measure.
func (m *Machine) Len(of *Type, capacity bool) reflect.Value {
	return makeFunc(list(of), []reflect.Type{intType}, func(in []reflect.Value) []reflect.Value {
		x := of.see(in[0])
		if x.Kind() == reflect.Pointer {
			return one(reflect.ValueOf(x.Type().Elem().Len()))
		}
		if capacity {
			return one(reflect.ValueOf(x.Cap()))
		}
		return one(reflect.ValueOf(x.Len()))
	})
}

// Clear is clear(x).
func (m *Machine) Clear(of *Type) reflect.Value {
	return makeFunc(list(of), nil, func(in []reflect.Value) []reflect.Value {
		if x := of.see(in[0]); x.Kind() != reflect.Map || !x.IsNil() {
			x.Clear()
		}
		return nil
	})
}

// IsNil is x == nil.
func (m *Machine) IsNil(of *Type) reflect.Value {
	return makeFunc(list(of), []reflect.Type{boolType}, func(in []reflect.Value) []reflect.Value {
		return one(reflect.ValueOf(of.see(in[0]).IsNil()))
	})
}

// Equals is x == y of two values of one type.
func (m *Machine) Equals(of *Type) reflect.Value {
	in := []reflect.Type{of.Layout, of.Layout}
	return makeFunc(in, []reflect.Type{boolType}, func(in []reflect.Value) []reflect.Value {
		return one(reflect.ValueOf(m.equal(of.T, in[0], in[1])))
	})
}

// equal compares interfaces within values as the values that they hold.
func (m *Machine) equal(t types.Type, x, y reflect.Value) bool {
	switch u := t.Underlying().(type) {
	case *types.Interface:
		return m.Equal(x.Interface(), y.Interface())
	case *types.Struct:
		if m.Type(t).Script {
			for i := range u.NumFields() {
				if u.Field(i).Name() != "_" && !m.equal(u.Field(i).Type(), x.Field(i), y.Field(i)) {
					return false
				}
			}
			return true
		}
	case *types.Array:
		for i := range x.Len() {
			if !m.equal(u.Elem(), x.Index(i), y.Index(i)) {
				return false
			}
		}
		return true
	}
	return x.Equal(y)
}

// Iterator runs over a map, or a string.
type Iterator struct {
	entries *reflect.MapIter
	text    string
	at      int
}

// Range begins to run over a map or a string.
func (m *Machine) Range(of *Type) reflect.Value {
	out := []reflect.Type{reflect.TypeFor[*Iterator]()}
	return makeFunc(list(of), out, func(in []reflect.Value) []reflect.Value {
		x := of.see(in[0])
		if x.Kind() == reflect.String {
			return one(reflect.ValueOf(&Iterator{text: x.String()}))
		}
		return one(reflect.ValueOf(&Iterator{entries: x.MapRange()}))
	})
}

// Next returns whether there is a further entry, its key and its value.
func (m *Machine) Next(key, value *Type) reflect.Value {
	in := []reflect.Type{reflect.TypeFor[*Iterator]()}
	out := []reflect.Type{boolType, key.Layout, value.Layout}
	return makeFunc(in, out, func(in []reflect.Value) []reflect.Value {
		it := in[0].Interface().(*Iterator)
		k := reflect.New(key.Layout).Elem()
		v := reflect.New(value.Layout).Elem()
		more := false
		switch {
		case it.entries == nil && it.at < len(it.text):
			more = true
			r, size := utf8.DecodeRuneInString(it.text[it.at:])
			k.SetInt(int64(it.at))
			v.SetInt(int64(r))
			it.at += size
		case it.entries != nil:
			more = it.entries.Next()
			if more {
				k.Set(it.entries.Key())
				v.Set(it.entries.Value())
			}
		}
		return []reflect.Value{reflect.ValueOf(more), k, v}
	})
}

var (
	intType  = reflect.TypeFor[int]()
	boolType = reflect.TypeFor[bool]()
)

func list(t *Type) []reflect.Type { return []reflect.Type{t.Layout} }

func one(v reflect.Value) []reflect.Value { return []reflect.Value{v} }
