package lower

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/ssa"

	"lidrlab/lidr/script/value"
)

// mapping lowers what is done with maps, and running over them and over strings.
func (fn *function) mapping(i ssa.Instruction) {
	m := fn.m
	switch i := i.(type) {
	case *ssa.MakeMap:
		t := fn.t(i.Type())
		fn.emit("%s = %s()", fn.register(i), fn.operation("makemap", func() reflect.Value { return m.MakeMap(t) }, t))
	case *ssa.MapUpdate:
		of, key, elem := fn.mapTypes(i.Map)
		fn.emit("%s(%d, %s, %s, %s)", fn.operation("mapupdate", func() reflect.Value {
			return m.MapUpdate(of, key, elem)
		}, of), fn.at(i), fn.operand(i.Map), fn.operand(i.Key), fn.operand(i.Value))
	case *ssa.Lookup:
		of, key, elem := fn.mapTypes(i.X)
		results := fn.register(i)
		if !i.CommaOk {
			results += ", " + fn.variable(reflect.TypeFor[bool]())
		}
		fn.emit("%s = %s(%s, %s)", results, fn.operation("lookup", func() reflect.Value {
			return m.Lookup(of, key, elem)
		}, of), fn.operand(i.X), fn.operand(i.Index))
	case *ssa.Range:
		of := fn.t(i.X.Type())
		fn.emit("%s = %s(%s)", fn.register(i), fn.operation("range", func() reflect.Value { return m.Range(of) }, of),
			fn.operand(i.X))
	case *ssa.Next:
		over := i.Iter.(*ssa.Range).X
		key := fn.t(types.Typ[types.Int])
		elem := fn.t(types.Typ[types.Rune])
		if !i.IsString {
			_, key, elem = fn.mapTypes(over)
		}
		var results []string
		for n, t := range []reflect.Type{reflect.TypeFor[bool](), key.Layout, elem.Layout} {
			if basic, ok := i.Type().(*types.Tuple).At(n).Type().(*types.Basic); ok && basic.Kind() == types.Invalid {
				results = append(results, fn.variable(t))
			} else {
				results = append(results, fn.component(i, n))
			}
		}
		fn.emit("%s = %s(%s)", strings.Join(results, ", "), fn.operation("next", func() reflect.Value {
			return m.Next(key, elem)
		}, key, elem), fn.operand(i.Iter))
	}
}

func (fn *function) mapTypes(v ssa.Value) (of, key, elem *value.Type) {
	t := v.Type().Underlying().(*types.Map)
	return fn.t(v.Type()), fn.t(t.Key()), fn.t(t.Elem())
}

// channel lowers what is done with channels.
func (fn *function) channel(i ssa.Instruction) {
	m := fn.m
	switch i := i.(type) {
	case *ssa.MakeChan:
		t := fn.t(i.Type())
		fn.emit("%s = %s(%s)", fn.register(i), fn.operation("makechan", func() reflect.Value { return m.MakeChan(t) }, t),
			fn.integer(i.Size))
	case *ssa.Send:
		of := fn.t(i.Chan.Type())
		elem := fn.t(of.T.Underlying().(*types.Chan).Elem())
		fn.emit("%s(%s, %s)", fn.operation("send", func() reflect.Value { return m.Send(of, elem) }, of, elem),
			fn.operand(i.Chan), fn.operand(i.X))
	case *ssa.Select:
		var cases []value.Case
		var on []*value.Type
		var arguments []string
		for _, state := range i.States {
			of := fn.t(state.Chan.Type())
			one := value.Case{
				Chan: of, Elem: fn.t(of.T.Underlying().(*types.Chan).Elem()), Send: state.Dir == types.SendOnly,
			}
			cases = append(cases, one)
			on = append(on, of)
			arguments = append(arguments, fn.operand(state.Chan))
			if one.Send {
				arguments = append(arguments, fn.operand(state.Send))
			}
		}
		key := fmt.Sprint("select ", i.Blocking)
		for _, c := range cases {
			key += fmt.Sprint(" ", c.Send)
		}
		fn.emit("%s = %s(%s)", fn.register(i), fn.operation(key, func() reflect.Value {
			return m.Select(cases, i.Blocking)
		}, on...), strings.Join(arguments, ", "))
	}
}
