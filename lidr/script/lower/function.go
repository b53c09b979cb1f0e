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

// function is the lowering of one function.
type function struct {
	*Lowering
	f         *ssa.Function
	name      string
	variables strings.Builder
	body      strings.Builder
	names     map[ssa.Value]string
	fused     map[ssa.Value]bool
	n         int
	last      token.Pos // the last known position
}

func (l *Lowering) function(f *ssa.Function) {
	if f.Blocks == nil {
		l.refuse(f.Pos(), "function %s has no body", f.Name())
		return
	}
	fn := &function{
		Lowering: l, f: f, name: fmt.Sprintf("f%d", l.numbers[f]), names: map[ssa.Value]string{}, fused: map[ssa.Value]bool{},
		last: f.Pos(),
	}
	var parameters, results []string
	if hasDefers(f) {
		parameters = append(parameters, "d "+l.layout(reflect.TypeFor[*value.Frame]()))
	}
	if recovers(f) {
		parameters = append(parameters, "pc "+l.layout(reflect.TypeFor[*value.Panicking]()))
	}
	for i, v := range f.FreeVars {
		fn.names[v] = fmt.Sprintf("v%d", i)
		parameters = append(parameters, fn.names[v]+" "+l.layout(l.t(v.Type()).Layout))
	}
	for i, p := range f.Params {
		fn.names[p] = fmt.Sprintf("p%d", i)
		parameters = append(parameters, fn.names[p]+" "+l.layout(l.t(p.Type()).Layout))
	}
	for _, t := range l.results(f) {
		results = append(results, l.layout(t))
	}
	for _, b := range f.DomPreorder() { // so that a value comes before its uses
		if b != f.Recover {
			fn.block(b)
		}
	}
	fmt.Fprintf(&l.out, "\nfunc %s(%s) (%s) {\n%s%s}\n", fn.name, strings.Join(parameters, ", "),
		strings.Join(results, ", "), fn.variables.String(), fn.body.String())
}

func (fn *function) emit(format string, a ...any) { fmt.Fprintf(&fn.body, "\t"+format+"\n", a...) }

// variable declares a variable of a layout.
func (fn *function) variable(t reflect.Type) string {
	name := fmt.Sprintf("r%d", fn.n)
	fn.n++
	fmt.Fprintf(&fn.variables, "\tvar %s %s\n", name, fn.layout(t))
	return name
}

// register returns the variable of a value, or the first of those of a tuple.
func (fn *function) register(v ssa.Value) string {
	name, ok := fn.names[v]
	if ok {
		return name
	}
	switch t := v.Type().(type) {
	case *types.Tuple:
		var all []string
		for i := range t.Len() {
			all = append(all, fn.variable(fn.part(t, i)))
		}
		name = strings.Join(all, ", ")
	default:
		name = fn.variable(fn.registerType(v))
	}
	fn.names[v] = name
	return name
}

func (fn *function) registerType(v ssa.Value) reflect.Type {
	if _, ok := v.(*ssa.Range); ok {
		return reflect.TypeFor[*value.Iterator]()
	}
	return fn.t(v.Type()).Layout
}

// part is the layout of a component of a tuple; one that nothing uses has none of its own.
func (fn *function) part(t *types.Tuple, i int) reflect.Type {
	if basic, ok := t.At(i).Type().(*types.Basic); ok && basic.Kind() == types.Invalid {
		return reflect.TypeFor[int]()
	}
	return fn.t(t.At(i).Type()).Layout
}

func (fn *function) component(tuple ssa.Value, i int) string {
	return strings.Split(fn.register(tuple), ", ")[i]
}

// block lowers the statements of a block.
func (fn *function) block(b *ssa.BasicBlock) {
	fmt.Fprintf(&fn.body, "L%d:\n", b.Index)
	for _, i := range b.Instrs {
		switch i := i.(type) {
		case *ssa.Phi, *ssa.DebugRef:
		case *ssa.Jump:
			fn.edge(b, b.Succs[0])
		case *ssa.If:
			fn.emit("if %s {", fn.operand(i.Cond))
			fn.edge(b, b.Succs[0])
			fn.emit("}")
			fn.edge(b, b.Succs[1])
		case *ssa.Return:
			var results []string
			for _, r := range i.Results {
				results = append(results, fn.operand(r))
			}
			if len(results) == 0 {
				// The interpreter goes round for ever at a return that two statements lead to.
				fn.emit("%s = 0", fn.variable(reflect.TypeFor[int]()))
			}
			fn.emit("return %s", strings.Join(results, ", "))
		default:
			fn.instruction(i)
		}
	}
}

// edge goes from a block to another, and gives that one's phis their values, all at once.
func (fn *function) edge(from, to *ssa.BasicBlock) {
	var phis []*ssa.Phi
	for _, i := range to.Instrs {
		if phi, ok := i.(*ssa.Phi); ok {
			phis = append(phis, phi)
		}
	}
	edge := 0
	for i, p := range to.Preds {
		if p == from {
			edge = i
		}
	}
	together := false // whether one value is a phi of the same block
	for _, phi := range phis {
		other, ok := phi.Edges[edge].(*ssa.Phi)
		together = together || ok && other.Block() == to && other != phi
	}
	var temporaries []string
	for _, phi := range phis {
		source := fn.operand(phi.Edges[edge])
		switch {
		case together:
			temporary := fn.variable(fn.registerType(phi))
			fn.emit("%s = %s", temporary, source)
			temporaries = append(temporaries, temporary)
		case phi.Edges[edge] != phi:
			fn.emit("%s = %s", fn.register(phi), source)
		}
	}
	for i, temporary := range temporaries {
		fn.emit("%s = %s", fn.register(phis[i]), temporary)
	}
	fn.emit("goto L%d", to.Index)
}

// at is the position of an instruction, as a number: its own or else that of what uses it, or of what was before.
func (fn *function) at(i ssa.Instruction) int { return int(fn.position(i)) }

func (fn *function) position(i ssa.Instruction) token.Pos {
	pos := i.Pos()
	if v, ok := i.(ssa.Value); ok && !pos.IsValid() && v.Referrers() != nil {
		for _, user := range *v.Referrers() {
			if !pos.IsValid() {
				pos = user.Pos()
			}
		}
	}
	if !pos.IsValid() {
		return fn.last
	}
	fn.last = pos
	return pos
}
