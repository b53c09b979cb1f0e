package script

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"reflect"
	"strings"

	"github.com/traefik/yaegi/interp"
	"golang.org/x/tools/go/ssa"

	"lidrlab/lidr/script/host"
	"lidrlab/lidr/script/lower"
	"lidrlab/lidr/script/value"
)

// shellImports are the packages that a shell imports at its start; others are imported as in a program.
const shellImports = `lidrlab/lidr lidrlab/lidr/judge lidrlab/lidr/scorers lidrlab/lidr/handoff lidrlab/lidr/choices
lidrlab/lidr/recipe
lidrlab/lidr/doctor lidrlab/lidr/pretrain lidrlab/lidr/eval lidrlab/plots lidrlab/datasets lidrlab/datasets/miniature
lidrlab/datasets/paper github.com/go-gota/gota/dataframe github.com/go-gota/gota/series
gonum.org/v1/plot gonum.org/v1/plot/plotter gonum.org/v1/plot/vg
context errors fmt log math os path/filepath sort strings time`

// Shell evaluates Go line by line, with lidr's packages imported. Its user's files are not confined.
//
// Each declaration and each statement is a package of its own, that is checked and lowered like a script. It sees the
// names of the packages before it, the last of each name.
type Shell struct {
	interpreter *interp.Interpreter
	machine     *value.Machine
	lowering    *lower.Lowering
	program     *ssa.Program
	fset        *token.FileSet
	imports     []string // import specs
	names       map[string]types.Object
	methods     map[string]string // the source of a type's declaration and methods
	pending     string
	begun       bool // the interpreter has imported what the parts call
}

// NewShell returns a shell in which nothing is declared.
func NewShell() (*Shell, error) {
	machine := value.New(host.New(everything()))
	s := &Shell{
		machine: machine, lowering: lower.New(machine), fset: token.NewFileSet(), names: map[string]types.Object{},
		methods: map[string]string{},
	}
	machine.Where = func(at int) string { return s.fset.Position(token.Pos(at)).String() }
	machine.Crashed = func(r any) { panic(r) }
	s.interpreter = interp.New(interp.Options{Stderr: machine.Trace, Unrestricted: true})
	for importPath := range strings.FieldsSeq(shellImports) {
		s.imports = append(s.imports, fmt.Sprintf("%q", importPath))
	}
	_, err := s.run("", "", nil)
	return s, err
}

// Eval evaluates a line together with the lines before it whose brackets it closes. The value is the zero Value unless
// the input is an expression that has one. more is true while a bracket is open, so that a further line is expected.
func (s *Shell) Eval(ctx context.Context, line string) (result reflect.Value, more bool, err error) {
	source := s.pending + line + "\n"
	if isOpen(source) {
		s.pending = source
		return result, true, nil
	}
	s.pending = ""
	result, err = s.eval(ctx, source)
	return result, false, err
}

// Reset forgets the lines of an open bracket.
func (s *Shell) Reset() { s.pending = "" }

// eval tells declarations from statements, and evaluates each.
func (s *Shell) eval(ctx context.Context, source string) (reflect.Value, error) {
	var none reflect.Value
	if file, err := parser.ParseFile(token.NewFileSet(), "", "package main;"+source,
		parser.SkipObjectResolution); err == nil {
		return none, s.declare(ctx, source, file)
	}
	const before = "package main;func _() {"
	file, err := parser.ParseFile(s.fset, "input", before+source+"\n}", parser.SkipObjectResolution)
	if err != nil {
		return none, plain(err)
	}
	body := file.Decls[0].(*ast.FuncDecl).Body
	var last reflect.Value
	for _, statement := range body.List {
		text := (before + source)[s.fset.Position(statement.Pos()).Offset:min(s.fset.Position(statement.End()).Offset,
			len(before+source))]
		last, err = s.statement(ctx, statement, text)
		if err != nil {
			return none, err
		}
	}
	if len(body.List) != 1 {
		last = none
	}
	return last, nil
}

// plain leaves out where in the input an error is.
func plain(err error) error {
	var list scanner.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		return errors.New(list[0].Msg)
	}
	return err
}

// declare takes imports, types, functions, constants and variables.
func (s *Shell) declare(ctx context.Context, source string, file *ast.File) error {
	for _, spec := range file.Imports {
		text := spec.Path.Value
		if spec.Name != nil {
			text = spec.Name.Name + " " + text
		}
		if importPath := strings.Trim(spec.Path.Value, `"`); !s.machine.Host.Has(importPath) {
			return fmt.Errorf("import %q is not available%s", importPath, instead[importPath])
		}
		s.imports = append(s.imports, text)
	}
	if len(file.Decls) == 1 {
		if g, ok := file.Decls[0].(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			return nil
		}
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.GenDecl:
			if d.Tok == token.TYPE && len(d.Specs) == 1 {
				s.methods[d.Specs[0].(*ast.TypeSpec).Name.Name] = source
			}
		case *ast.FuncDecl:
			// A method belongs to the package of its type, which is therefore declared again.
			if name := receiver(d); name != "" && !strings.Contains(source, "type "+name) && s.methods[name] != "" {
				source = s.methods[name] + "\n" + source
				s.methods[name] = source
			}
		}
	}
	_, err := s.run(source, "", ctx)
	return err
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	name, _ := t.(*ast.Ident)
	if name == nil {
		return ""
	}
	return name.Name
}

// statement runs one statement. A definition makes variables of the shell, and an expression has a value.
func (s *Shell) statement(ctx context.Context, statement ast.Stmt, text string) (reflect.Value, error) {
	switch n := statement.(type) {
	case *ast.DeclStmt:
		_, err := s.run(text, "", ctx)
		return reflect.Value{}, err
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			left, right, _ := strings.Cut(text, ":=")
			_, err := s.run("var "+left+"="+right, "", ctx)
			return reflect.Value{}, err
		}
	case *ast.ExprStmt:
		if hasValue(text) {
			shown, err := s.result(ctx, text)
			if err == nil || !strings.Contains(err.Error(), "used as value") {
				return shown, err
			}
		}
	}
	_, err := s.run("", text, ctx)
	return reflect.Value{}, err
}

// result returns the value of an expression, of several results the first.
func (s *Shell) result(ctx context.Context, text string) (reflect.Value, error) {
	built, err := s.run("var lidr_result any = "+text, "", ctx)
	if err != nil && strings.Contains(err.Error(), "single-value context") {
		if _, err = s.run("var lidr_first, _ = "+text, "", ctx); err == nil {
			built, err = s.run("var lidr_result any = lidr_first", "", ctx)
		}
	}
	if err != nil {
		return reflect.Value{}, err
	}
	held := s.lowering.Variable(built.Var("lidr_result"))
	for _, name := range []string{"lidr_result", "lidr_first"} {
		delete(s.names, name)
	}
	shown := s.machine.Shown(held)
	return reflect.ValueOf(&shown).Elem(), nil
}

// run checks, lowers and runs declarations, or a statement.
func (s *Shell) run(declarations, statement string, ctx context.Context) (*ssa.Package, error) {
	text := "//line :1\npackage main; import (" + strings.Join(s.imports, ";") + "); " + declarations + "\n"
	if statement != "" {
		text += "func lidr_statement() { " + statement + "\n}\n"
	}
	file, err := parser.ParseFile(s.fset, "input", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, plain(err)
	}
	declared := declaredNames(file)
	pkg, info, errs := s.check(file, declared)
	if keyed(file, info, errs) {
		pkg, info, errs = s.check(file, declared)
	}
	c := checker{fset: s.fset, host: s.machine.Host}
	for _, e := range errs {
		if !strings.Contains(e.Msg, "imported and not used") && !strings.Contains(e.Msg, "already declared through import") &&
			!strings.Contains(e.Msg, "other declaration of") {
			c.typeError(file, pkg, info, e)
		}
	}
	if len(c.issues) > 0 {
		return nil, errors.New(c.issues[0].Message)
	}
	built := lower.Build(s.program, s.fset, s.machine.Host, pkg, info, []*ast.File{file})
	s.program = built.Prog
	part, refused := s.lowering.Package(built, "init", "lidr_statement")
	if len(refused) > 0 {
		return nil, errors.New(refused[0].Message)
	}
	if err := s.execute(ctx, part); err != nil {
		return nil, err
	}
	for name := range declared {
		if object := pkg.Scope().Lookup(name); object != nil && declared[name] && name != "lidr_statement" && name != "_" {
			s.names[name] = object
		}
	}
	return built, nil
}

// check checks a package in which the names of those before it are declared.
func (s *Shell) check(file *ast.File, declared map[string]bool) (*types.Package, *types.Info, []types.Error) {
	pkg := types.NewPackage("main", "main")
	for name, object := range s.names {
		if !declared[name] {
			pkg.Scope().Insert(object)
		}
	}
	info, errs := lower.Check(s.fset, s.machine.Host, pkg, []*ast.File{file})
	return pkg, info, errs
}

// declaredNames returns the names that a file declares for its package; of methods with false.
func declaredNames(file *ast.File) map[string]bool {
	declared := map[string]bool{}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			declared[d.Name.Name] = declared[d.Name.Name] || d.Recv == nil
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					declared[spec.Name.Name] = true
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						declared[name.Name] = true
					}
				}
			}
		}
	}
	return declared
}

// keyed names the fields in literals of structs of earlier lines: their packages are others, and only with names may
// another package set fields that are not exported. It tells whether it changed anything.
func keyed(file *ast.File, info *types.Info, errs []types.Error) bool {
	changed := false
	for _, e := range errs {
		if !strings.HasPrefix(e.Msg, "implicit assignment to unexported field") {
			continue
		}
		ast.Inspect(file, func(node ast.Node) bool {
			literal, ok := node.(*ast.CompositeLit)
			if !ok || len(literal.Elts) == 0 || info.TypeOf(literal) == nil {
				return true
			}
			structure, ok := info.TypeOf(literal).Underlying().(*types.Struct)
			if _, named := literal.Elts[0].(*ast.KeyValueExpr); !ok || named || literal.Pos() > e.Pos || e.Pos > literal.End() {
				return true
			}
			for i, value := range literal.Elts {
				if i < structure.NumFields() {
					literal.Elts[i] = &ast.KeyValueExpr{Key: ast.NewIdent(structure.Field(i).Name()), Value: value, Colon: value.Pos()}
				}
			}
			changed = true
			return true
		})
	}
	return changed
}

// execute lets the interpreter run what was lowered.
func (s *Shell) execute(ctx context.Context, part lower.Part) (err error) {
	if ctx == nil {
		ctx = context.Background()
	}
	if err := s.interpreter.Use(interp.Exports{"h/h": s.lowering.Symbols()}); err != nil {
		return err
	}
	if !s.begun {
		s.begun = true
		part.Declarations = "import \"h\"\n" + part.Declarations
	}
	for _, source := range []string{part.Declarations, part.Statements} {
		if source == "" {
			continue
		}
		_, err := s.interpreter.EvalWithContext(ctx, source)
		var panicked interp.Panic
		if errors.As(err, &panicked) {
			text, _, _ := s.machine.Crash(panicked.Value)
			s.machine.At.Store(0)
			return errors.New("panic: " + text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hasValue tells whether the source is an expression whose value is worth showing: a call of fmt.Println returns only
// the number of bytes that it has printed.
func hasValue(source string) bool {
	expression, err := parser.ParseExpr(source)
	if err != nil {
		return false
	}
	call, ok := expression.(*ast.CallExpr)
	if !ok {
		return true
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return true
	}
	pkg, ok := selector.X.(*ast.Ident)
	return !ok || pkg.Name != "fmt" || strings.HasPrefix(selector.Sel.Name, "S")
}
