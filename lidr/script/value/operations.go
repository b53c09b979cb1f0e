package value

import (
	"fmt"
	"go/token"
	"reflect"
)

// MakeMap is make(map[K]V).
func (m *Machine) MakeMap(t *Type) reflect.Value {
	return makeFunc(nil, list(t), func([]reflect.Value) []reflect.Value {
		return one(t.hide(reflect.MakeMap(t.Whole())))
	})
}

// Lookup is m[k] with whether it is there.
func (m *Machine) Lookup(of, key, elem *Type) reflect.Value {
	in := []reflect.Type{of.Layout, key.Layout}
	return makeFunc(in, []reflect.Type{elem.Layout, boolType}, func(in []reflect.Value) []reflect.Value {
		if mayHold(key.Layout) {
			defer m.hashing(in[1])
		}
		v := reflect.New(elem.Layout).Elem()
		found := of.see(in[0]).MapIndex(in[1])
		if found.IsValid() {
			v.Set(found)
		}
		return []reflect.Value{v, reflect.ValueOf(found.IsValid())}
	})
}

// hashing names the type of a key that has no hash.
func (m *Machine) hashing(key reflect.Value) {
	if r := recover(); r != nil {
		panic(m.renamed(r, []reflect.Value{key}))
	}
}

// MapUpdate is m[k] = v.
func (m *Machine) MapUpdate(of, key, elem *Type) reflect.Value {
	in := []reflect.Type{intType, of.Layout, key.Layout, elem.Layout}
	return makeFunc(in, nil, func(in []reflect.Value) []reflect.Value {
		x := of.see(in[1])
		if x.IsNil() {
			fail(int(in[0].Int()), "assignment to entry in nil map")
		}
		if mayHold(key.Layout) {
			defer m.hashing(in[2])
		}
		x.SetMapIndex(in[2], in[3])
		return nil
	})
}

// Delete is delete(m, k).
func (m *Machine) Delete(of, key *Type) reflect.Value {
	return makeFunc([]reflect.Type{of.Layout, key.Layout}, nil, func(in []reflect.Value) []reflect.Value {
		if mayHold(key.Layout) {
			defer m.hashing(in[1])
		}
		if x := of.see(in[0]); !x.IsNil() {
			x.SetMapIndex(in[1], reflect.Value{})
		}
		return nil
	})
}

// MakeChan is make(chan T, n).
func (m *Machine) MakeChan(t *Type) reflect.Value {
	return makeFunc([]reflect.Type{intType}, list(t), func(in []reflect.Value) []reflect.Value {
		if in[0].Int() < 0 {
			panic(Error("makechan: size out of range"))
		}
		both := reflect.ChanOf(reflect.BothDir, t.Whole().Elem())
		return one(t.hide(reflect.MakeChan(both, int(in[0].Int())).Convert(t.Whole())))
	})
}

// Send is c <- v.
func (m *Machine) Send(of, elem *Type) reflect.Value {
	return makeFunc([]reflect.Type{of.Layout, elem.Layout}, nil, func(in []reflect.Value) []reflect.Value {
		of.see(in[0]).Send(in[1])
		return nil
	})
}

// Receive is v, ok = <-c.
func (m *Machine) Receive(of, elem *Type) reflect.Value {
	return makeFunc(list(of), []reflect.Type{elem.Layout, boolType}, func(in []reflect.Value) []reflect.Value {
		v, ok := of.see(in[0]).Recv()
		return []reflect.Value{v, reflect.ValueOf(ok)}
	})
}

// Close is close(c).
func (m *Machine) Close(of *Type) reflect.Value {
	return makeFunc(list(of), nil, func(in []reflect.Value) []reflect.Value {
		of.see(in[0]).Close()
		return nil
	})
}

// Case is one of a select statement.
type Case struct {
	Chan, Elem *Type
	Send       bool
}

// Select takes a channel for each case, and a value where it sends, and returns the number of the case, whether a value
// was received and, for each case that receives, the value.
func (m *Machine) Select(cases []Case, blocking bool) reflect.Value {
	var in []reflect.Type
	out := []reflect.Type{intType, boolType}
	for _, c := range cases {
		in = append(in, c.Chan.Layout)
		if c.Send {
			in = append(in, c.Elem.Layout)
		} else {
			out = append(out, c.Elem.Layout)
		}
	}
	return makeFunc(in, out, func(in []reflect.Value) []reflect.Value {
		var list []reflect.SelectCase
		for _, c := range cases {
			one := reflect.SelectCase{Dir: reflect.SelectRecv, Chan: c.Chan.see(in[0])}
			if one.Chan.IsNil() {
				one.Chan = reflect.Value{}
			}
			in = in[1:]
			if c.Send {
				one.Dir, one.Send = reflect.SelectSend, in[0]
				if !one.Chan.IsValid() {
					one.Send = reflect.Value{}
				}
				in = in[1:]
			}
			list = append(list, one)
		}
		if !blocking {
			list = append(list, reflect.SelectCase{Dir: reflect.SelectDefault})
		}
		chosen, received, ok := reflect.Select(list)
		if chosen == len(cases) {
			chosen = -1
		}
		results := []reflect.Value{reflect.ValueOf(chosen), reflect.ValueOf(ok)}
		for i, c := range cases {
			switch {
			case c.Send:
			case i == chosen:
				results = append(results, received)
			default:
				results = append(results, reflect.Zero(c.Elem.Layout))
			}
		}
		return results
	})
}

// MakeInterface makes an interface value of type to.
func (m *Machine) MakeInterface(from, to *Type) reflect.Value {
	return makeFunc(list(from), list(to), func(in []reflect.Value) []reflect.Value {
		v := reflect.New(from.Layout).Elem()
		v.Set(in[0])
		return one(m.interfaceOf(m.box(from, v), to))
	})
}

// ChangeInterface makes an interface value of type to of one of type from.
func (m *Machine) ChangeInterface(from, to *Type) reflect.Value {
	return makeFunc(list(from), list(to), func(in []reflect.Value) []reflect.Value {
		return one(m.interfaceOf(m.Normal(in[0].Interface()), to))
	})
}

// TypeAssert is v, ok = x.(T), or v = x.(T), which panics.
func (m *Machine) TypeAssert(from, to *Type, commaOK bool) reflect.Value {
	in := []reflect.Type{intType, from.Layout}
	if commaOK {
		return makeFunc(in, []reflect.Type{to.Layout, boolType}, func(in []reflect.Value) []reflect.Value {
			v, ok := m.Assert(in[1].Interface(), to)
			return []reflect.Value{v, reflect.ValueOf(ok)}
		})
	}
	return makeFunc(in, list(to), func(in []reflect.Value) []reflect.Value {
		v, ok := m.Assert(in[1].Interface(), to)
		if !ok {
			fail(int(in[0].Int()), m.assertFailed(in[1].Interface(), from, to))
		}
		return one(v)
	})
}

// Invoke is x.method(...) of an interface value.
func (m *Machine) Invoke(of *Type, method string, in, out []reflect.Type, variadic bool) reflect.Value {
	in = append([]reflect.Type{intType, of.Layout}, in...)
	return makeFunc(in, out, func(in []reflect.Value) []reflect.Value {
		x := m.Normal(in[1].Interface())
		if x == nil {
			fail(int(in[0].Int()), nilPointer)
		}
		if box, ok := x.(Box); ok {
			return box.call(method, in[2:]...)
		}
		receiver := reflect.ValueOf(x)
		args := append([]reflect.Value{receiver}, in[2:]...)
		return m.hostCall(int(in[0].Int()), m.hostMethod(receiver.Type(), method), args)
	})
}

// hostCall calls a function of the host, and notes where in the script it was called if it panics.
func (m *Machine) hostCall(at int, function reflect.Value, args []reflect.Value) []reflect.Value {
	done := false
	defer func() {
		if done {
			return
		}
		m.At.CompareAndSwap(0, int64(at))
		if r := recover(); r != nil { // nil where the goroutine ends
			panic(m.renamed(r, args))
		}
	}()
	results := callPlain(function, args)
	done = true
	return results
}

// Convert is T(x) between numbers, strings, slices of bytes and runes, and types of one underlying type.
func (m *Machine) Convert(from, to *Type) reflect.Value {
	return makeFunc(list(from), list(to), func(in []reflect.Value) []reflect.Value {
		if from.Layout == to.Layout {
			return one(in[0])
		}
		if from.Opaque() || to.Opaque() {
			return one(recast(in[0], to.Layout))
		}
		if from.Layout.Kind() == reflect.Float32 || from.Layout.Kind() == reflect.Float64 {
			return one(truncated(in[0].Float(), to.Layout))
		}
		return one(in[0].Convert(to.Layout))
	})
}

// truncated converts a number as the compiler does, also where the result does not fit; there reflection differs.
func truncated(f float64, to reflect.Type) reflect.Value {
	v := reflect.New(to).Elem()
	switch to.Kind() {
	case reflect.Int8:
		v.SetInt(int64(int8(f)))
	case reflect.Int16:
		v.SetInt(int64(int16(f)))
	case reflect.Int32:
		v.SetInt(int64(int32(f)))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f))
	case reflect.Uint8:
		v.SetUint(uint64(uint8(f)))
	case reflect.Uint16:
		v.SetUint(uint64(uint16(f)))
	case reflect.Uint32:
		v.SetUint(uint64(uint32(f)))
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		v.SetUint(uint64(f))
	default:
		v.SetFloat(f)
	}
	return v
}

// ToArray is the conversion of a slice to a pointer to an array.
func (m *Machine) ToArray(from, to *Type) reflect.Value {
	in := []reflect.Type{intType, from.Layout}
	return makeFunc(in, list(to), func(in []reflect.Value) []reflect.Value {
		x := from.see(in[1])
		if want := to.Whole().Elem().Len(); x.Len() < want {
			fail(int(in[0].Int()), Error(fmt.Sprintf("runtime error: cannot convert slice with length %d to array or pointer "+
				"to array with length %d", x.Len(), want)))
		}
		return one(to.hide(x.Convert(to.Whole())))
	})
}

// Closure makes a function value of the function with a number, whose first parameters are the bindings.
func (m *Machine) Closure(number int, bindings []reflect.Type, to *Type) reflect.Value {
	return makeFunc(bindings, list(to), func(bound []reflect.Value) []reflect.Value {
		bound = keep(bound)
		return one(to.hide(reflect.MakeFunc(to.Whole(), func(in []reflect.Value) []reflect.Value {
			return m.Functions[number].Call(append(bound[:len(bound):len(bound)], in...))
		})))
	})
}

// Function makes the function value of the function with a number.
func (m *Machine) Function(number int, to *Type) reflect.Value {
	return to.hide(reflect.MakeFunc(to.Whole(), func(in []reflect.Value) []reflect.Value {
		return m.Functions[number].Call(in)
	}))
}

// CallValue calls a function value.
func (m *Machine) CallValue(of *Type) reflect.Value {
	t := of.Whole()
	in := []reflect.Type{intType, of.Layout}
	var out []reflect.Type
	for i := range t.NumIn() {
		in = append(in, t.In(i))
	}
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	return makeFunc(in, out, func(in []reflect.Value) []reflect.Value {
		function := of.see(in[1])
		if function.IsNil() {
			fail(int(in[0].Int()), nilPointer)
		}
		return callPlain(function, in[2:])
	})
}

// Plain is a function of the host with its position first and the last parameter of a variadic one as a slice.
func (m *Machine) Plain(function reflect.Value) reflect.Value {
	t := function.Type()
	in := []reflect.Type{intType}
	var out []reflect.Type
	for i := range t.NumIn() {
		in = append(in, t.In(i))
	}
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	return makeFunc(in, out, func(in []reflect.Value) []reflect.Value {
		return m.hostCall(int(in[0].Int()), function, in[1:])
	})
}

// Complex is an operation on complex numbers.
func (m *Machine) Complex(op token.Token, of *Type) reflect.Value {
	in := []reflect.Type{of.Layout, of.Layout}
	return makeFunc(in, list(of), func(in []reflect.Value) []reflect.Value {
		x := in[0].Complex()
		y := in[1].Complex()
		v := reflect.New(of.Layout).Elem()
		switch op {
		case token.ADD:
			v.SetComplex(x + y)
		case token.SUB:
			v.SetComplex(x - y)
		case token.MUL:
			v.SetComplex(x * y)
		case token.QUO:
			v.SetComplex(x / y)
		}
		return one(v)
	})
}

// Parts are real(x) and imag(x).
func (m *Machine) Parts(of, part *Type, imaginary bool) reflect.Value {
	return makeFunc(list(of), list(part), func(in []reflect.Value) []reflect.Value {
		v := reflect.New(part.Layout).Elem()
		v.SetFloat(real(in[0].Complex()))
		if imaginary {
			v.SetFloat(imag(in[0].Complex()))
		}
		return one(v)
	})
}

// MakeComplex is complex(r, i).
func (m *Machine) MakeComplex(part, of *Type) reflect.Value {
	return makeFunc([]reflect.Type{part.Layout, part.Layout}, list(of), func(in []reflect.Value) []reflect.Value {
		v := reflect.New(of.Layout).Elem()
		v.SetComplex(complex(in[0].Float(), in[1].Float()))
		return one(v)
	})
}

// Shift is x << n or x >> n.
func (m *Machine) Shift(of, count *Type, left bool) reflect.Value {
	in := []reflect.Type{intType, of.Layout, count.Layout}
	return makeFunc(in, list(of), func(in []reflect.Value) []reflect.Value {
		var n uint64
		if in[2].CanInt() {
			if in[2].Int() < 0 {
				fail(int(in[0].Int()), "runtime error: negative shift amount")
			}
			n = uint64(in[2].Int())
		} else {
			n = in[2].Uint()
		}
		v := reflect.New(of.Layout).Elem()
		switch signed := in[1].CanInt(); {
		case signed && left:
			v.SetInt(in[1].Int() << n)
		case signed:
			v.SetInt(in[1].Int() >> n)
		case left:
			v.SetUint(in[1].Uint() << n)
		default:
			v.SetUint(in[1].Uint() >> n)
		}
		return one(v)
	})
}

// Extreme is min(x, y) or max(x, y).
func (m *Machine) Extreme(of *Type, most bool) reflect.Value {
	return makeFunc([]reflect.Type{of.Layout, of.Layout}, list(of), func(in []reflect.Value) []reflect.Value {
		x := in[0]
		y := in[1]
		var less bool
		switch {
		case x.CanInt():
			less = x.Int() < y.Int()
		case x.CanUint():
			less = x.Uint() < y.Uint()
		case x.CanFloat():
			v := reflect.New(of.Layout).Elem()
			if most {
				v.SetFloat(max(x.Float(), y.Float()))
			} else {
				v.SetFloat(min(x.Float(), y.Float()))
			}
			return one(v)
		default:
			less = x.String() < y.String()
		}
		if less == most {
			return one(y)
		}
		return one(x)
	})
}

// WithoutPosition makes a function value of what Plain returned.
func (m *Machine) WithoutPosition(function reflect.Value, to *Type) reflect.Value {
	return reflect.MakeFunc(to.Whole(), func(in []reflect.Value) []reflect.Value {
		return function.Call(append([]reflect.Value{reflect.ValueOf(0)}, in...))
	})
}
