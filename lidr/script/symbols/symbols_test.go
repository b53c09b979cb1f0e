package symbols

import (
	"go/constant"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"reflect"
	"strings"
	"testing"
)

// The extracted files are up to date: each package has exactly the names that the compiler exports, constants have
// their values, and the wrapper of an interface has its methods. It asks the compiler's export data, for extracting
// again takes a minute. On a failure run `go generate ./lidr/script/symbols`.
func TestUpToDate(t *testing.T) {
	args := []string{"list", "-deps", "-export", "-f", "{{.ImportPath}} {{.Export}}"}
	for key := range Symbols {
		args = append(args, path.Dir(key))
	}
	command := exec.Command("go", args...)
	command.Stderr = os.Stderr
	list, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(list)) {
		importPath, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[importPath] = file
	}
	compiled := importer.ForCompiler(token.NewFileSet(), "gc", func(importPath string) (io.ReadCloser, error) {
		return os.Open(exports[importPath])
	})
	for key, extracted := range Symbols {
		pkg, err := compiled.Import(path.Dir(key))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, name := range pkg.Scope().Names() {
			object := pkg.Scope().Lookup(name)
			if !object.Exported() || isGeneric(object) {
				continue
			}
			want[name] = true
			got, ok := extracted[name]
			if !ok {
				t.Errorf("%s.%s is not extracted", path.Dir(key), name)
				continue
			}
			if c, ok := object.(*types.Const); ok && got.Type() == reflect.TypeFor[constant.Value]() {
				value := got.Interface().(constant.Value)
				if value.Kind() == c.Val().Kind() && !constant.Compare(value, token.EQL, c.Val()) {
					t.Errorf("%s.%s is %v, extracted as %v", path.Dir(key), name, c.Val(), value)
				}
			}
			methods, isInterface := object.Type().Underlying().(*types.Interface)
			if _, isType := object.(*types.TypeName); isType && isInterface {
				want["_"+name] = true
				wrapper, ok := extracted["_"+name]
				for i := 0; ok && i < methods.NumMethods(); i++ {
					method := methods.Method(i)
					if _, has := wrapper.Type().Elem().FieldByName("W" + method.Name()); !has && method.Exported() {
						t.Errorf("%s.%s: its wrapper lacks %s", path.Dir(key), name, method.Name())
					}
				}
			}
		}
		for name := range extracted {
			if !want[name] {
				t.Errorf("%s.%s is extracted but no longer there", path.Dir(key), name)
			}
		}
	}
}

func isGeneric(object types.Object) bool {
	switch t := object.Type().(type) {
	case *types.Signature:
		return t.TypeParams().Len() > 0
	case *types.Named:
		return t.TypeParams().Len() > 0 && t.TypeArgs().Len() == 0
	}
	return false
}
