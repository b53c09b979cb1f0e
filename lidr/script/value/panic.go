package value

import (
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// Error is a run-time error of a script, with the compiler's words.
type Error string

func (e Error) Error() string { return string(e) }

// RuntimeError makes it a [runtime.Error].
func (Error) RuntimeError() {}

// typeName is the type that the error has compiled.
func (e Error) typeName() string {
	text, prefixed := strings.CutPrefix(string(e), "runtime error: ")
	switch word, _, _ := strings.Cut(text, " "); {
	case word == "interface":
		return "*runtime.TypeAssertionError"
	case word == "index" || word == "slice" || word == "cannot":
		return "runtime.boundsError"
	case strings.HasPrefix(text, "hash of unhashable type: "):
		return "maps.unhashableTypeError"
	case prefixed:
		return "runtime.errorString"
	}
	return "runtime.plainError"
}

// Thrown is a panic of the script on its way.
type Thrown struct {
	Value any // normal
	At    int // the position, or 0
}

// Error is what the run time and package fmt write of a panic that passes through them.
func (t Thrown) Error() string {
	if err, ok := t.Value.(error); ok {
		return err.Error()
	}
	return fmt.Sprint(t.Value)
}

const nilPointer = Error("runtime error: invalid memory address or nil pointer dereference")

// fail panics at a position.
func fail(at int, err Error) { panic(Thrown{err, at}) }

// Trace collects what the interpreter writes of the calls that a panic unwinds.
type Trace struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *Trace) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text.Len() < 1<<16 {
		t.text.Write(p)
	}
	return len(p), nil
}

// Take returns the text, and forgets it.
func (t *Trace) Take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text.String()
	t.text.Reset()
	return text
}

// Panicking is a panic while deferred functions run.
type Panicking struct {
	value     any
	recovered bool
}

// Recover is recover() in a function that was deferred, p being nil in a function that was called in another way.
func (m *Machine) Recover(p *Panicking) any {
	if p == nil || p.recovered {
		return nil
	}
	p.recovered = true
	m.Trace.Take()
	m.At.Store(0)
	if thrown, ok := p.value.(Thrown); ok {
		return thrown.Value
	}
	return p.value
}

// Frame holds the deferred calls of one call of a function.
type Frame struct {
	m        *Machine
	deferred []func(*Panicking)
	results  []reflect.Value // pointers to the named results
}

// Framed returns the function that calls the function of a number, whose first parameter is a Frame, and runs what that
// deferred. There may be a second parameter of its own, a Panicking.
func (m *Machine) Framed(number int, in, out []reflect.Type) reflect.Value {
	return makeFunc(in, out, func(args []reflect.Value) []reflect.Value {
		return m.framed(number, args, out)
	})
}

func (m *Machine) framed(number int, args []reflect.Value, out []reflect.Type) (results []reflect.Value) {
	frame := &Frame{m: m}
	returned := false
	defer func() {
		if returned {
			return
		}
		p := &Panicking{value: recover()}
		for len(frame.deferred) > 0 && !p.recovered {
			p = frame.runOne(p)
		}
		for p.recovered && len(frame.deferred) > 0 { // the rest runs as after a return, and may panic anew
			if q := frame.runOne(nil); q != nil {
				p = q
				for len(frame.deferred) > 0 && !p.recovered {
					p = frame.runOne(p)
				}
			}
		}
		if !p.recovered {
			panic(p.value)
		}
		results = nil
		for i, t := range out {
			value := reflect.New(t).Elem()
			if i < len(frame.results) && frame.results[i].IsValid() {
				value.Set(recast(frame.results[i], reflect.PointerTo(t)).Elem())
			}
			results = append(results, value)
		}
	}()
	results = m.Functions[number].Call(append([]reflect.Value{reflect.ValueOf(frame)}, args...))
	returned = true
	return results
}

// runOne runs the last of the deferred calls. It returns the panic that goes on, a new one where the call panicked.
func (f *Frame) runOne(p *Panicking) (next *Panicking) {
	call := f.deferred[len(f.deferred)-1]
	f.deferred = f.deferred[:len(f.deferred)-1]
	done := false
	defer func() {
		if !done {
			next = &Panicking{value: recover()}
		}
	}()
	call(p)
	done = true
	return p
}

// RunDefers runs the deferred calls of a function that returns.
func (f *Frame) RunDefers() {
	for len(f.deferred) > 0 {
		call := f.deferred[len(f.deferred)-1]
		f.deferred = f.deferred[:len(f.deferred)-1]
		call(nil)
	}
}

// Defer returns the function that defers a call of function for its frame. Of recovers, the first parameter becomes the
// panic that runs, if any.
func (m *Machine) Defer(function reflect.Value, recovers bool) reflect.Value {
	t := function.Type()
	in := []reflect.Type{reflect.TypeFor[*Frame]()}
	for i := range t.NumIn() {
		if !recovers || i > 0 {
			in = append(in, t.In(i))
		}
	}
	return makeFunc(in, nil, func(args []reflect.Value) []reflect.Value {
		frame := args[0].Interface().(*Frame)
		rest := keep(args[1:])
		frame.deferred = append(frame.deferred, func(p *Panicking) {
			given := rest
			if recovers {
				given = append([]reflect.Value{reflect.ValueOf(p)}, rest...)
			}
			callPlain(function, given)
		})
		return nil
	})
}

// Go returns the function that calls function in a goroutine of its own.
func (m *Machine) Go(function reflect.Value, recovers bool) reflect.Value {
	t := function.Type()
	var in []reflect.Type
	for i := range t.NumIn() {
		if !recovers || i > 0 {
			in = append(in, t.In(i))
		}
	}
	return makeFunc(in, nil, func(args []reflect.Value) []reflect.Value {
		rest := keep(args)
		if recovers {
			rest = append([]reflect.Value{reflect.Zero(t.In(0))}, rest...)
		}
		go func() {
			defer func() {
				if r := recover(); r != nil {
					m.Crashed(r)
				}
			}()
			callPlain(function, rest)
		}()
		return nil
	})
}

// keep copies arguments, which the interpreter may hold in variables of its own.
func keep(args []reflect.Value) []reflect.Value {
	kept := make([]reflect.Value, len(args))
	for i, arg := range args {
		kept[i] = reflect.New(arg.Type()).Elem()
		kept[i].Set(arg)
	}
	return kept
}

// callPlain calls a function with all its arguments, the last of a variadic one being a slice.
func callPlain(function reflect.Value, args []reflect.Value) []reflect.Value {
	if function.Kind() == reflect.Func && function.IsNil() {
		panic(nilPointer)
	}
	if function.Type().IsVariadic() {
		return function.CallSlice(args)
	}
	return function.Call(args)
}

// Panic is panic(x).
func (m *Machine) Panic(at int, x any) {
	x = m.Normal(x)
	if x == nil {
		x = new(runtime.PanicNilError)
	}
	panic(Thrown{x, at})
}

// Crash describes a panic that nothing recovered: its text, where it was ("" where that is not known), and what the
// interpreter wrote of the calls that it unwound.
func (m *Machine) Crash(r any) (text, where, trace string) {
	at := int(m.At.Load())
	thrown, ok := r.(Thrown)
	if ok {
		r = thrown.Value
		if thrown.At != 0 {
			at = thrown.At
		}
	}
	if at != 0 {
		where = m.Where(at)
	}
	return m.panicText(r), where, m.Trace.Take()
}

// panicText writes a value as the compiler's run time does.
func (m *Machine) panicText(x any) string {
	x = m.Normal(x)
	switch v := x.(type) {
	case Box:
		switch {
		case v.T.has("Error", 0, 1):
			return v.call("Error")[0].String()
		case v.T.has("String", 0, 1):
			return v.call("String")[0].String()
		}
		switch value := v.value(); value.Kind() {
		case reflect.String:
			return fmt.Sprintf("%s(%s)", v.T, strconv.Quote(value.String()))
		case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint,
			reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
			return fmt.Sprintf("%s(%v)", v.T, value.Interface())
		}
		return fmt.Sprintf("(%s) %v", v.T, v)
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case string:
		return v
	}
	return fmt.Sprint(x)
}

// makeFunc makes a function of the given types.
func makeFunc(in, out []reflect.Type, do func([]reflect.Value) []reflect.Value) reflect.Value {
	return reflect.MakeFunc(reflect.FuncOf(in, out, false), do)
}
