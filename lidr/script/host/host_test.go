package host

import (
	"go/types"
	"testing"

	"github.com/traefik/yaegi/stdlib"
)

// The packages have the types, constants and methods that the compiler knows.
func TestPackages(t *testing.T) {
	packages := New(stdlib.Symbols)
	for _, test := range []struct{ path, name, want string }{
		{"time", "Duration", "type time.Duration int64"},
		{"time", "Second", "const time.Second time.Duration"},
		{"unicode/utf8", "RuneError", "const unicode/utf8.RuneError untyped rune"},
		{"math", "Pi", "const math.Pi untyped float"},
		{"os", "Args", "var os.Args []string"},
		{"io", "EOF", "var io.EOF error"},
		{"os", "FileMode", "type os.FileMode = io/fs.FileMode"},
		{"strings", "Join", "func strings.Join([]string, string) string"},
		{"fmt", "Sprintf", "func fmt.Sprintf(string, ...any) string"},
		{"sort", "Interface", "type sort.Interface interface{Len() int; Less(int, int) bool; Swap(int, int)}"},
	} {
		pkg, err := packages.Import(test.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := types.ObjectString(pkg.Scope().Lookup(test.name), nil); got != test.want {
			t.Errorf("%s.%s is %q, expected %q", test.path, test.name, got, test.want)
		}
	}
	pkg, err := packages.Import("time")
	if err != nil {
		t.Fatal(err)
	}
	moment := pkg.Scope().Lookup("Time").Type()
	byValue := types.NewMethodSet(moment)
	byPointer := types.NewMethodSet(types.NewPointer(moment))
	if byValue.Lookup(pkg, "Add") == nil || byValue.Lookup(pkg, "UnmarshalText") != nil ||
		byPointer.Lookup(pkg, "UnmarshalText") == nil {
		t.Errorf("time.Time has %s, and by a pointer %s", byValue, byPointer)
	}
	if _, err := packages.Import("nowhere"); err == nil {
		t.Error("a package that is not there was imported")
	}
}
