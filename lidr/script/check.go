package script

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr/input"
)

// Issue is a construct that the interpreter lacks or runs differently from the compiler.
type Issue struct {
	Pos     token.Position
	Message string // what is wrong and what to write instead
}

// String is "file:line:col: message".
func (i Issue) String() string { return fmt.Sprintf("%s: %s", i.Pos, i.Message) }

// source returns the file of a script: the path itself or, for a folder, its main.go. No other Go file may be there,
// since `go run` compiles all files of a folder, the interpreter one.
func source(script string) (string, error) {
	info, err := os.Stat(script)
	if err != nil || !info.IsDir() {
		if err != nil || filepath.Ext(script) != ".go" {
			return "", fmt.Errorf("%s: expected a script, a folder with main.go or a .go file", script)
		}
		return script, nil
	}
	files, err := filepath.Glob(filepath.Join(script, "*.go"))
	if err != nil {
		return "", err
	}
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
	if len(files) != 1 || filepath.Base(files[0]) != "main.go" {
		return "", fmt.Errorf("%s: expected a script, a folder with main.go and no other Go file, and found %q",
			script, files)
	}
	return files[0], nil
}

// Check reads a script and returns, in order of position, every construct that the interpreter runs differently from
// the compiler or does not have. A file that is no Go program is an error.
func Check(script string) ([]Issue, error) {
	file, err := source(script)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	text, err := input.ReadFile(file)
	if err != nil {
		return nil, err
	}
	tree, err := parser.ParseFile(fset, file, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	c := checker{fset: fset, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	// Imported packages stay empty: what comes from them has no type here, and what the script declares has.
	config := types.Config{GoVersion: "go1.21", Importer: emptyPackages{}, Error: c.typeError}
	c.pkg, _ = config.Check(tree.Name.Name, fset, []*ast.File{tree}, c.info)
	c.head(tree)
	ast.Inspect(tree, c.visit)
	slices.SortStableFunc(c.issues, func(a, b Issue) int { return a.Pos.Offset - b.Pos.Offset })
	return slices.Compact(c.issues), nil
}

type emptyPackages struct{}

func (emptyPackages) Import(importPath string) (*types.Package, error) {
	name := path.Base(importPath)
	for key := range everything() {
		if path.Dir(key) == importPath {
			name = path.Base(key)
		}
	}
	pkg := types.NewPackage(importPath, name)
	pkg.MarkComplete()
	return pkg, nil
}

type checker struct {
	fset   *token.FileSet
	info   *types.Info
	pkg    *types.Package
	issues []Issue
}

func (c *checker) add(node ast.Node, format string, a ...any) { c.addAt(node.Pos(), format, a...) }

func (c *checker) addAt(pos token.Pos, format string, a ...any) {
	c.issues = append(c.issues, Issue{c.fset.Position(pos), fmt.Sprintf(format, a...)})
}

// typeError keeps those errors of the type checker that the interpreter does not report.
func (c *checker) typeError(err error) {
	var e types.Error
	if !errors.As(err, &e) {
		return
	}
	for _, text := range []string{"declared and not used", "imported and not used", "imported as"} {
		if strings.Contains(e.Msg, text) {
			c.addAt(e.Pos, "%s; the compiler refuses it", e.Msg)
		}
	}
}

// head checks what comes before the declarations: the build line, the package, the imports.
func (c *checker) head(tree *ast.File) {
	tagged := slices.ContainsFunc(tree.Comments, func(group *ast.CommentGroup) bool {
		return group.Pos() < tree.Package && slices.ContainsFunc(group.List, func(line *ast.Comment) bool {
			return constraint.IsGoBuild(line.Text) && strings.TrimSpace(line.Text) == "//go:build go1.21"
		})
	})
	if !tagged {
		c.addAt(tree.Package, "the first line must be //go:build go1.21: a loop then has one variable for all its turns, "+
			"as in the interpreter, and newer constructs are refused")
	}
	if tree.Name.Name != "main" {
		c.add(tree.Name, "a script is package main, not %s", tree.Name.Name)
	}
	for _, spec := range tree.Imports {
		importPath := strings.Trim(spec.Path.Value, `"`)
		if exported(importPath) == nil {
			c.add(spec.Path, "import %q is not available to scripts%s", importPath, instead[importPath])
		}
		if spec.Name != nil && spec.Name.Name == "." {
			c.add(spec.Name, "a dot import hides where names come from; import %q under its name", importPath)
		}
	}
}

// visit looks at one node.
func (c *checker) visit(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.DeferStmt:
		if slices.ContainsFunc(n.Call.Args, func(arg ast.Expr) bool { return c.info.Types[arg].Value == nil }) {
			c.add(n, "the interpreter evaluates the arguments of a deferred call late; write defer func() { … }()")
		}
	case *ast.RangeStmt:
		switch t := c.underlying(n.X).(type) {
		case *types.Basic:
			if t.Info()&types.IsInteger != 0 {
				c.add(n, "range over a number: write for i := 0; i < n; i++")
			}
		case *types.Signature:
			c.add(n, "range over a function: call it with the body as its argument")
		}
	case *ast.AssignStmt:
		for _, left := range n.Lhs {
			c.assigned(left)
		}
		c.several(n.Rhs, n.Tok == token.DEFINE)
	case *ast.ValueSpec:
		c.several(n.Values, true)
	case *ast.IncDecStmt:
		c.assigned(n.X)
	case *ast.CallExpr:
		c.call(n)
	case *ast.SelectorExpr:
		c.selector(n)
	case *ast.FuncType:
		if n.TypeParams != nil {
			c.add(n.TypeParams, "type parameters work only in part; write the function for the types that you need")
		}
	case *ast.TypeSpec:
		if n.TypeParams != nil {
			c.add(n.TypeParams, "the interpreter does not know the fields of a generic type; write the concrete type")
		}
	case *ast.TypeAssertExpr:
		if n.Type != nil {
			c.asserted(n.Type)
		}
	case *ast.TypeSwitchStmt:
		for _, clause := range n.Body.List {
			for _, t := range clause.(*ast.CaseClause).List {
				c.asserted(t)
			}
		}
	}
	return true
}

// underlying returns the underlying type of an expression, nil for what the script imports.
func (c *checker) underlying(e ast.Expr) types.Type {
	t := c.info.Types[e].Type
	if t == nil || t == types.Typ[types.Invalid] {
		return nil
	}
	return t.Underlying()
}

// imported splits pkg.Name where pkg is an import.
func (c *checker) imported(e ast.Expr) (importPath, name string, ok bool) {
	selector, ok := ast.Unparen(e).(*ast.SelectorExpr)
	if !ok {
		return "", "", false
	}
	x, ok := selector.X.(*ast.Ident)
	if !ok {
		return "", "", false
	}
	pkg, ok := c.info.Uses[x].(*types.PkgName)
	if !ok {
		return "", "", false
	}
	return pkg.Imported().Path(), selector.Sel.Name, true
}

func (c *checker) assigned(left ast.Expr) {
	if _, _, ok := c.imported(left); ok {
		c.add(left, "%s belongs to the host, and an assignment does not reach it; "+
			"use a function or an option of the package", types.ExprString(left))
	}
}

func (c *checker) selector(n *ast.SelectorExpr) {
	if importPath, name, ok := c.imported(n); ok {
		if names := exported(importPath); names != nil && !names[name].IsValid() {
			c.add(n, "%s is not available to scripts%s", types.ExprString(n), instead[importPath+"."+name])
		}
		return
	}
	if s := c.info.Selections[n]; s != nil && s.Kind() == types.MethodExpr || c.isHostType(n.X) {
		c.add(n, "a method expression fails in the interpreter; write func(x T) { x.%s() }", n.Sel.Name)
	}
}

// isHostType tells whether e names a type of an import, T or (*T).
func (c *checker) isHostType(e ast.Expr) bool {
	if star, ok := ast.Unparen(e).(*ast.StarExpr); ok {
		_, parenthesised := e.(*ast.ParenExpr)
		return parenthesised && c.isHostType(star.X)
	}
	importPath, name, ok := c.imported(e)
	return ok && isType(exported(importPath)[name])
}

// asserted looks at the type in x.(T) and in a case of a type switch.
func (c *checker) asserted(t ast.Expr) {
	if named, ok := t.(*ast.Ident); ok && named.Name == "error" {
		return // the one interface that the interpreter sees on values of the script
	}
	if i, ok := c.underlying(t).(*types.Interface); ok && i.NumMethods() > 0 {
		c.add(t, "an assertion to an interface of the script never succeeds; keep the value in a variable of that interface")
	}
	importPath, name, ok := c.imported(t)
	if !ok {
		return
	}
	if methods := interfaceMethods(exported(importPath)[name]); len(methods) > 0 && c.declares(methods) {
		c.add(t, "an assertion to %s does not see the methods of the script's own types; "+
			"keep the value in a variable of that interface", types.ExprString(t))
	}
}

// declares tells whether a type of the script has all these methods.
func (c *checker) declares(methods []string) bool {
	for _, name := range c.pkg.Scope().Names() {
		if object, ok := c.pkg.Scope().Lookup(name).(*types.TypeName); ok {
			set := types.NewMethodSet(types.NewPointer(object.Type()))
			if !slices.ContainsFunc(methods, func(m string) bool { return set.Lookup(c.pkg, m) == nil }) {
				return true
			}
		}
	}
	return false
}
