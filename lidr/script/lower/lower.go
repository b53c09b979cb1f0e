// Package lower brings a script that go/types has checked into the form that the interpreter runs.
//
// The form is what package go/ssa makes of Go, written as Go again: a function is a list of variables and of blocks
// that end in a goto or a return, and a statement is one assignment of one operation on variables, or one call. That is
// little enough for every statement of it to be tested in the interpreter. Operations that it does in another way than
// the compiler are calls of package value. The types of the form are layouts, without names or methods.
package lower

import (
	"bytes"
	"fmt"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"

	"lidrlab/lidr/script/value"
)

// Issue is a construct without such a form.
type Issue struct {
	Pos     token.Pos
	Message string
}

// Program is what the interpreter gets: a source, and what its package h exports.
type Program struct {
	Source  string
	Symbols map[string]reflect.Value
	Names   map[string]string         // of the functions of the source, as the script has them
	Calls   map[[2]string][]token.Pos // where a function of the source calls another
}

// Lowering lowers the packages of one machine, one after another.
type Lowering struct {
	m        *value.Machine
	out      bytes.Buffer
	globals  bytes.Buffer
	globalAt map[*ssa.Global]reflect.Value
	symbols  map[string]reflect.Value
	cache    map[string]string
	numbers  map[*ssa.Function]int
	names    map[string]string
	calls    map[[2]string][]token.Pos
	queue    []*ssa.Function
	used     []int // functions that the machine calls
	methods  map[*value.Type]bool
	issues   []Issue
	prog     *ssa.Program
}

// New returns a lowering for a machine.
func New(m *value.Machine) *Lowering {
	return &Lowering{
		m: m, symbols: map[string]reflect.Value{}, cache: map[string]string{}, numbers: map[*ssa.Function]int{},
		names: map[string]string{}, calls: map[[2]string][]token.Pos{}, methods: map[*value.Type]bool{},
		globalAt: map[*ssa.Global]reflect.Value{},
	}
}

// Part is what the interpreter gets for one package: declarations and, to run after them, statements.
type Part struct{ Declarations, Statements string }

// Package lowers the functions of a package, those named and what they need, to be called in their order.
func (l *Lowering) Package(pkg *ssa.Package, functions ...string) (Part, []Issue) {
	l.prog = pkg.Prog
	l.out.Reset()
	l.globals.Reset()
	issues := l.issues
	l.issues = nil
	defer func() { l.issues = nil }()
	var begin []string
	for _, name := range functions {
		f := pkg.Func(name)
		if f == nil {
			continue
		}
		call := l.callee(f)
		if recovers(f) {
			begin = append(begin, call+"("+l.noPanic()+")")
			continue
		}
		begin = append(begin, call+"()")
	}
	for len(l.queue) > 0 {
		f := l.queue[0]
		l.queue = l.queue[1:]
		l.function(f)
	}
	l.symbols["Register"] = reflect.ValueOf(func(number int, function any) {
		l.m.Functions[number] = reflect.ValueOf(function)
	})
	var statements strings.Builder
	for _, number := range l.used {
		fmt.Fprintf(&statements, "\th.Register(%d, f%d)\n", number, number)
	}
	l.used = nil
	for _, call := range begin {
		statements.WriteString("\t" + call + "\n")
	}
	return Part{l.globals.String() + l.out.String(), statements.String()}, append(issues, l.issues...)
}

// Symbols is what package h exports to the parts that were lowered.
func (l *Lowering) Symbols() map[string]reflect.Value { return l.symbols }

// Main lowers a program that begins in functions of a package.
func (l *Lowering) Main(pkg *ssa.Package, functions ...string) (*Program, []Issue) {
	part, issues := l.Package(pkg, functions...)
	source := "package main\n\nimport \"h\"\n\n" + part.Declarations + "\nfunc main() {\n" + part.Statements + "}\n"
	return &Program{source, l.symbols, l.names, l.calls}, issues
}

func (l *Lowering) refuse(pos token.Pos, format string, a ...any) {
	l.issues = append(l.issues, Issue{pos, fmt.Sprintf(format, a...)})
}

// number returns the number of a function, which is lowered if it was not yet.
func (l *Lowering) number(f *ssa.Function) int {
	number, ok := l.numbers[f]
	if !ok {
		number = len(l.m.Functions)
		l.m.Functions = append(l.m.Functions, reflect.Value{})
		l.numbers[f] = number
		l.names[fmt.Sprintf("f%d", number)] = name(f)
		l.queue = append(l.queue, f)
	}
	return number
}

// registered returns the number of a function that the machine calls.
func (l *Lowering) registered(f *ssa.Function) int {
	number := l.number(f)
	if !slices.Contains(l.used, number) && !l.m.Functions[number].IsValid() {
		l.used = append(l.used, number)
	}
	return number
}

// callee returns the name by which a statement calls a function of the script.
func (l *Lowering) callee(f *ssa.Function) string {
	if !hasDefers(f) {
		return fmt.Sprintf("f%d", l.number(f))
	}
	return l.symbol(fmt.Sprintf("framed %d", l.number(f)), func() reflect.Value { return l.framed(f) })
}

func (l *Lowering) framed(f *ssa.Function) reflect.Value {
	in := l.parameters(f)
	return l.m.Framed(l.registered(f), in, l.results(f))
}

// parameters are the layouts of what a function gets, its bindings first, without its frame.
func (l *Lowering) parameters(f *ssa.Function) []reflect.Type {
	var in []reflect.Type
	if recovers(f) {
		in = append(in, reflect.TypeFor[*value.Panicking]())
	}
	for _, v := range f.FreeVars {
		in = append(in, l.t(v.Type()).Layout)
	}
	for _, p := range f.Params {
		in = append(in, l.t(p.Type()).Layout)
	}
	return in
}

func (l *Lowering) results(f *ssa.Function) []reflect.Type {
	var out []reflect.Type
	for i := range f.Signature.Results().Len() {
		out = append(out, l.t(f.Signature.Results().At(i).Type()).Layout)
	}
	return out
}

func (l *Lowering) t(t types.Type) *value.Type { return l.m.Type(t) }

// symbol returns the name of what package h exports for a key.
func (l *Lowering) symbol(key string, make func() reflect.Value) string {
	name, ok := l.cache[key]
	if !ok {
		name = fmt.Sprintf("h.F%d", len(l.cache))
		l.cache[key] = name
		l.symbols[name[2:]] = make()
	}
	return name
}

// operation is a symbol for an operation on types.
func (l *Lowering) operation(what string, make func() reflect.Value, on ...*value.Type) string {
	key := what
	for _, t := range on {
		key += fmt.Sprintf(" %p", t)
	}
	return l.symbol(key, make)
}

// layout returns the name of a type in the source.
func (l *Lowering) layout(t reflect.Type) string {
	if t.PkgPath() == "" && t.Kind() <= reflect.Complex128 || t.PkgPath() == "" && t.Kind() == reflect.String {
		return t.Kind().String()
	}
	return l.symbol(fmt.Sprintf("type %p", t), func() reflect.Value {
		return reflect.Zero(reflect.PointerTo(t))
	})
}

// constant returns the name of a variable of the source that holds a value.
func (l *Lowering) constant(v reflect.Value, key string) string {
	name, ok := l.cache["constant "+key]
	if !ok {
		name = fmt.Sprintf("k%d", len(l.cache))
		l.cache["constant "+key] = name
		if v.IsZero() && v.Kind() != reflect.Float64 && v.Kind() != reflect.Float32 { // not so minus zero
			fmt.Fprintf(&l.globals, "var %s %s\n", name, l.layout(v.Type()))
			return name
		}
		// A function returns it, for the interpreter takes a nil pointer that a package exports for a type.
		t := reflect.FuncOf(nil, []reflect.Type{v.Type()}, false)
		l.symbols["K"+name] = reflect.MakeFunc(t, func([]reflect.Value) []reflect.Value { return []reflect.Value{v} })
		fmt.Fprintf(&l.globals, "var %s %s = h.K%s()\n", name, l.layout(v.Type()), name)
	}
	return name
}

func hasDefers(f *ssa.Function) bool {
	for _, b := range f.Blocks {
		for _, i := range b.Instrs {
			if _, ok := i.(*ssa.Defer); ok {
				return true
			}
		}
	}
	return false
}

// recovers tells whether a function itself calls recover.
func recovers(f *ssa.Function) bool {
	for _, b := range f.Blocks {
		for _, i := range b.Instrs {
			if call, ok := i.(*ssa.Call); ok && isBuiltin(call.Call.Value, "recover") {
				return true
			}
		}
	}
	return false
}

func isBuiltin(v ssa.Value, name string) bool {
	builtin, ok := v.(*ssa.Builtin)
	return ok && builtin.Name() == name
}

// withMethods makes the methods known of every type of which a value in an interface may consist.
func (l *Lowering) withMethods(of types.Type) {
	t := l.t(of)
	if l.methods[t] {
		return
	}
	l.methods[t] = true
	if !types.IsInterface(of) && t.Script {
		for selection := range l.prog.MethodSets.MethodSet(of).Methods() {
			f := l.prog.MethodValue(selection)
			if f == nil {
				continue
			}
			if t.Methods == nil {
				t.Methods = map[string]int{}
			}
			method := selection.Obj()
			if results := f.Signature.Results(); method.Name() == "Unwrap" && results.Len() == 1 &&
				l.t(results.At(0).Type()).Layout.Kind() == reflect.Slice {
				l.refuse(method.Pos(), "package errors does not see an Unwrap of several errors; use errors.Join")
			}
			t.Methods[method.Name()] = l.entry(f)
			if recovers(f) {
				l.refuse(f.Pos(), "a method that calls recover; call recover in a function literal that is deferred")
			}
		}
	}
	l.m.Components(of, l.withMethods)
	if _, ok := of.(*types.Pointer); !ok {
		if named, ok := types.Unalias(of).(*types.Named); ok && t.Script {
			l.withMethods(types.NewPointer(named))
		}
	}
}

// name is what a trace calls a function.
func name(f *ssa.Function) string {
	if f.Pkg == nil {
		return f.String()
	}
	return f.RelString(f.Pkg.Pkg)
}
