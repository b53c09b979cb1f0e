package script

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"strings"
)

// call looks at builtins and at what a call hands to the host.
func (c *checker) call(n *ast.CallExpr) {
	if name, ok := ast.Unparen(n.Fun).(*ast.Ident); ok {
		if _, builtin := c.info.Uses[name].(*types.Builtin); builtin {
			c.builtin(name.Name, n)
		}
		return
	}
	importPath, name, ok := c.imported(n.Fun)
	if !ok {
		// A method of a host's value takes the script's values too: (*json.Encoder).Encode, (*log.Logger).Print.
		selector, isSelector := ast.Unparen(n.Fun).(*ast.SelectorExpr)
		if isSelector && takesAny[selector.Sel.Name] && c.underlying(n.Fun) == nil {
			for _, arg := range n.Args {
				c.handed(arg)
			}
		}
		return
	}
	if importPath == "errors" && name == "As" && len(n.Args) == 2 {
		if pointer, ok := c.underlying(n.Args[1]).(*types.Pointer); ok && c.declared(pointer.Elem()) {
			c.add(n, "errors.As does not find an error type of the script; compare with a variable through errors.Is")
		}
		return
	}
	function := exported(importPath)[name]
	if !function.IsValid() || function.Kind() != reflect.Func {
		return
	}
	for i, arg := range n.Args {
		parameter := parameterType(function.Type(), i)
		if parameter != nil && parameter.Kind() == reflect.Interface && parameter.NumMethod() == 0 {
			c.handed(arg)
		}
	}
	if importPath == "fmt" || importPath == "log" {
		c.format(n)
	}
}

// several looks at the values of an assignment of several. The interpreter loses some of them without an error, above
// all those beside a call, or computes them in another order; only in definitions calls do no harm.
func (c *checker) several(values []ast.Expr, define bool) {
	if len(values) < 2 {
		return
	}
	composites, called := 0, false
	for _, value := range values {
		if _, ok := ast.Unparen(value).(*ast.CompositeLit); ok {
			composites++
		}
		if c.info.Types[value].IsNil() {
			c.add(value, "the interpreter fails on nil in an assignment of several values; "+
				"assign it by a statement of its own")
		}
		called = called || c.calls(value)
	}
	if called && !define {
		c.add(values[0], "the interpreter loses values beside a call in an assignment of several values, or computes them "+
			"in another order; assign each by a statement of its own")
	}
	if composites > 0 && composites < len(values) {
		c.add(values[0], "the interpreter loses values beside a composite literal in an assignment of several values; "+
			"assign each by a statement of its own")
	}
}

// calls tells whether an expression calls a function, or receives from a channel, when it is evaluated.
func (c *checker) calls(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			found = found || !c.info.Types[n.Fun].IsType() && !c.isHostType(n.Fun) // else it is a conversion
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		}
		return !found
	})
	return found
}

// takesAny names the methods of the standard library that look into what they are given.
var takesAny = map[string]bool{
	"Encode": true, "Print": true, "Printf": true, "Println": true, "Fatal": true, "Fatalf": true, "Fatalln": true,
	"Debug": true, "Info": true, "Warn": true, "Error": true,
}

func parameterType(function reflect.Type, i int) reflect.Type {
	last := function.NumIn() - 1
	switch {
	case function.IsVariadic() && i >= last:
		return function.In(last).Elem()
	case i <= last:
		return function.In(i)
	}
	return nil
}

func (c *checker) builtin(name string, n *ast.CallExpr) {
	switch name {
	case "min", "max":
		c.add(n, "the interpreter has no builtin %s; write an if, or take math.Min and math.Max for float64", name)
	case "clear":
		c.add(n, "the interpreter has no builtin clear; make the value anew, or delete in a loop")
	case "print", "println":
		c.add(n, "builtin %s writes to standard output in the interpreter; write fmt.Fprintln(os.Stderr, …)", name)
	case "new":
		if len(n.Args) == 1 && !c.info.Types[n.Args[0]].IsType() && c.underlying(n.Args[0]) != nil {
			c.add(n, "new of a value gives zero in the interpreter; take the address of a variable")
		}
	}
}

// format looks for verbs that write a type's name, which the interpreter changes.
func (c *checker) format(n *ast.CallExpr) {
	for i, arg := range n.Args {
		value := c.info.Types[arg].Value
		if value == nil || value.Kind() != constant.String {
			continue
		}
		text := constant.StringVal(value)
		if !strings.Contains(text, "%T") && !strings.Contains(text, "%#v") {
			continue
		}
		for _, rest := range n.Args[i+1:] {
			if t := c.info.Types[rest].Type; t != nil && c.declared(t) {
				c.add(rest, "%%T and %%#v write another name for a type of the script; write the name as text")
			}
		}
	}
}

// handed looks at a value that the host receives as any, to look into it by reflection: to print, to encode, to make a
// frame of.
func (c *checker) handed(arg ast.Expr) {
	t := c.info.Types[arg].Type
	if t == nil {
		return
	}
	if what := c.hidden(t, false, map[types.Type]bool{}); what != "" {
		c.add(arg, "%s", what)
	}
}

// declared tells whether t, or what it points to, is a named type of the script.
func (c *checker) declared(t types.Type) bool {
	if pointer, ok := t.Underlying().(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, ok := t.(*types.Named)
	return ok && named.Obj().Pkg() == c.pkg
}

// hidden describes what the host would see differently in a value of type t: fields that are not exported, which get
// another name, and methods of values inside another value, which it does not find. It is "" for none.
func (c *checker) hidden(t types.Type, nested bool, seen map[types.Type]bool) string {
	if seen[t] {
		return ""
	}
	seen[t] = true
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() == c.pkg {
		set := types.NewMethodSet(types.NewPointer(t))
		for method := range strings.FieldsSeq("MarshalJSON MarshalText UnmarshalJSON UnmarshalText Format String Error") {
			if set.Lookup(c.pkg, method) == nil {
				continue
			}
			if !nested && (method == "String" || method == "Error") {
				return "" // fmt calls it, and looks no further
			}
			return fmt.Sprintf("method %s of %s is not found by the host here; hand over what it returns",
				method, named.Obj().Name())
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		return c.hidden(u.Elem(), nested, seen)
	case *types.Slice:
		return c.hidden(u.Elem(), true, seen)
	case *types.Array:
		return c.hidden(u.Elem(), true, seen)
	case *types.Map:
		if what := c.hidden(u.Key(), true, seen); what != "" {
			return what
		}
		return c.hidden(u.Elem(), true, seen)
	case *types.Struct:
		for i := 0; i < u.NumFields(); i++ {
			field := u.Field(i)
			if !field.Exported() && field.Pkg() == c.pkg {
				return fmt.Sprintf("field %s is not exported, and the host sees it here under the name X%s; "+
					"export it, or hand over the single values", field.Name(), field.Name())
			}
			if what := c.hidden(field.Type(), true, seen); what != "" {
				return what
			}
		}
	}
	return ""
}
