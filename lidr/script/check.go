package script

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr/input"
	"lidrlab/lidr/script/host"
	"lidrlab/lidr/script/lower"
	"lidrlab/lidr/script/value"
)

// Issue is what keeps a script from running: an error that the compiler reports too, or a construct without a form in
// which the interpreter runs it as the compiler does.
type Issue struct {
	Pos     token.Position
	Message string // what is wrong and, where that is known, what to write instead
}

// String is "file:line:col: message".
func (i Issue) String() string { return fmt.Sprintf("%s: %s", i.Pos, i.Message) }

func (i Issue) Error() string { return i.String() }

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

// Check reads a script and returns, in order of position, what keeps it from running. A file that is no Go program is
// an error.
func Check(script string) ([]Issue, error) {
	_, _, issues, err := compile(script, everywhere)
	return issues, err
}

// compile brings a script into the form that the interpreter runs, for a machine whose script reads and writes files as
// far as files says. There is no program where there are issues.
func compile(script string, files access) (*lower.Program, *value.Machine, []Issue, error) {
	file, err := source(script)
	if err != nil {
		return nil, nil, nil, err
	}
	text, err := input.ReadFile(file)
	if err != nil {
		return nil, nil, nil, err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, nil, err
	}
	c := checker{fset: fset, host: host.New(library(files))}
	c.head(tree)
	pkg := types.NewPackage("main", tree.Name.Name)
	info, errs := lower.Check(fset, c.host, pkg, []*ast.File{tree})
	for _, e := range errs {
		c.typeError(tree, pkg, info, e)
	}
	ast.Inspect(tree, func(node ast.Node) bool { return c.unlike(info, node) })
	machine := value.New(c.host)
	var program *lower.Program
	if len(c.issues) == 0 {
		var refused []lower.Issue
		program, refused = lower.Compile(machine, fset, pkg, info, []*ast.File{tree})
		for _, issue := range refused {
			c.addAt(issue.Pos, "%s", issue.Message)
		}
	}
	slices.SortStableFunc(c.issues, func(a, b Issue) int { return a.Pos.Offset - b.Pos.Offset })
	return program, machine, slices.Compact(c.issues), nil
}

type checker struct {
	fset   *token.FileSet
	host   *host.Packages
	issues []Issue
}

func (c *checker) add(node ast.Node, format string, a ...any) { c.addAt(node.Pos(), format, a...) }

func (c *checker) addAt(pos token.Pos, format string, a ...any) {
	c.issues = append(c.issues, Issue{c.fset.Position(pos), fmt.Sprintf(format, a...)})
}

// head checks what comes before the declarations: the build line, the package, the imports.
func (c *checker) head(tree *ast.File) {
	tagged := slices.ContainsFunc(tree.Comments, func(group *ast.CommentGroup) bool {
		return group.Pos() < tree.Package && slices.ContainsFunc(group.List, func(line *ast.Comment) bool {
			return constraint.IsGoBuild(line.Text) && strings.TrimSpace(line.Text) == "//go:build "+lower.Version
		})
	})
	if !tagged {
		c.addAt(tree.Package, "the first line must be //go:build %s: a loop then has one variable for all its turns, "+
			"interpreted and compiled, and newer constructs are refused", lower.Version)
	}
	if tree.Name.Name != "main" {
		c.add(tree.Name, "a script is package main, not %s", tree.Name.Name)
	}
	for _, spec := range tree.Imports {
		importPath := strings.Trim(spec.Path.Value, "\"`")
		if !c.host.Has(importPath) {
			c.add(spec.Path, "import %q is not available to scripts%s", importPath, instead[importPath])
		}
		if spec.Name != nil && spec.Name.Name == "." {
			c.add(spec.Name, "a dot import hides where names come from; import %q under its name", importPath)
		}
	}
}

// unlike refuses what the form of a script would mean otherwise.
func (c *checker) unlike(info *types.Info, node ast.Node) bool {
	if selector, ok := node.(*ast.SelectorExpr); ok && selector.Sel.Name == "DefValue" {
		if field, ok := info.Uses[selector.Sel].(*types.Var); ok && field.Pkg().Path() == "host" {
			c.add(selector.Sel, "the text of a flag's default is not kept for scripts; keep the default itself")
		}
	}
	loop, ok := node.(*ast.RangeStmt)
	if !ok || loop.Value != nil {
		return true
	}
	if _, ok := ast.Unparen(loop.X).(*ast.StarExpr); !ok || info.TypeOf(loop.X) == nil {
		return true
	}
	if _, ok := info.TypeOf(loop.X).Underlying().(*types.Array); ok {
		c.add(loop.X, "range over what a pointer points to, without its values; write range over the pointer")
	}
	return true
}
