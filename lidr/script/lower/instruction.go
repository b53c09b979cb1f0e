package lower

import (
	"fmt"
	"go/token"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/ssa"

	"lidrlab/lidr/script/value"
)

// instruction lowers a statement that stays in its block.
func (fn *function) instruction(i ssa.Instruction) {
	m := fn.m
	switch i := i.(type) {
	case *ssa.Alloc:
		pointer := fn.t(i.Type())
		elem := fn.t(i.Type().Underlying().(*types.Pointer).Elem())
		fn.emit("%s = %s()", fn.register(i),
			fn.operation("new", func() reflect.Value { return m.New(pointer, elem) }, pointer, elem))
		fn.result(i)
	case *ssa.BinOp:
		fn.binary(i)
	case *ssa.UnOp:
		fn.unary(i)
	case *ssa.Call:
		fn.call(i)
	case *ssa.Go:
		fn.spawn(i)
	case *ssa.Defer:
		fn.deferred(i)
	case *ssa.RunDefers:
		if hasDefers(fn.f) {
			fn.emit("%s(d)", fn.symbol("rundefers", func() reflect.Value { return reflect.ValueOf((*value.Frame).RunDefers) }))
		}
	case *ssa.Panic:
		fn.emit("%s(%d, %s)", fn.symbol("panic", func() reflect.Value { return reflect.ValueOf(m.Panic) }), fn.at(i),
			fn.operand(i.X))
		if !strings.HasSuffix(fn.body.String(), "return\n") {
			fn.emit("goto L%d", i.Block().Index)
		}
	case *ssa.ChangeType, *ssa.Convert:
		fn.convert(i.(ssa.Value), *i.Operands(nil)[0])
	case *ssa.ChangeInterface:
		from := fn.t(i.X.Type())
		to := fn.t(i.Type())
		fn.emit("%s = %s(%s)", fn.register(i), fn.operation("changeinterface", func() reflect.Value {
			return m.ChangeInterface(from, to)
		}, from, to), fn.operand(i.X))
	case *ssa.MakeInterface:
		fn.makeInterface(i)
	case *ssa.TypeAssert:
		from := fn.t(i.X.Type())
		to := fn.t(i.AssertedType)
		fn.emit("%s = %s(%d, %s)", fn.register(i), fn.operation(fmt.Sprint("assert ", i.CommaOk), func() reflect.Value {
			return m.TypeAssert(from, to, i.CommaOk)
		}, from, to), fn.at(i), fn.operand(i.X))
	case *ssa.SliceToArrayPointer:
		from := fn.t(i.X.Type())
		to := fn.t(i.Type())
		fn.emit("%s = %s(%d, %s)", fn.register(i), fn.operation("toarray", func() reflect.Value {
			return m.ToArray(from, to)
		}, from, to), fn.at(i), fn.operand(i.X))
	case *ssa.MakeClosure:
		fn.closure(i)
	case *ssa.FieldAddr, *ssa.IndexAddr, *ssa.Field, *ssa.Index, *ssa.Store, *ssa.Slice, *ssa.MakeSlice:
		fn.memory(i)
	case *ssa.Extract:
		fn.names[i] = fn.component(i.Tuple, i.Index)
	case *ssa.MakeMap, *ssa.MapUpdate, *ssa.Lookup, *ssa.Range, *ssa.Next:
		fn.mapping(i)
	case *ssa.MakeChan, *ssa.Send, *ssa.Select:
		fn.channel(i)
	default:
		fn.refuse(fn.position(i), "%T is not supported", i)
	}
}

// result tells the frame which variable a named result is, for a panic that is recovered.
func (fn *function) result(a *ssa.Alloc) {
	if !hasDefers(fn.f) || fn.f.Recover == nil {
		return
	}
	for _, i := range fn.f.Recover.Instrs {
		back, ok := i.(*ssa.Return)
		if !ok {
			continue
		}
		for n, r := range back.Results {
			if load, ok := r.(*ssa.UnOp); ok && load.X == a {
				t := fn.t(a.Type())
				fn.emit("%s(d, %d, %s)", fn.operation("result", func() reflect.Value { return fn.m.Result(t) }, t), n,
					fn.register(a))
			}
		}
	}
}

// native tells whether the interpreter computes with values of a type as the compiler does.
func native(t *value.Type) bool {
	basic, ok := t.T.Underlying().(*types.Basic)
	return ok && t.Layout.PkgPath() == "" && basic.Info()&types.IsComplex == 0 && basic.Info()&types.IsConstType != 0
}

func (fn *function) binary(i *ssa.BinOp) {
	x := fn.t(i.X.Type())
	to := fn.register(i)
	a := fn.operand(i.X)
	b := fn.operand(i.Y)
	basic, isBasic := x.T.Underlying().(*types.Basic)
	switch i.Op {
	case token.EQL, token.NEQ:
		switch {
		case native(x):
			fn.emit("%s = %s %s %s", to, a, i.Op, b)
			return
		case x.Layout.Kind() == reflect.Chan && fn.t(i.Y.Type()) != x && !isNil(i.X) && !isNil(i.Y):
			y := fn.t(i.Y.Type())
			fn.emit("%s = %s(%s, %s)", to,
				fn.operation("samechannel", func() reflect.Value { return fn.m.SameChannel(x, y) }, x, y), a, b)
		case isNil(i.Y) && !types.IsInterface(x.T):
			fn.emit("%s = %s(%s)", to, fn.isNil(x), a)
		case isNil(i.X) && !types.IsInterface(x.T):
			fn.emit("%s = %s(%s)", to, fn.isNil(x), b)
		default:
			fn.emit("%s = %s(%s, %s)", to,
				fn.operation("equals", func() reflect.Value { return fn.m.Equals(x) }, x), a, b)
		}
		if i.Op == token.NEQ {
			fn.emit("%s = !%s", to, to)
		}
	case token.SHL, token.SHR:
		count := fn.t(i.Y.Type())
		fn.emit("%s = %s(%d, %s, %s)", to, fn.operation("shift"+i.Op.String(), func() reflect.Value {
			return fn.m.Shift(x, count, i.Op == token.SHL)
		}, x, count), fn.at(i), a, b)
	default:
		if isBasic && basic.Info()&types.IsComplex != 0 {
			fn.emit("%s = %s(%s, %s)", to, fn.operation("complex"+i.Op.String(), func() reflect.Value {
				return fn.m.Complex(i.Op, x)
			}, x), a, b)
			return
		}
		if !native(x) {
			fn.emit("%s = %s(%s, %s)", to, fn.operation("arithmetic"+i.Op.String(), func() reflect.Value {
				return fn.m.Arithmetic(i.Op, x, fn.t(i.Type()))
			}, x), a, b)
			return
		}
		if basic.Info()&types.IsInteger != 0 && (i.Op == token.QUO || i.Op == token.REM) {
			if _, ok := i.Y.(*ssa.Const); ok { // the interpreter refuses a constant zero
				divisor := fn.variable(x.Layout)
				fn.emit("%s = %s", divisor, b)
				b = divisor
			}
			fn.emit("if %s == %s { %s(%d) }", b, fn.constant(reflect.Zero(x.Layout), fmt.Sprintf("zero %p", x)),
				fn.symbol("divide", func() reflect.Value { return reflect.ValueOf(value.DivideByZero) }), fn.at(i))
		}
		fn.emit("%s = %s %s %s", to, a, i.Op, b)
	}
}

func isNil(v ssa.Value) bool {
	c, ok := v.(*ssa.Const)
	return ok && c.IsNil()
}

func (fn *function) isNil(t *value.Type) string {
	return fn.operation("isnil", func() reflect.Value { return fn.m.IsNil(t) }, t)
}

func (fn *function) unary(i *ssa.UnOp) {
	x := fn.t(i.X.Type())
	switch i.Op {
	case token.MUL:
		fn.load(i)
	case token.ARROW:
		elem := fn.t(x.T.Underlying().(*types.Chan).Elem())
		receive := fn.operation("receive", func() reflect.Value { return fn.m.Receive(x, elem) }, x, elem)
		if i.CommaOk {
			fn.emit("%s = %s(%s)", fn.register(i), receive, fn.operand(i.X))
			return
		}
		fn.emit("%s, %s = %s(%s)", fn.register(i), fn.variable(reflect.TypeFor[bool]()), receive, fn.operand(i.X))
	default:
		if !native(x) {
			fn.emit("%s = %s(%s)", fn.register(i), fn.operation("unary"+i.Op.String(), func() reflect.Value {
				return fn.m.Unary(i.Op, x)
			}, x), fn.operand(i.X))
			return
		}
		fn.emit("%s = %s%s", fn.register(i), i.Op, fn.operand(i.X))
	}
}

// convert lowers T(x) where the value stays or one number, string or slice becomes another.
func (fn *function) convert(to, x ssa.Value) {
	from := fn.t(x.Type())
	result := fn.t(to.Type())
	if from.Layout == result.Layout {
		fn.emit("%s = %s", fn.register(to), fn.operand(x))
		return
	}
	fn.emit("%s = %s(%s)", fn.register(to), fn.operation("convert", func() reflect.Value {
		if types.IsInterface(from.T) {
			return fn.m.ChangeInterface(from, result)
		}
		return fn.m.Convert(from, result)
	}, from, result), fn.operand(x))
}

func (fn *function) makeInterface(i *ssa.MakeInterface) {
	from := fn.t(i.X.Type())
	to := fn.t(i.Type())
	fn.withMethods(i.X.Type())
	if from.Script && to.Layout.PkgPath() != "" && fn.m.Wrapper(to) == nil {
		fn.refuse(fn.position(i), "a %s cannot become a %s of the host; there is no wrapper for it", from, to)
		return
	}
	if method := fn.m.Overlooked(from, to); method != "" && from.Script {
		fn.refuse(fn.position(i), "the host does not see method %s of a %s behind %s; call it in the script", method, from,
			to)
	}
	fn.emit("%s = %s(%s)", fn.register(i), fn.operation("makeinterface", func() reflect.Value {
		return fn.m.MakeInterface(from, to)
	}, from, to), fn.operand(i.X))
}

func (fn *function) closure(i *ssa.MakeClosure) {
	f := i.Fn.(*ssa.Function)
	if recovers(f) {
		for _, user := range *i.Referrers() {
			if call, ok := user.(ssa.CallInstruction); !ok || call.Common().Value != ssa.Value(i) || uses(call, i) > 1 {
				fn.refuse(f.Pos(), "a function that calls recover is used as a value; defer the function literal itself")
				return
			}
		}
		return // each call names the function
	}
	var layouts []reflect.Type
	var bindings []string
	var types []*value.Type
	for _, b := range i.Bindings {
		t := fn.t(b.Type())
		types = append(types, t)
		layouts = append(layouts, t.Layout)
		bindings = append(bindings, fn.operand(b))
	}
	to := fn.t(i.Type())
	number := fn.entry(f)
	fn.emit("%s = %s(%s)", fn.register(i), fn.operation(fmt.Sprint("closure ", number), func() reflect.Value {
		return fn.m.Closure(number, layouts, to)
	}, append(types, to)...), strings.Join(bindings, ", "))
}

// uses counts how often a call has a value among its operands.
func uses(call ssa.CallInstruction, v ssa.Value) int {
	n := 0
	for _, operand := range call.Operands(nil) {
		if *operand == v {
			n++
		}
	}
	return n
}
