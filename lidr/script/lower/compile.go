package lower

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"runtime"

	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"

	"lidrlab/lidr/script/host"
	"lidrlab/lidr/script/value"
)

// Version is the version of the language that scripts are written in.
const Version = "go1.21"

// Check type-checks the files of a package and returns all errors that the compiler would.
func Check(fset *token.FileSet, h *host.Packages, pkg *types.Package, files []*ast.File) (*types.Info, []types.Error) {
	var found []types.Error
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{},
		Scopes: map[ast.Node]*types.Scope{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		FileVersions: map[*ast.File]string{},
	}
	config := types.Config{
		GoVersion: Version, Importer: h, Sizes: types.SizesFor("gc", runtime.GOARCH),
		Error: func(err error) {
			var e types.Error
			if errors.As(err, &e) {
				found = append(found, e)
			}
		},
	}
	err := types.NewChecker(&config, fset, pkg, info).Files(files)
	if err != nil && len(found) == 0 {
		found = append(found, types.Error{Fset: fset, Msg: err.Error(), Pos: files[0].Package})
	}
	return info, found
}

// Build makes the functions of a checked package, in the program of those before it or, if that is nil, a new one.
func Build(prog *ssa.Program, fset *token.FileSet, h *host.Packages, pkg *types.Package, info *types.Info,
	files []*ast.File) *ssa.Package {
	if prog == nil {
		prog = ssa.NewProgram(fset, ssa.InstantiateGenerics)
	}
	for _, imported := range h.Imported() {
		if prog.ImportedPackage(imported.Path()) == nil {
			prog.CreatePackage(imported, nil, nil, true)
		}
	}
	built := prog.CreatePackage(pkg, files, info, false)
	built.Build()
	return built
}

// Compile lowers a checked program of one package.
func Compile(m *value.Machine, fset *token.FileSet, pkg *types.Package, info *types.Info, files []*ast.File) (*Program,
	[]Issue) {
	built := Build(nil, fset, m.Host, pkg, info, files)
	m.Where = func(at int) string { return fset.Position(token.Pos(at)).String() }
	l := New(m)
	l.Order(built, files)
	return l.Main(built, "init", "main")
}

// Order refuses, of a package, the statements whose meaning Go leaves open. Its issues come with those of Main.
func (l *Lowering) Order(pkg *ssa.Package, files []*ast.File) {
	functions := ssautil.AllFunctions(pkg.Prog)
	e := newEffects(functions)
	s := statementsOf(files)
	for f := range functions {
		if f.Pkg == pkg && f.Synthetic == "" {
			l.unordered(f, s, e)
		}
	}
}
