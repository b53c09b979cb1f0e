// Package host makes of the tables that the interpreter links, packages for go/types: a script is checked against what
// it will call, with no Go toolchain and no file that could become stale.
//
// What reflection does not know is left out: names of parameters, generic functions, and the types of fields that are
// not exported, of which only whether they compare is kept.
package host

import (
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"path"
	"reflect"
	"strings"
)

// Packages are the packages of a table of symbols.
type Packages struct {
	symbols  map[string]map[string]reflect.Value // by import path
	names    map[string]string                   // package names by import path
	packages map[string]*types.Package
	full     map[string]bool
	types    map[reflect.Type]types.Type
	reflects map[*types.TypeName]reflect.Type
	pending  []reflect.Type
}

// New returns the packages of a table whose keys are an import path and a package name, "math/rand/v2/rand".
func New(symbols map[string]map[string]reflect.Value) *Packages {
	p := &Packages{
		symbols: map[string]map[string]reflect.Value{}, names: map[string]string{},
		packages: map[string]*types.Package{}, full: map[string]bool{},
		types: map[reflect.Type]types.Type{
			reflect.TypeFor[error](): types.Universe.Lookup("error").Type(),
			reflect.TypeFor[any]():   types.Universe.Lookup("any").Type(),
		},
		reflects: map[*types.TypeName]reflect.Type{},
	}
	for key, names := range symbols {
		importPath, name := path.Clean(path.Dir(key)), path.Base(key)
		if importPath != "." {
			p.symbols[importPath], p.names[importPath] = names, name
		}
	}
	return p
}

// Has tells whether scripts may import a package.
func (p *Packages) Has(importPath string) bool { return p.symbols[importPath] != nil }

// Symbol returns what a package exports under a name, the zero Value for nothing.
func (p *Packages) Symbol(importPath, name string) reflect.Value { return p.symbols[importPath][name] }

// Names returns the exported names of a package.
func (p *Packages) Names(importPath string) []string {
	var names []string
	for name := range p.symbols[importPath] {
		if token.IsExported(name) {
			names = append(names, name)
		}
	}
	return names
}

// Imported returns the packages that were made, those that only hold types of others among them.
func (p *Packages) Imported() []*types.Package {
	var made []*types.Package
	for _, pkg := range p.packages {
		made = append(made, pkg)
	}
	return made
}

// Import implements [types.Importer].
func (p *Packages) Import(importPath string) (*types.Package, error) {
	symbols := p.symbols[importPath]
	if symbols == nil {
		return nil, fmt.Errorf("import %q is not available to scripts", importPath)
	}
	pkg := p.pkg(importPath, p.names[importPath])
	if p.full[importPath] {
		return pkg, nil
	}
	p.full[importPath] = true
	for name, value := range symbols {
		if token.IsExported(name) && value.IsValid() {
			pkg.Scope().Insert(p.object(pkg, name, value))
		}
	}
	p.finish()
	return pkg, nil
}

func (p *Packages) pkg(importPath, name string) *types.Package {
	pkg := p.packages[importPath]
	if pkg == nil {
		pkg = types.NewPackage(importPath, name)
		pkg.MarkComplete()
		p.packages[importPath] = pkg
	}
	return pkg
}

var constantValue = reflect.TypeFor[constant.Value]()

// runes are the constants that are runes without a type; the table holds them as integers.
const runes = "unicode/utf8.RuneError unicode/utf8.MaxRune unicode.MaxRune unicode.ReplacementChar unicode.MaxASCII " +
	"unicode.MaxLatin1 text/tabwriter.Escape"

// object makes the object of a symbol: a type is held as a nil pointer to it, a variable as an addressable value.
func (p *Packages) object(pkg *types.Package, name string, value reflect.Value) types.Object {
	t := value.Type()
	switch {
	case t.Implements(constantValue):
		c := value.Interface().(constant.Value)
		kind := map[constant.Kind]types.BasicKind{
			constant.Bool: types.UntypedBool, constant.String: types.UntypedString, constant.Int: types.UntypedInt,
			constant.Float: types.UntypedFloat, constant.Complex: types.UntypedComplex,
		}[c.Kind()]
		for _, one := range strings.Fields(runes) {
			if one == pkg.Path()+"."+name {
				kind = types.UntypedRune
			}
		}
		return types.NewConst(token.NoPos, pkg, name, types.Typ[kind], c)
	case value.CanAddr():
		return types.NewVar(token.NoPos, pkg, name, p.TypeOf(t))
	case t.Kind() == reflect.Pointer && value.IsNil():
		named := p.TypeOf(t.Elem())
		if n, ok := named.(*types.Named); ok && n.Obj().Pkg() == pkg && n.Obj().Name() == name {
			return n.Obj()
		}
		return types.NewTypeName(token.NoPos, pkg, name, named) // an alias
	case t.Kind() == reflect.Func:
		return types.NewFunc(token.NoPos, pkg, name, p.signature(t, nil, 0))
	}
	if c := Constant(value); c != nil {
		return types.NewConst(token.NoPos, pkg, name, p.TypeOf(t), c)
	}
	return types.NewVar(token.NoPos, pkg, name, p.TypeOf(t))
}

// Constant returns the value of a boolean, a number or a string, nil for anything else.
func Constant(value reflect.Value) constant.Value {
	switch k := value.Kind(); {
	case k == reflect.Bool:
		return constant.MakeBool(value.Bool())
	case k == reflect.String:
		return constant.MakeString(value.String())
	case value.CanInt():
		return constant.MakeInt64(value.Int())
	case value.CanUint():
		return constant.MakeUint64(value.Uint())
	case value.CanFloat():
		return constant.MakeFloat64(value.Float())
	}
	return nil
}
