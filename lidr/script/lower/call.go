package lower

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/ssa"

	"lidrlab/lidr/script/value"
)

// target is what a call calls: the name of a function of the source or of package h, and its arguments.
type target struct {
	name      string
	arguments []string
	script    *ssa.Function // of the source, nil for others
	recovers  bool          // the first parameter, not among the arguments, is a panic
	at        bool          // the first argument is a position
}

// target finds out what a call calls. Builtins have their own ways where they are not deferred.
func (fn *function) target(c *ssa.CallCommon, at int) target {
	var t target
	if c.IsInvoke() {
		of := fn.t(c.Value.Type())
		signature := c.Method.Type().(*types.Signature)
		method := c.Method.Name()
		make := func() reflect.Value {
			return fn.m.Invoke(of, method, fn.layouts(signature.Params()), fn.layouts(signature.Results()), signature.Variadic())
		}
		t = target{name: fn.operation("invoke "+method, make, of), at: true}
		t.arguments = append(t.arguments, fmt.Sprint(at), fn.operand(c.Value))
		t.arguments = append(t.arguments, fn.operands(c.Args)...)
		return t
	}
	if f := c.StaticCallee(); f != nil && !isHost(f) {
		t = target{script: f, recovers: recovers(f)}
		if closure, ok := c.Value.(*ssa.MakeClosure); ok {
			t.arguments = fn.operands(closure.Bindings)
		}
		t.arguments = append(t.arguments, fn.operands(c.Args)...)
		t.name = fn.callee(f)
		return t
	} else if f != nil {
		fn.exposed(f, c.Args)
		t = target{name: fn.symbol("host "+f.String(), func() reflect.Value { return fn.hostFunction(f) }), at: true}
		t.arguments = append([]string{fmt.Sprint(at)}, fn.operands(c.Args)...)
		return t
	}
	of := fn.t(c.Value.Type())
	t = target{name: fn.operation("callvalue", func() reflect.Value { return fn.m.CallValue(of) }, of), at: true}
	t.arguments = append([]string{fmt.Sprint(at), fn.operand(c.Value)}, fn.operands(c.Args)...)
	return t
}

// exposed refuses a call by which the host would look into a value of the script, and not see it as it is.
func (fn *function) exposed(f *ssa.Function, args []ssa.Value) {
	object, ok := f.Object().(*types.Func)
	if !ok || object.Pkg() == nil {
		return
	}
	name := object.Name()
	if receiver := object.Type().(*types.Signature).Recv(); receiver != nil {
		name = types.TypeString(receiver.Type(), nil) + "." + name
	}
	for _, arg := range args {
		made, ok := arg.(*ssa.MakeInterface)
		if !ok || !types.IsInterface(arg.Type()) || arg.Type().Underlying().(*types.Interface).NumMethods() > 0 {
			continue
		}
		if err := fn.m.Exposed(object.Pkg().Path(), name, fn.t(made.X.Type())); err != nil {
			fn.refuse(fn.last, "%s cannot look into a %s: %v", f.Name(), fn.t(made.X.Type()), err)
		}
	}
}

func (fn *function) operands(values []ssa.Value) []string {
	var list []string
	for _, v := range values {
		list = append(list, fn.operand(v))
	}
	return list
}

func (fn *function) layouts(t *types.Tuple) []reflect.Type {
	var list []reflect.Type
	for i := range t.Len() {
		list = append(list, fn.t(t.At(i).Type()).Layout)
	}
	return list
}

func (fn *function) call(i *ssa.Call) {
	if builtin, ok := i.Call.Value.(*ssa.Builtin); ok {
		fn.builtin(i, builtin.Name())
		return
	}
	if f := i.Call.StaticCallee(); f != nil && isHost(f) && f.Name() == "init" {
		return // of an imported package, which the host has done
	}
	t := fn.target(&i.Call, fn.at(i))
	if t.recovers {
		t.arguments = append([]string{fn.noPanic()}, t.arguments...)
	}
	if t.script != nil {
		key := [2]string{fn.name, fmt.Sprintf("f%d", fn.number(t.script))}
		fn.calls[key] = append(fn.calls[key], i.Pos())
	}
	call := "(" + strings.Join(t.arguments, ", ") + ")"
	to := ""
	if i.Call.Signature().Results().Len() > 0 {
		to = fn.register(i) + " = "
	}
	if t.script == nil || hasDefers(t.script) {
		fn.emit("%s%s%s", to, t.name, call)
		return
	}
	fn.callScript(t, to, call)
}

// callScript calls a function of the source. The interpreter passes an argument that reflection takes for zero as zero,
// so that minus zero loses its sign: such a call goes by the host.
func (fn *function) callScript(t target, to, call string) {
	var zeros []string
	always := false
	for i, layout := range fn.parameters(t.script) {
		switch {
		case layout.Kind() == reflect.Float32 || layout.Kind() == reflect.Float64:
			zeros = append(zeros, t.arguments[i])
		case holdsFloats(layout):
			always = true
		}
	}
	byHost := func() string {
		return fn.symbol("by host "+t.name, func() reflect.Value { return fn.symbolOf(t) })
	}
	if always {
		fn.emit("%s%s%s", to, byHost(), call)
		return
	}
	zero := ""
	for _, argument := range zeros {
		switch zero {
		case "":
			zero = fn.variable(reflect.TypeFor[bool]())
			fn.emit("%s = %s == 0", zero, argument)
		default:
			fn.emit("if %s == 0 { %s = true }", argument, zero)
		}
	}
	if zero == "" {
		fn.emit("%s%s%s", to, t.name, call)
		return
	}
	fn.emit("if %s { %s%s%s }", zero, to, byHost(), call)
	fn.emit("if !%s { %s%s%s }", zero, to, t.name, call)
}

// holdsFloats tells whether a number that may be minus zero is part of a value.
func holdsFloats(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return true
	case reflect.Array:
		return holdsFloats(t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			if holdsFloats(field.Type) {
				return true
			}
		}
	}
	return false
}

// noPanic is the panic of a call that was not deferred.
func (l *Lowering) noPanic() string {
	return l.constant(reflect.Zero(reflect.TypeFor[*value.Panicking]()), "no panic")
}

// symbolOf is the value behind the name of a function.
func (fn *function) symbolOf(t target) reflect.Value {
	if t.script == nil {
		return fn.symbols[strings.TrimPrefix(t.name, "h.")]
	}
	if hasDefers(t.script) {
		return fn.symbols[strings.TrimPrefix(t.name, "h.")]
	}
	number := fn.registered(t.script)
	return fn.m.ByNumber(number, fn.parameters(t.script), fn.results(t.script))
}

func (fn *function) deferred(i *ssa.Defer) {
	if i.DeferStack != nil {
		fn.refuse(i.Pos(), "defer in the body of a range over a function is not supported")
		return
	}
	t, ok := fn.later(&i.Call, fn.at(i))
	if !ok {
		return
	}
	name := fn.symbol("defer "+t.name, func() reflect.Value { return fn.m.Defer(fn.symbolOf(t), t.recovers) })
	fn.emit("%s(%s)", name, strings.Join(append([]string{"d"}, t.arguments...), ", "))
}

func (fn *function) spawn(i *ssa.Go) {
	t, ok := fn.later(&i.Call, fn.at(i))
	if !ok {
		return
	}
	name := fn.symbol("go "+t.name, func() reflect.Value { return fn.m.Go(fn.symbolOf(t), t.recovers) })
	fn.emit("%s(%s)", name, strings.Join(t.arguments, ", "))
}

// later is the target of a call that is deferred, or gets a goroutine of its own.
func (fn *function) later(c *ssa.CallCommon, at int) (target, bool) {
	builtin, ok := c.Value.(*ssa.Builtin)
	if !ok {
		if c.IsInvoke() {
			of := fn.t(c.Value.Type())
			fn.emit("%s(%d, %s)", fn.operation("present", func() reflect.Value { return fn.m.Present(of) }, of), at,
				fn.operand(c.Value))
		}
		return fn.target(c, at), true
	}
	t := target{arguments: fn.operands(c.Args)}
	switch builtin.Name() {
	case "close":
		of := fn.t(c.Args[0].Type())
		t.name = fn.operation("close", func() reflect.Value { return fn.m.Close(of) }, of)
	case "delete":
		of := fn.t(c.Args[0].Type())
		key := fn.t(c.Args[1].Type())
		t.name = fn.operation("delete", func() reflect.Value { return fn.m.Delete(of, key) }, of, key)
	case "panic":
		t.name = fn.symbol("panic", func() reflect.Value { return reflect.ValueOf(fn.m.Panic) })
		t.arguments = append([]string{fmt.Sprint(at)}, t.arguments...)
	case "copy":
		slice := fn.t(c.Args[0].Type())
		from := fn.t(c.Args[1].Type())
		t.name = fn.operation("copy", func() reflect.Value { return fn.m.Copy(slice, from) }, slice, from)
	case "print", "println":
		t.name, t.arguments = fn.print(builtin.Name(), c.Args)
	default:
		fn.refuse(c.Pos(), "a deferred %s; write defer func() { … }()", builtin.Name())
		return t, false
	}
	return t, true
}
