package value

import (
	"errors"
	"go/types"
	"reflect"
)

// inner returns the errors that an error wraps.
func inner(err error) []error {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		return several.Unwrap()
	}
	if one := errors.Unwrap(err); one != nil {
		return []error{one}
	}
	return nil
}

// Is is errors.Is, which compares errors of the script as the compiled program does.
func (m *Machine) Is(err, target error) bool {
	if err == nil || target == nil {
		return err == target
	}
	box, boxed := m.Normal(target).(Box)
	comparable := boxed && types.Comparable(box.T.T) || !boxed && reflect.TypeOf(target).Comparable()
	return m.is(err, target, comparable)
}

func (m *Machine) is(err, target error, comparable bool) bool {
	if comparable && m.Equal(err, target) {
		return true
	}
	if own, ok := err.(interface{ Is(error) bool }); ok && own.Is(target) {
		return true
	}
	for _, one := range inner(err) {
		if one != nil && m.is(one, target, comparable) {
			return true
		}
	}
	return false
}

// As is errors.As, which also finds types of the script.
func (m *Machine) As(err error, target any) bool {
	if err == nil || target == nil {
		return errors.As(err, target) // which may panic
	}
	pointer, ok := m.dynamic(m.Normal(target)).T.Underlying().(*types.Pointer)
	v := reflect.ValueOf(m.seen(target))
	if !ok || v.IsNil() {
		panic("errors: target must be a non-nil pointer")
	}
	if !types.IsInterface(pointer.Elem()) && !types.Implements(pointer.Elem(), errorInterface) {
		panic("errors: *target must be interface or implement error")
	}
	return m.as(err, target, m.Type(pointer.Elem()), v.Elem())
}

var errorInterface = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

func (m *Machine) as(err error, target any, to *Type, found reflect.Value) bool {
	if err == nil {
		return false
	}
	if v, ok := m.Assert(err, to); ok {
		found.Set(v)
		return true
	}
	if own, ok := err.(interface{ As(any) bool }); ok && own.As(target) {
		return true
	}
	for _, one := range inner(err) {
		if m.as(one, target, to, found) {
			return true
		}
	}
	return false
}
