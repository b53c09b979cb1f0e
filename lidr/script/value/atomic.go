package value

import (
	"reflect"
	"sync/atomic"
)

// storing are the methods that panic where an atomic.Value holds a value of another type, which a Box does not show.
var storing = map[string]string{
	"*sync/atomic.Value.Store": "store", "*sync/atomic.Value.Swap": "swap",
	"*sync/atomic.Value.CompareAndSwap": "compare and swap",
}

// consistent compares the types of the script that a method of atomic.Value stores, and has stored.
func (m *Machine) consistent(operation string, method reflect.Value) reflect.Value {
	return reflect.MakeFunc(method.Type(), func(in []reflect.Value) []reflect.Value {
		last := in[len(in)-1].Interface()
		if len(in) > 2 && m.otherType(in[1].Interface(), last) {
			panic("sync/atomic: compare and swap of inconsistently typed values")
		}
		if m.otherType(in[0].Interface().(*atomic.Value).Load(), last) {
			panic("sync/atomic: " + operation + " of inconsistently typed value into Value")
		}
		return method.Call(in)
	})
}

// otherType tells whether two values have different types of the script.
func (m *Machine) otherType(x, y any) bool {
	a, ok := m.Normal(x).(Box)
	b, both := m.Normal(y).(Box)
	return ok && both && a.T != b.T
}
