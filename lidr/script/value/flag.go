package value

import (
	"flag"
	"reflect"
)

// defaulted makes of flag.Var a function that says of a flag whose value is the zero one that it has no default, as
// package flag finds out for types that it sees.
func (m *Machine) defaulted(function reflect.Value) reflect.Value {
	return reflect.MakeFunc(function.Type(), func(in []reflect.Value) []reflect.Value {
		out := function.Call(in)
		flags := flag.CommandLine
		if set, ok := in[0].Interface().(*flag.FlagSet); ok {
			flags = set
		}
		of := flags.Lookup(in[len(in)-2].String())
		if box, ok := m.Normal(of.Value).(Box); ok && box.T.zeroText() == of.DefValue {
			of.DefValue = ""
		}
		return out
	})
}

// zeroText is what the zero value of a type, or a pointer to one, writes; "" where it panics.
func (t *Type) zeroText() (text string) {
	defer func() {
		if recover() != nil {
			t.machine.Trace.Take()
			t.machine.At.Store(0)
		}
	}()
	zero := reflect.Zero(t.Layout)
	if t.Whole().Kind() == reflect.Pointer {
		zero = t.hide(reflect.New(t.Whole().Elem()))
	}
	return Box{t, zero.Interface()}.String()
}
