package host

import (
	"go/token"
	"go/types"
	"reflect"
	"strings"
)

// Reflect returns the type that a name of the host stands for, nil for a name of a script.
func (p *Packages) Reflect(name *types.TypeName) reflect.Type { return p.reflects[name] }

// Type returns the go/types form of a type of the host, complete with its fields and methods.
func (p *Packages) Type(t reflect.Type) types.Type {
	made := p.TypeOf(t)
	p.finish()
	return made
}

// TypeOf returns the go/types form of a type, whose fields and methods may wait for finish.
func (p *Packages) TypeOf(t reflect.Type) types.Type {
	if made, ok := p.types[t]; ok {
		return made
	}
	if t.PkgPath() != "" {
		name := t.Name()
		qualifier, _, _ := strings.Cut(t.String(), ".")
		object := types.NewTypeName(token.NoPos, p.pkg(t.PkgPath(), qualifier), name, nil)
		p.types[t] = types.NewNamed(object, nil, nil)
		p.reflects[object] = t
		p.pending = append(p.pending, t)
		return p.types[t]
	}
	made := p.literal(t)
	p.types[t] = made
	return made
}

// finish gives the named types that were met their underlying types and methods.
func (p *Packages) finish() {
	for len(p.pending) > 0 {
		t := p.pending[len(p.pending)-1]
		p.pending = p.pending[:len(p.pending)-1]
		named := p.types[t].(*types.Named)
		named.SetUnderlying(p.literal(t))
		if t.Kind() == reflect.Interface {
			continue
		}
		pointer := reflect.PointerTo(t)
		for method := range pointer.Methods() {
			var receiver types.Type = named
			if _, byValue := t.MethodByName(method.Name); !byValue {
				receiver = types.NewPointer(named)
			}
			self := types.NewParam(token.NoPos, named.Obj().Pkg(), "", receiver)
			signature := p.signature(method.Type, self, 1)
			named.AddMethod(types.NewFunc(token.NoPos, named.Obj().Pkg(), method.Name, signature))
		}
	}
}

var basics = map[reflect.Kind]types.BasicKind{
	reflect.Bool: types.Bool, reflect.String: types.String, reflect.Int: types.Int, reflect.Int8: types.Int8,
	reflect.Int16: types.Int16, reflect.Int32: types.Int32, reflect.Int64: types.Int64, reflect.Uint: types.Uint,
	reflect.Uint8: types.Uint8, reflect.Uint16: types.Uint16, reflect.Uint32: types.Uint32, reflect.Uint64: types.Uint64,
	reflect.Uintptr: types.Uintptr, reflect.Float32: types.Float32, reflect.Float64: types.Float64,
	reflect.Complex64: types.Complex64, reflect.Complex128: types.Complex128, reflect.UnsafePointer: types.UnsafePointer,
}

// literal returns the underlying type.
func (p *Packages) literal(t reflect.Type) types.Type {
	switch t.Kind() {
	case reflect.Pointer:
		return types.NewPointer(p.TypeOf(t.Elem()))
	case reflect.Slice:
		return types.NewSlice(p.TypeOf(t.Elem()))
	case reflect.Array:
		return types.NewArray(p.TypeOf(t.Elem()), int64(t.Len()))
	case reflect.Map:
		return types.NewMap(p.TypeOf(t.Key()), p.TypeOf(t.Elem()))
	case reflect.Chan:
		direction := map[reflect.ChanDir]types.ChanDir{
			reflect.BothDir: types.SendRecv, reflect.SendDir: types.SendOnly, reflect.RecvDir: types.RecvOnly,
		}[t.ChanDir()]
		return types.NewChan(direction, p.TypeOf(t.Elem()))
	case reflect.Func:
		return p.signature(t, nil, 0)
	case reflect.Struct:
		return p.structure(t)
	case reflect.Interface:
		var methods []*types.Func
		for method := range t.Methods() {
			pkg := p.pkg("host", "host")
			if method.PkgPath != "" {
				pkg = p.pkg(method.PkgPath, method.PkgPath[strings.LastIndex(method.PkgPath, "/")+1:])
			}
			methods = append(methods, types.NewFunc(token.NoPos, pkg, method.Name, p.signature(method.Type, nil, 0)))
		}
		return types.NewInterfaceType(methods, nil).Complete()
	}
	return types.Typ[basics[t.Kind()]]
}

func (p *Packages) structure(t reflect.Type) types.Type {
	var fields []*types.Var
	var tags []string
	for field := range t.Fields() {
		pkg := p.pkg("host", "host")
		if field.PkgPath != "" {
			pkg = p.pkg(field.PkgPath, field.PkgPath[strings.LastIndex(field.PkgPath, "/")+1:])
		}
		var of types.Type = types.Typ[types.Int]
		switch {
		case field.IsExported() || field.Anonymous:
			of = p.TypeOf(field.Type)
		case !field.Type.Comparable():
			of = types.NewSlice(of)
		}
		fields = append(fields, types.NewField(token.NoPos, pkg, field.Name, of, field.Anonymous))
		tags = append(tags, string(field.Tag))
	}
	return types.NewStruct(fields, tags)
}

// signature leaves out the first parameters, a receiver.
func (p *Packages) signature(t reflect.Type, receiver *types.Var, skip int) *types.Signature {
	var in, out []*types.Var
	for i := skip; i < t.NumIn(); i++ {
		in = append(in, types.NewParam(token.NoPos, nil, "", p.TypeOf(t.In(i))))
	}
	for i := range t.NumOut() {
		out = append(out, types.NewParam(token.NoPos, nil, "", p.TypeOf(t.Out(i))))
	}
	return types.NewSignatureType(receiver, nil, nil, types.NewTuple(in...), types.NewTuple(out...), t.IsVariadic())
}
