package lower

import (
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// effect is something that a function may change: a variable, a field, or what pointers to a type point to.
type effect any

// effects are what the functions of a package may change.
type effects struct {
	direct  map[*ssa.Function]map[effect]bool
	pointed map[effect]bool // to which a pointer may point
	calls   map[*ssa.Function][]*ssa.Function
	values  []*ssa.Function // those that a call of a value may call
	all     map[*ssa.Function]map[effect]bool
}

// newEffects looks at all functions of a program that have a body.
func newEffects(functions map[*ssa.Function]bool) *effects {
	e := &effects{
		direct: map[*ssa.Function]map[effect]bool{}, calls: map[*ssa.Function][]*ssa.Function{},
		all: map[*ssa.Function]map[effect]bool{}, pointed: map[effect]bool{},
	}
	for f := range functions {
		for _, b := range f.Blocks {
			for _, i := range b.Instrs {
				e.points(i)
			}
		}
	}
	for f := range functions {
		if f.Blocks != nil && (f.Parent() != nil || f.Signature.Recv() != nil) {
			e.values = append(e.values, f)
		}
	}
	for f := range functions {
		e.direct[f] = map[effect]bool{}
		for _, b := range f.Blocks {
			for _, i := range b.Instrs {
				e.instruction(f, i)
			}
		}
	}
	return e
}

func (e *effects) instruction(f *ssa.Function, i ssa.Instruction) {
	switch i := i.(type) {
	case *ssa.Store:
		if root(i.Addr) == nil { // else it is of this call, and no one else has seen it
			e.direct[f][e.place(i.Addr)] = true
		}
	case ssa.CallInstruction:
		if builtin, ok := i.Common().Value.(*ssa.Builtin); ok {
			if builtin.Name() == "copy" {
				if slice, ok := i.Common().Args[0].Type().Underlying().(*types.Slice); ok {
					e.direct[f]["elements "+slice.Elem().String()] = true
					e.direct[f]["memory "+slice.Elem().String()] = true
				}
			}
			return
		}
		e.calls[f] = append(e.calls[f], e.callees(i.Common())...)
	}
	for _, operand := range i.Operands(nil) {
		if function, ok := (*operand).(*ssa.Function); ok {
			if call, ok := i.(ssa.CallInstruction); !ok || call.Common().Value != *operand {
				e.values = append(e.values, function)
			}
		}
	}
}

// callees returns the functions of the script that a call may come to.
func (e *effects) callees(c *ssa.CallCommon) []*ssa.Function {
	f := c.StaticCallee()
	switch {
	case f != nil && f.Blocks != nil:
		return []*ssa.Function{f}
	case f == nil && c.IsInvoke():
		return e.named(c.Method.Name())
	case f == nil:
		return e.values
	}
	var found []*ssa.Function
	for _, arg := range c.Args {
		switch {
		case givesFunction(arg.Type()):
			return e.values
		case givesInterface(arg.Type()):
			methods := "String Error Format GoString Unwrap Is As"
			if path := f.Package(); path != nil && !strings.Contains(" fmt errors log strings strconv ",
				" "+path.Pkg.Path()+" ") {
				methods = ""
			}
			found = append(found, e.named(methods)...)
		}
	}
	return found
}

// named returns the methods with these names, or all.
func (e *effects) named(names string) []*ssa.Function {
	var found []*ssa.Function
	for _, f := range e.values {
		if f.Signature.Recv() != nil && (names == "" || strings.Contains(" "+names+" ", " "+f.Name()+" ")) {
			found = append(found, f)
		}
	}
	return found
}

func givesFunction(t types.Type) bool {
	_, ok := t.Underlying().(*types.Signature)
	return ok
}

func givesInterface(t types.Type) bool {
	if slice, ok := t.Underlying().(*types.Slice); ok {
		t = slice.Elem()
	}
	return types.IsInterface(t)
}

// place names what lies at an address: a variable by where it is declared, a field, the elements of slices of a type
// or, where a pointer may point there, all memory of a type.
func (e *effects) place(address ssa.Value) effect {
	of := address.Type().Underlying().(*types.Pointer).Elem().String()
	var named effect
	switch a := address.(type) {
	case *ssa.Global:
		named = a.Object()
	case *ssa.Alloc:
		named = a.Pos()
	case *ssa.FreeVar:
		named = a.Pos()
	case *ssa.FieldAddr:
		named = a.X.Type().Underlying().(*types.Pointer).Elem().Underlying().(*types.Struct).Field(a.Field)
	case *ssa.IndexAddr:
		named = "elements " + of
	}
	if named == nil || e.pointed[named] {
		return "memory " + of
	}
	return named
}

// points notes of an instruction which places become pointers by it.
func (e *effects) points(i ssa.Instruction) {
	for _, operand := range i.Operands(nil) {
		switch (*operand).(type) {
		case *ssa.Global, *ssa.Alloc, *ssa.FreeVar, *ssa.FieldAddr, *ssa.IndexAddr:
		default:
			continue
		}
		switch i := i.(type) {
		case *ssa.UnOp, *ssa.FieldAddr, *ssa.IndexAddr, *ssa.MakeClosure, *ssa.DebugRef:
			continue // it loads, goes on within, or binds the variable itself
		case *ssa.Store:
			if i.Val != *operand {
				continue
			}
		}
		if _, ok := (*operand).Type().Underlying().(*types.Pointer); !ok {
			continue // a captured variable that holds something else
		}
		if place, isText := e.place(*operand).(string); !isText || strings.HasPrefix(place, "elements ") {
			e.pointed[e.place(*operand)] = true
		}
	}
}

// of returns all that a call of these functions may change.
func (e *effects) of(functions []*ssa.Function) map[effect]bool {
	if len(functions) == 1 && e.all[functions[0]] != nil {
		return e.all[functions[0]]
	}
	found := map[effect]bool{}
	seen := map[*ssa.Function]bool{}
	var visit func(*ssa.Function)
	visit = func(f *ssa.Function) {
		if seen[f] {
			return
		}
		seen[f] = true
		for effect := range e.direct[f] {
			found[effect] = true
		}
		for _, callee := range e.calls[f] {
			visit(callee)
		}
	}
	for _, f := range functions {
		visit(f)
	}
	if len(functions) == 1 {
		e.all[functions[0]] = found
	}
	return found
}
