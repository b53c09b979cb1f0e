// Package value holds the values of a script while the interpreter runs it, and does what the interpreter itself does
// in another way than the compiler: interface values and their methods, closures, deferred calls and panics, maps,
// channels, conversions.
//
// The interpreter sees no type of the script. Each has a layout ([Type.Layout]), a type of package reflect without
// names and methods. What tells them apart is kept where Go itself needs it, in interface values ([Box]).
package value

import (
	"go/types"
	"reflect"
	"sync"
	"sync/atomic"

	"golang.org/x/tools/go/types/typeutil"

	"lidrlab/lidr/script/host"
)

// Machine is what the values of one script share.
type Machine struct {
	Host      *host.Packages
	Functions []reflect.Value  // the script's functions by number, once the interpreter has compiled them
	Where     func(int) string // the file and line of a position
	Crashed   func(any)        // ends the process after a panic in a goroutine of the script
	Trace     *Trace           // what the interpreter writes of the calls that a panic unwinds
	At        atomic.Int64     // the position at which the host panicked, or 0

	methods  sync.Map   // of the host, in the form of hostForm, by type and name
	mu       sync.Mutex // of what follows
	types    typeutil.Map
	wrappers map[reflect.Type]bool
	asserts  map[[2]*Type]bool
}

// New returns the machine of a script that sees the host's packages.
func New(h *host.Packages) *Machine {
	return &Machine{Host: h, Trace: &Trace{}, wrappers: map[reflect.Type]bool{}, asserts: map[[2]*Type]bool{}}
}

// Type is a type of the script or of the host. There is one for all identical types.
type Type struct {
	T       types.Type
	Layout  reflect.Type   // of a value in a variable, in memory and in calls
	Script  bool           // an interface holds it in a Box
	Methods map[string]int // numbers of functions; of types of the script, whose receiver is the first parameter

	machine *Machine
	whole   reflect.Type
}

var (
	anyType   = reflect.TypeFor[any]()
	errorType = reflect.TypeFor[error]()
)

// Type returns the type for one of go/types.
func (m *Machine) Type(t types.Type) *Type {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.typeOf(t)
}

func (m *Machine) typeOf(t types.Type) *Type {
	t = types.Unalias(t)
	if found, ok := m.types.At(t).(*Type); ok {
		return found
	}
	made := &Type{T: t, machine: m, Script: m.mentions(t, map[types.Type]bool{})}
	m.types.Set(t, made)
	if m.recursive(t) {
		made.Layout = reflect.TypeFor[opaque]()
		if _, ok := t.Underlying().(*types.Slice); ok {
			made.Layout = reflect.TypeFor[opaqueSlice]()
		}
		return made
	}
	made.Layout = m.layout(t)
	made.whole = made.Layout
	return made
}

// mentions tells whether a value of type t in an interface needs a Box: whether a name that the script gave, or a
// layout that is not the type's own, is part of it.
func (m *Machine) mentions(t types.Type, seen map[types.Type]bool) bool {
	t = types.Unalias(t)
	if seen[t] {
		return false
	}
	seen[t] = true
	switch u := t.(type) {
	case *types.Named:
		name := u.Obj()
		return name.Pkg() != nil && m.Host.Reflect(name) == nil
	case *types.Pointer:
		return m.mentions(u.Elem(), seen)
	case *types.Slice:
		return m.mentions(u.Elem(), seen)
	case *types.Array:
		return m.mentions(u.Elem(), seen)
	case *types.Chan:
		return m.mentions(u.Elem(), seen)
	case *types.Map:
		return m.mentions(u.Key(), seen) || m.mentions(u.Elem(), seen)
	case *types.Signature:
		for _, tuple := range []*types.Tuple{u.Params(), u.Results()} {
			for i := range tuple.Len() {
				if m.mentions(tuple.At(i).Type(), seen) {
					return true
				}
			}
		}
	case *types.Struct:
		for i := range u.NumFields() {
			field := u.Field(i)
			if !field.Exported() || field.Embedded() || m.mentions(field.Type(), seen) {
				return true
			}
		}
	case *types.Interface:
		return u.NumMethods() > 0
	}
	return false
}

// components calls do for the types of which a value of t directly consists, unless t is a type of the host.
func (m *Machine) components(t types.Type, do func(types.Type)) {
	t = types.Unalias(t)
	if named, ok := t.(*types.Named); ok && (named.Obj().Pkg() == nil || m.Host.Reflect(named.Obj()) != nil) {
		return
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		do(u.Elem())
	case *types.Slice:
		do(u.Elem())
	case *types.Array:
		do(u.Elem())
	case *types.Chan:
		do(u.Elem())
	case *types.Map:
		do(u.Key())
		do(u.Elem())
	case *types.Signature:
		for _, tuple := range []*types.Tuple{u.Params(), u.Results()} {
			for i := range tuple.Len() {
				do(tuple.At(i).Type())
			}
		}
	case *types.Struct:
		for i := range u.NumFields() {
			do(u.Field(i).Type())
		}
	}
}

// Components is components for other packages.
func (m *Machine) Components(t types.Type, do func(types.Type)) { m.components(t, do) }
