package lower

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/ssa"

	"lidrlab/lidr/script/value"
)

func (fn *function) builtin(i *ssa.Call, name string) {
	m := fn.m
	args := i.Call.Args
	give := func(format string, a ...any) { fn.emit(fn.register(i)+" = "+format, a...) }
	switch name {
	case "append":
		slice := fn.t(args[0].Type())
		if len(args) == 1 {
			give("%s", fn.operand(args[0]))
			return
		}
		more := fn.t(args[1].Type())
		give("%s(%s, %s)", fn.operation("append", func() reflect.Value { return m.Append(slice, more) }, slice, more),
			fn.operand(args[0]), fn.operand(args[1]))
	case "copy":
		slice := fn.t(args[0].Type())
		from := fn.t(args[1].Type())
		give("%s(%s, %s)", fn.operation("copy", func() reflect.Value { return m.Copy(slice, from) }, slice, from),
			fn.operand(args[0]), fn.operand(args[1]))
	case "len", "cap":
		of := fn.t(args[0].Type())
		if kind := of.Layout.Kind(); name == "len" && !of.Opaque() && (kind == reflect.String || kind == reflect.Slice) {
			give("len(%s)", fn.operand(args[0]))
			return
		}
		give("%s(%s)", fn.operation(name, func() reflect.Value { return m.Len(of, name == "cap") }, of), fn.operand(args[0]))
	case "close", "delete":
		t, _ := fn.later(&i.Call, fn.at(i))
		fn.emit("%s(%s)", t.name, strings.Join(t.arguments, ", "))
	case "clear":
		of := fn.t(args[0].Type())
		fn.emit("%s(%s)", fn.operation(name, func() reflect.Value { return m.Clear(of) }, of), fn.operand(args[0]))
	case "print", "println":
		print, arguments := fn.print(name, args)
		fn.emit("%s(%s)", print, strings.Join(arguments, ", "))
	case "real", "imag":
		of := fn.t(args[0].Type())
		part := fn.t(i.Type())
		give("%s(%s)", fn.operation(name, func() reflect.Value { return m.Parts(of, part, name == "imag") }, of, part),
			fn.operand(args[0]))
	case "complex":
		part := fn.t(args[0].Type())
		of := fn.t(i.Type())
		give("%s(%s, %s)", fn.operation(name, func() reflect.Value { return m.MakeComplex(part, of) }, part, of),
			fn.operand(args[0]), fn.operand(args[1]))
	case "min", "max":
		of := fn.t(i.Type())
		extreme := fn.operation(name, func() reflect.Value { return m.Extreme(of, name == "max") }, of)
		give("%s", fn.operand(args[0]))
		for _, arg := range args[1:] {
			give("%s(%s, %s)", extreme, fn.register(i), fn.operand(arg))
		}
	case "recover":
		give("%s(pc)", fn.symbol(name, func() reflect.Value { return reflect.ValueOf(m.Recover) }))
	case "ssa:wrapnilchk":
		fn.emit("if %s(%s) { %s(%d, %s, %s) }", fn.isNil(fn.t(args[0].Type())), fn.operand(args[0]),
			fn.symbol("panicwrap", func() reflect.Value { return reflect.ValueOf(value.PanicWrap) }), fn.at(i),
			fn.operand(args[1]), fn.operand(args[2]))
		give("%s", fn.operand(args[0]))
	default:
		fn.refuse(fn.position(i), "builtin %s is not supported", name)
	}
}

// print is print or println: a function of package h for these types, and its arguments.
func (fn *function) print(name string, args []ssa.Value) (string, []string) {
	var in []reflect.Type
	var on []*value.Type
	for _, arg := range args {
		t := fn.t(arg.Type())
		on = append(on, t)
		in = append(in, t.Layout)
		if _, ok := t.T.Underlying().(*types.Basic); !ok {
			fn.refuse(fn.last, "builtin %s of a %s writes an address; use fmt.Fprintln(os.Stderr, …)", name, t)
		}
	}
	return fn.operation(fmt.Sprint(name, " ", len(args)), func() reflect.Value {
		return fn.m.Print(in, name == "println")
	}, on...), fn.operands(args)
}
