package value

import (
	"errors"
	"fmt"
	"go/types"
	"reflect"
	"regexp"
	"strings"
)

// careful are the functions of the host that may see a Box: those that keep what they get, or print it.
const careful = ` fmt log log/slog errors context container/list container/ring container/heap sync sync/atomic `

// optional are methods by which the host asks more of a value than its interface says, by the interface's package.
var optional = map[string]string{
	"":         "Timeout Temporary", // error
	"io":       "WriteTo ReadFrom WriteString ReadByte UnreadByte WriteByte ReadRune UnreadRune Seek ReadAt WriteAt",
	"io/fs":    "ReadFile ReadDir Stat Sub Glob ReadLink Lstat Info",
	"flag":     "IsBoolFlag Get",
	"image":    "Opaque RGBA64At SetRGBA64 ReadByte",
	"context":  "AfterFunc",
	"log/slog": "LogValue",
}

// Overlooked returns a method of a type that the host would look for behind one of its interfaces, and not find, "" for
// none.
func (m *Machine) Overlooked(t, to *Type) string {
	named, ok := types.Unalias(to.T).(*types.Named)
	if !ok || to.Layout == anyType {
		return ""
	}
	importPath := ""
	if pkg := named.Obj().Pkg(); pkg != nil {
		importPath = pkg.Path()
	}
	for name := range strings.FieldsSeq(optional[importPath]) {
		if _, ok := t.Methods[name]; !ok {
			continue
		}
		if method, _, _ := types.LookupFieldOrMethod(to.T, false, nil, name); method == nil {
			return name
		}
	}
	return ""
}

// reflecting are those that look into what they get, and get the value of the layout.
const reflecting = ` sort.Slice sort.SliceStable sort.SliceIsSorted `

// marshalling are those that get what toJSON makes.
const marshalling = ` encoding/json.Marshal encoding/json.MarshalIndent encoding/json.*encoding/json.Encoder.Encode `

// HostFunction returns a function of the host in the form that scripts call: with the position first, and with what it
// may see of the script's values.
func (m *Machine) HostFunction(importPath, name string, function reflect.Value) reflect.Value {
	return m.Plain(m.hostForm(importPath, name, function))
}

// hostForm is HostFunction without the position.
func (m *Machine) hostForm(importPath, name string, function reflect.Value) reflect.Value {
	full := importPath + "." + name
	switch full {
	case "errors.As":
		return reflect.ValueOf(m.As)
	case "errors.Is":
		return reflect.ValueOf(m.Is)
	case "log/slog.log/slog.Value.Any":
		return m.given(function)
	case "flag.Var", "flag.*flag.FlagSet.Var":
		return m.defaulted(function)
	}
	var see func(any) any
	switch {
	case importPath == "fmt" && strings.Contains(name, "rint") && strings.HasSuffix(name, "f") || full == "fmt.Errorf" ||
		full == "fmt.Appendf" || importPath == "log" && strings.HasSuffix(name, "f"):
		return m.formatted(function, full == "fmt.Errorf")
	case importPath == "fmt" && strings.Contains(name, "can"): // Sscan and its like
		see = m.scanned
	case importPath == "log/slog":
		see = m.logged
	case (importPath == "fmt" || importPath == "log") && spaces.MatchString(name):
		see = m.textIfString
	case importPath == "fmt" || importPath == "log":
		see = m.looked
	case storing[name] != "":
		return m.consistent(storing[name], function)
	case strings.Contains(careful, " "+importPath+" "):
		return function
	case strings.Contains(reflecting, " "+full+" "):
		see = m.seen
	case strings.Contains(marshalling, " "+full+" "):
		see = m.plainJSON
	default:
		see = func(x any) any { return m.exposed(importPath, full, x) }
	}
	return m.translated(function, see)
}

// hostMethod returns a method of a type of the host, in the form of hostForm and with the receiver first.
func (m *Machine) hostMethod(t reflect.Type, name string) reflect.Value {
	key := [2]any{t, name}
	form, known := m.methods.Load(key)
	if !known {
		method, _ := t.MethodByName(name)
		named, star := t, ""
		if t.Kind() == reflect.Pointer {
			named, star = t.Elem(), "*"
		}
		full := star + named.PkgPath() + "." + named.Name() + "." + name
		form, _ = m.methods.LoadOrStore(key, m.hostForm(named.PkgPath(), full, method.Func))
	}
	return form.(reflect.Value)
}

// spaces matches the functions that write blanks between values of which neither is a string.
var spaces = regexp.MustCompile(`([Pp]rint|Append|Fatal|Panic)$`)

// textIfString returns a string in the place of a value whose type is one, as which package fmt would not know a Box.
func (m *Machine) textIfString(x any) any {
	if box, ok := m.Normal(x).(Box); ok && box.T.Layout.Kind() == reflect.String {
		return fmt.Sprint(box)
	}
	return m.looked(x)
}

// looked returns a value of the host that holds ones of the script as package fmt may write it.
func (m *Machine) looked(x any) any {
	if m.hides(x) {
		return foreign{m, x}
	}
	return x
}

// seen returns the value in the memory of a Box.
func (m *Machine) seen(x any) any {
	if box, ok := m.Normal(x).(Box); ok {
		return box.T.see(box.value()).Interface()
	}
	return x
}

// scanned is seen for package fmt, which looks for a method Scan.
func (m *Machine) scanned(x any) any {
	if box, ok := m.Normal(x).(Box); ok && box.T.has("Scan", 2, 1) {
		return scanner{box}
	}
	return m.seen(x)
}

type scanner struct{ box Box }

func (s scanner) Scan(state fmt.ScanState, verb rune) error {
	in := reflect.New(reflect.TypeFor[fmt.ScanState]()).Elem()
	in.Set(reflect.ValueOf(state))
	err, _ := s.box.call("Scan", in, reflect.ValueOf(verb))[0].Interface().(error)
	return err
}

// named are the packages that write the name of a value's type.
const named = ` encoding/xml encoding/gob `

// Exposed tells why a function of the host cannot see a value of a type of the script, nil where it can.
func (m *Machine) Exposed(importPath, name string, t *Type) error {
	full := importPath + "." + name
	switch {
	case !t.Script || strings.Contains(careful, " "+importPath+" ") || strings.Contains(reflecting, " "+full+" "):
		return nil
	case strings.Contains(marshalling, " "+full+" "):
		return m.marshals(t.T, map[types.Type]bool{})
	case strings.Contains(named, " "+importPath+" "):
		return errors.New("it needs the type's name")
	}
	_, err := m.open(t.T, map[types.Type]bool{})
	return err
}

// translated calls a function with its parameters of type any, and those in a []any, seen another way.
func (m *Machine) translated(function reflect.Value, see func(any) any) reflect.Value {
	t := function.Type()
	touched := false
	for i := range t.NumIn() {
		touched = touched || t.In(i) == anyType || t.In(i) == reflect.TypeFor[[]any]()
	}
	if !touched {
		return function
	}
	return reflect.MakeFunc(t, func(in []reflect.Value) []reflect.Value {
		for i, arg := range in {
			switch arg.Type() {
			case anyType:
				x := see(arg.Interface())
				in[i] = reflect.ValueOf(&x).Elem()
			case reflect.TypeFor[[]any]():
				var list []any
				for _, x := range arg.Interface().([]any) {
					list = append(list, see(x))
				}
				in[i] = reflect.ValueOf(list)
				if list == nil {
					in[i] = reflect.Zero(arg.Type())
				}
			}
		}
		return callPlain(function, in)
	})
}

// exposed returns a value as a function of the host that looks into it may see it: with the names that the script gave
// its fields. It panics where that is not possible.
func (m *Machine) exposed(importPath, function string, x any) any {
	box, ok := m.Normal(x).(Box)
	reads := strings.Contains(function, "Unmarshal") || strings.Contains(function, "Decode")
	if strings.Contains(named, " "+importPath+" ") && !reads && (ok || m.hides(x)) {
		panic(Error(fmt.Sprintf("%s needs the names of types, and does not see those of the script in %s", function,
			m.typeName(x))))
	}
	if !ok {
		return x
	}
	t, err := m.open(box.T.T, map[types.Type]bool{})
	if err != nil {
		panic(Error(fmt.Sprintf("%s cannot look into a %s of the script: %v; hand over the single values", function, box.T,
			err)))
	}
	return recast(box.value(), t).Interface()
}

// open returns a type of the same memory whose fields have their own names.
func (m *Machine) open(t types.Type, above map[types.Type]bool) (reflect.Type, error) {
	if above[t] {
		return nil, errors.New("it contains itself")
	}
	above[t] = true
	defer delete(above, t)
	known := m.Type(t)
	for _, method := range strings.Fields("MarshalJSON MarshalText UnmarshalJSON UnmarshalText MarshalXML GobEncode") {
		if _, ok := known.Methods[method]; ok {
			return nil, fmt.Errorf("its method %s is not found there", method)
		}
	}
	if !known.Script {
		return known.Layout, nil
	}
	var err error
	inner := func(t types.Type) reflect.Type {
		opened, e := m.open(t, above)
		if e != nil {
			err = e
			return anyType
		}
		return opened
	}
	var opened reflect.Type
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		opened = reflect.PointerTo(inner(u.Elem()))
	case *types.Slice:
		opened = reflect.SliceOf(inner(u.Elem()))
	case *types.Array:
		opened = reflect.ArrayOf(int(u.Len()), inner(u.Elem()))
	case *types.Map:
		// The layout of a map depends on nothing but the sizes, but its functions know the type.
		if inner(u.Key()) != m.Type(u.Key()).Layout || inner(u.Elem()) != m.Type(u.Elem()).Layout {
			err = errors.New("a map holds it")
		}
		opened = known.Whole()
	case *types.Struct:
		var fields []reflect.StructField
		for i := range u.NumFields() {
			field := u.Field(i)
			f := reflect.StructField{Name: field.Name(), Type: inner(field.Type()), Tag: reflect.StructTag(u.Tag(i))}
			f.Anonymous = field.Embedded() && field.Exported()
			if !field.Exported() {
				f.PkgPath = "main"
			}
			fields = append(fields, f)
		}
		if err == nil {
			opened = reflect.StructOf(fields)
		}
	default:
		opened = known.Whole()
	}
	return opened, err
}

// Shown returns a value as one that is shown by looking into it: with the script's names of fields or, where that is
// not possible, as text.
func (m *Machine) Shown(x any) any {
	box, ok := m.Normal(x).(Box)
	if !ok {
		return x
	}
	if t, err := m.open(box.T.T, map[types.Type]bool{}); err == nil && box.T.Methods["String"] == 0 &&
		box.T.Methods["Error"] == 0 {
		return recast(box.value(), t).Interface()
	}
	return fmt.Sprintf("%+v", box)
}
