package value

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"
)

// MarshalJSON lets package encoding/json find a value of the script within one of the host.
func (b Box) MarshalJSON() ([]byte, error) {
	if b.T.has("MarshalJSON", 0, 2) {
		results := b.call("MarshalJSON")
		err, _ := results[1].Interface().(error)
		return results[0].Bytes(), err
	}
	if b.T.has("MarshalText", 0, 2) {
		results := b.call("MarshalText")
		if err, _ := results[1].Interface().(error); err != nil {
			return nil, err
		}
		return marshal(string(results[0].Bytes()))
	}
	return marshal(b.T.machine.toJSON(b.T, b.value(), true))
}

// plainJSON returns a value as package encoding/json may see it.
func (m *Machine) plainJSON(x any) any {
	if box, ok := m.Normal(x).(Box); ok {
		return m.toJSON(box.T, box.value(), false)
	}
	return x
}

// toJSON returns a value of the host that encodes to the same JSON as a value of the script.
func (m *Machine) toJSON(t *Type, v reflect.Value, itself bool) any {
	if types.IsInterface(t.T) {
		return m.plainJSON(v.Interface())
	}
	if !t.Script {
		return v.Interface()
	}
	if !itself && (t.has("MarshalJSON", 0, 2) || t.has("MarshalText", 0, 2)) {
		return Box{t, v.Interface()}
	}
	if _, isPointer := t.T.Underlying().(*types.Pointer); v.CanAddr() && !isPointer {
		pointer := m.Type(types.NewPointer(t.T))
		if !itself && (pointer.has("MarshalJSON", 0, 2) || pointer.has("MarshalText", 0, 2)) {
			return Box{pointer, pointer.hide(v.Addr()).Interface()}
		}
	}
	switch u := t.T.Underlying().(type) {
	case *types.Pointer:
		if v = t.see(v); v.IsNil() {
			return nil
		}
		return m.toJSON(m.Type(u.Elem()), v.Elem(), false)
	case *types.Slice, *types.Array:
		v = t.see(v)
		if v.Kind() == reflect.Slice && v.IsNil() {
			return nil
		}
		elem := m.Type(u.(interface{ Elem() types.Type }).Elem())
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Bytes()
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = m.toJSON(elem, v.Index(i), false)
		}
		return list
	case *types.Map:
		if v = t.see(v); v.IsNil() {
			return nil
		}
		key := m.Type(u.Key())
		entries := map[string]any{}
		for it := v.MapRange(); it.Next(); {
			if key.has("MarshalText", 0, 2) {
				panic(Error(fmt.Sprintf("encoding/json does not find method MarshalText of the keys of a %s; use strings", t)))
			}
			entries[fmt.Sprint(it.Key())] = m.toJSON(m.Type(u.Elem()), it.Value(), false)
		}
		return entries
	case *types.Struct:
		var fields []reflect.StructField
		var values []any
		m.jsonFields(t, u, v, &fields, &values)
		structure := reflect.New(reflect.StructOf(fields)).Elem()
		for i, value := range values {
			if value != nil {
				structure.Field(i).Set(reflect.ValueOf(value))
			}
		}
		return structure.Interface()
	}
	return t.see(v).Interface()
}

// jsonFields collects the fields that are encoded, and their values. Those of an embedded struct are among them.
func (m *Machine) jsonFields(t *Type, u *types.Struct, v reflect.Value, fields *[]reflect.StructField, values *[]any) {
	for i := range u.NumFields() {
		field := u.Field(i)
		of := m.Type(field.Type())
		tag := reflect.StructTag(u.Tag(i))
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		inner, isStruct := field.Type().Underlying().(*types.Struct)
		if name == "-" && options == "" && !strings.HasSuffix(tag.Get("json"), ",") {
			continue
		}
		if field.Embedded() && name == "" && isStruct && of.Script && !of.has("MarshalJSON", 0, 2) {
			m.jsonFields(of, inner, v.Field(i), fields, values)
			continue
		}
		if !field.Exported() {
			continue
		}
		_, isPointer := field.Type().Underlying().(*types.Pointer)
		repeated := false
		for _, other := range *fields {
			repeated = repeated || other.Name == field.Name()
		}
		if repeated || field.Embedded() && (isPointer || !of.Script) || strings.Contains(options, "string") ||
			strings.Contains(options, "omitzero") {
			panic(Error(fmt.Sprintf("encoding/json cannot look into field %s of a %s of the script; "+
				"copy what it encodes into a map", field.Name(), t)))
		}
		value := m.toJSON(of, v.Field(i), false)
		if strings.Contains(options, "omitempty") && isEmpty(of.see(v.Field(i))) {
			value = nil
		}
		*fields = append(*fields, reflect.StructField{Name: field.Name(), Type: anyType, Tag: tag})
		*values = append(*values, value)
	}
}

// isEmpty is what omitempty leaves out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// marshals tells why toJSON cannot make a value of a type, nil where it can.
func (m *Machine) marshals(t types.Type, seen map[types.Type]bool) error {
	of := m.Type(t)
	if seen[t] || !of.Script || of.Methods["MarshalJSON"] != 0 || of.Methods["MarshalText"] != 0 {
		return nil
	}
	seen[t] = true
	switch u := t.Underlying().(type) {
	case *types.Map:
		if _, ok := m.Type(u.Key()).Methods["MarshalText"]; ok {
			return fmt.Errorf("method MarshalText of the keys of a %s is not found there", of)
		}
	case *types.Struct:
		names := map[string]bool{}
		for i := range u.NumFields() {
			field := u.Field(i)
			options := reflect.StructTag(u.Tag(i)).Get("json")
			_, isPointer := field.Type().Underlying().(*types.Pointer)
			if field.Exported() && (names[field.Name()] || strings.Contains(options, ",string") ||
				strings.Contains(options, ",omitzero") || field.Embedded() && (isPointer || !m.Type(field.Type()).Script)) {
				return fmt.Errorf("field %s of a %s is not seen there as it is; copy what it encodes into a map", field.Name(), of)
			}
			names[field.Name()] = true
			if inner, ok := field.Type().Underlying().(*types.Struct); ok && field.Embedded() {
				for j := range inner.NumFields() {
					if names[inner.Field(j).Name()] {
						return fmt.Errorf("field %s of a %s hides one that is embedded", inner.Field(j).Name(), of)
					}
				}
			}
		}
	}
	var err error
	m.components(t, func(part types.Type) {
		if err == nil {
			err = m.marshals(part, seen)
		}
	})
	return err
}
