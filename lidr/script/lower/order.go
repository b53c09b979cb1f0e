package lower

import (
	"go/ast"
	"go/token"
	"sort"

	"golang.org/x/tools/go/ssa"
)

// Go leaves open whether x + f() takes x before or after the call. The compiler and the form of a script may decide it
// differently, so that a statement is refused where a call changes a variable that the statement takes before it.

// statements are where statements, without those within them, begin and end, in their order.
type statements []struct{ begin, end token.Pos }

func statementsOf(files []*ast.File) statements {
	var list statements
	add := func(nodes ...ast.Node) {
		for _, node := range nodes {
			list = append(list, struct{ begin, end token.Pos }{node.Pos(), node.End()})
		}
	}
	for _, file := range files {
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.ExprStmt, *ast.AssignStmt, *ast.ReturnStmt, *ast.SendStmt, *ast.IncDecStmt, *ast.GoStmt, *ast.DeferStmt,
				*ast.ValueSpec:
				add(n)
			case *ast.IfStmt:
				add(n.Cond)
			case *ast.ForStmt:
				if n.Cond != nil {
					add(n.Cond)
				}
			case *ast.SwitchStmt:
				if n.Tag != nil {
					add(n.Tag)
				}
			case *ast.CaseClause:
				for _, e := range n.List {
					add(e)
				}
			case *ast.RangeStmt:
				add(n.X)
			}
			return true
		})
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].begin < list[j].begin })
	return list
}

// at returns the number of the innermost statement at a position, -1 for none.
func (s statements) at(pos token.Pos) int {
	for i := sort.Search(len(s), func(i int) bool { return s[i].begin > pos }) - 1; i >= 0; i-- {
		if pos < s[i].end {
			return i
		}
	}
	return -1
}

// unordered refuses the statements of a function whose meaning Go leaves open.
func (l *Lowering) unordered(f *ssa.Function, s statements, e *effects) {
	type call struct {
		instruction ssa.CallInstruction
		changes     map[effect]bool
	}
	calls := map[int][]call{} // by statement
	order := map[ssa.Instruction]int{}
	for _, b := range f.Blocks {
		for _, i := range b.Instrs {
			order[i] = len(order)
			c, ok := i.(*ssa.Call)
			if !ok {
				continue
			}
			if _, builtin := c.Call.Value.(*ssa.Builtin); builtin {
				continue
			}
			if changes := e.of(e.callees(&c.Call)); len(changes) > 0 {
				calls[s.at(c.Pos())] = append(calls[s.at(c.Pos())], call{c, changes})
			}
		}
	}
	if len(calls) == 0 {
		return
	}
	for _, b := range f.Blocks {
		for _, i := range b.Instrs {
			load, ok := i.(*ssa.UnOp)
			if !ok || load.Op != token.MUL {
				continue
			}
			if alloc, ok := load.X.(*ssa.Alloc); ok && !alloc.Heap {
				continue
			}
			at := s.at(load.Pos())
			for _, c := range calls[at] {
				before := order[load] < order[c.instruction] &&
					(b == c.instruction.Block() || b.Dominates(c.instruction.Block()))
				if at >= 0 && before && c.changes[e.place(load.X)] && usedAfter(load, c.instruction, order, s, at) {
					l.refuse(load.Pos(), "a call in this statement may change this value, and Go leaves open which of the two comes "+
						"first; assign one of them to a variable before")
				}
			}
		}
	}
}

// usedAfter tells whether a value, or what is computed of it without a call, is used after a call in its statement.
func usedAfter(v ssa.Value, call ssa.CallInstruction, order map[ssa.Instruction]int, s statements, at int) bool {
	seen := map[ssa.Value]bool{}
	var visit func(ssa.Value) bool
	visit = func(v ssa.Value) bool {
		if seen[v] || v.Referrers() == nil {
			return false
		}
		seen[v] = true
		for _, user := range *v.Referrers() {
			if user == call {
				continue
			}
			after := order[user] > order[call]
			switch u := user.(type) {
			case *ssa.DebugRef:
			case *ssa.Store:
				if u.Val != v && after {
					return true
				}
				if alloc := root(u.Addr); u.Val == v && alloc != nil && s.at(alloc.Pos()) == at && visit(alloc) {
					return true
				} else if u.Val == v && after {
					return true
				}
			case ssa.CallInstruction:
				if after {
					return true
				}
			case ssa.Value:
				if after {
					return true
				}
				if visit(u) {
					return true
				}
			default:
				if after {
					return true
				}
			}
		}
		return false
	}
	return visit(v)
}

// root is the variable that an address lies in, nil where that is not known.
func root(address ssa.Value) *ssa.Alloc {
	for {
		switch a := address.(type) {
		case *ssa.Alloc:
			return a
		case *ssa.FieldAddr:
			address = a.X
		case *ssa.IndexAddr:
			address = a.X
		default:
			return nil
		}
	}
}
