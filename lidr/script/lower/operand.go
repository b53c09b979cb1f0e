package lower

import (
	"fmt"
	"go/constant"
	"go/types"
	"reflect"
	"strconv"

	"golang.org/x/tools/go/ssa"
)

// operand returns what a statement writes for a value: the name of a variable, or a literal that has the same meaning
// in the interpreter.
func (fn *function) operand(v ssa.Value) string {
	switch v := v.(type) {
	case *ssa.Const:
		return fn.constantOperand(v)
	case *ssa.Global:
		return fn.global(v)
	case *ssa.Function:
		return fn.functionValue(v)
	}
	return fn.register(v)
}

func (fn *function) constantOperand(c *ssa.Const) string {
	t := fn.t(c.Type())
	if c.Value == nil {
		return fn.constant(reflect.Zero(t.Layout), fmt.Sprintf("zero %p", t))
	}
	v := reflect.New(t.Layout).Elem()
	switch {
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(constant.BoolVal(c.Value))
	case v.Kind() == reflect.String:
		v.SetString(constant.StringVal(c.Value))
	case v.CanInt():
		n := c.Int64()
		if t.Layout == reflect.TypeFor[int]() && n >= 0 && n < 1<<31 {
			return strconv.FormatInt(n, 10)
		}
		v.SetInt(n)
	case v.CanUint():
		v.SetUint(c.Uint64())
	case v.CanFloat():
		v.SetFloat(c.Float64())
		if v.Kind() == reflect.Float32 {
			f, _ := constant.Float32Val(constant.ToFloat(c.Value))
			v.SetFloat(float64(f))
		}
	case v.CanComplex():
		v.SetComplex(c.Complex128())
	default:
		fn.refuse(fn.f.Pos(), "constant %s of type %s", c, t)
	}
	return fn.constant(v, fmt.Sprintf("%p %s", t, c.Value.ExactString()))
}

// global is the address of a variable of a package.
func (fn *function) global(g *ssa.Global) string {
	key := fmt.Sprintf("global %p", g)
	if name, ok := fn.cache["constant "+key]; ok {
		return name
	}
	if fn.m.Host.Has(g.Pkg.Pkg.Path()) {
		return fn.constant(fn.m.Host.Symbol(g.Pkg.Pkg.Path(), g.Name()).Addr(), key)
	}
	return fn.constant(fn.variableOf(g), key)
}

// variableOf is the address of a variable of the script's, which is made at its first use.
func (l *Lowering) variableOf(g *ssa.Global) reflect.Value {
	address, ok := l.globalAt[g]
	if !ok {
		pointer := l.t(g.Type())
		address = pointer.Hide(reflect.New(l.t(g.Type().(*types.Pointer).Elem()).Layout))
		l.globalAt[g] = address
	}
	return address
}

// Variable returns the value of a variable of a package as an interface holds it.
func (l *Lowering) Variable(g *ssa.Global) any {
	of := g.Type().(*types.Pointer).Elem()
	l.withMethods(of)
	return l.m.Held(l.t(g.Type()), l.t(of), l.variableOf(g))
}

// functionValue is a function as a value.
func (fn *function) functionValue(f *ssa.Function) string {
	if isHost(f) {
		of := fn.hostFunction(f)
		t := fn.t(f.Signature)
		return fn.constant(t.Hide(fn.m.WithoutPosition(of, t)), "host value "+f.String())
	}
	if recovers(f) {
		fn.refuse(f.Pos(), "a function that calls recover is used as a value; defer it itself, or a function literal")
	}
	t := fn.t(f.Signature)
	return fn.constant(fn.m.Function(fn.entry(f), t), fmt.Sprintf("function %d", fn.number(f)))
}

// entry returns the number of a function as the machine calls it: one with deferred calls by the function that runs
// them.
func (l *Lowering) entry(f *ssa.Function) int {
	if !hasDefers(f) {
		return l.registered(f)
	}
	key := fmt.Sprintf("entry %d", l.number(f))
	if name, ok := l.cache[key]; ok {
		number, _ := strconv.Atoi(name)
		return number
	}
	framed := l.framed(f)
	number := len(l.m.Functions)
	l.m.Functions = append(l.m.Functions, framed)
	l.cache[key] = strconv.Itoa(number)
	return number
}

// isHost tells a function of the host, which has no body here.
func isHost(f *ssa.Function) bool { return f.Blocks == nil }

// hostFunction returns a function or method of the host in the form that statements call, with a position first.
func (l *Lowering) hostFunction(f *ssa.Function) reflect.Value {
	object, ok := f.Object().(*types.Func)
	if !ok {
		l.refuse(f.Pos(), "function %s is not available to scripts", f)
		return reflect.ValueOf(func(int) {})
	}
	signature := object.Type().(*types.Signature)
	if signature.Recv() == nil {
		symbol := l.m.Host.Symbol(object.Pkg().Path(), object.Name())
		if !symbol.IsValid() {
			l.refuse(f.Pos(), "%s is not available to scripts", f)
			return reflect.ValueOf(func(int) {})
		}
		return l.m.HostFunction(object.Pkg().Path(), object.Name(), symbol)
	}
	receiver := l.t(signature.Recv().Type())
	method, ok := receiver.Layout.MethodByName(object.Name())
	if !ok {
		l.refuse(f.Pos(), "method %s is not available to scripts", f)
		return reflect.ValueOf(func(int) {})
	}
	return l.m.HostFunction(object.Pkg().Path(), types.TypeString(receiver.T, nil)+"."+object.Name(), method.Func)
}
