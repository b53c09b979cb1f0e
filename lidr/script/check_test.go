package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each construct that the interpreter lacks or runs differently is found at its line, and its replacement passes.
func TestCheck(t *testing.T) {
	const declarations = `
type plain struct { A int }
type hidden struct { a int }
type named struct { A int }
func (named) String() string { return "" }
type failure struct { A int }
func (*failure) Error() string { return "" }
type coded struct { A int }
func (coded) MarshalJSON() ([]byte, error) { return nil, nil }
type shape interface { Area() float64 }
var value any
var err error
func list() []int { return nil }
`
	tests := []struct{ name, imports, bad, message, good string }{
		{"import of the network", "net/http",
			`http.Get("")`, `import "net/http" is not available to scripts: the network is reached through lidr only`, ""},
		{"import of other programs", "os/exec", `exec.Command("ls")`, `import "os/exec" is not available`, ""},
		{"import of unsafe", "unsafe", `_ = unsafe.Pointer(nil)`, `import "unsafe" is not available`, ""},
		{"import of slices", "slices",
			`slices.Sort(list())`, `import "slices" is not available to scripts: use package sort`, ""},
		{"name of a package", "os", `os.Chmod("", 0)`, `os.Chmod is not available`, `os.Mkdir("", 0)`},
		{"starting a process", "os", `os.StartProcess("", nil, nil)`, `os.StartProcess is not available`, `os.Exit(1)`},
		{"newer name of a package", "strings",
			`strings.Lines("")`, `strings.Lines is not available to scripts: use strings.Split`, `strings.Split("", "")`},
		{"assignment to the host", "os", `os.Args = nil`, `os.Args belongs to the host`, `_ = os.Args`},
		{"range over a number", "", `for i := range 3 { _ = i }`, "range over a number", "for i := 0; i < 3; i++ {}"},
		{"range over a length", "",
			`for i := range len(list()) { _ = i }`, "range over a number", "for i := range list() { _ = i }"},
		{"range over a function", "", `for i := range func(yield func(int) bool) {} { _ = i }`, "range over a function", ""},
		{"deferred arguments", "fmt",
			`x := 1; defer fmt.Println(x)`, "evaluates the arguments of a deferred call late",
			`x := 1; defer func() { fmt.Println(x) }(); defer fmt.Println("x")`},
		{"builtin max", "",
			`_ = max(1, len(list()))`, "no builtin max", `max := func(a, b int) int { return a }; _ = max(1, 2)`},
		{"builtin clear", "", `clear(map[int]int{})`, "no builtin clear", ""},
		{"builtin println", "fmt", `println("x")`, "builtin println writes to standard output", `fmt.Println("x")`},
		{"new of a value", "", `_ = new(5)`, "new of a value", `_ = new(int)`},
		{"method expression", "", `f := named.String; _ = f`, "a method expression fails", `f := named{}.String; _ = f`},
		{"method expression of the host", "os",
			`f := (*os.File).Close; _ = f`, "a method expression fails", `_ = (*os.File)(nil)`},
		{"assertion to an interface of the script", "", `_, _ = value.(shape)`, "never succeeds", `_, _ = value.(plain)`},
		{"case of an interface of the script", "",
			`switch value.(type) { case interface{ Area() float64 }: }`, "never succeeds",
			`switch value.(type) { case error, plain: }`},
		{"assertion to an interface of the host", "fmt",
			`_, _ = value.(fmt.Stringer)`, "does not see the methods of the script's own types", `_, _ = value.(fmt.State)`},
		{"errors.As", "errors", `var f *failure; errors.As(err, &f)`, "errors.As does not find", `errors.Is(err, err)`},
		{"errors.As of the host", "errors os",
			`var f *failure; errors.As(err, &f)`, "errors.As does not find", `var p *os.PathError; errors.As(err, &p)`},
		{"unexported fields printed", "fmt",
			`fmt.Printf("%+v", hidden{})`, "field a is not exported, and the host sees it here under the name Xa",
			`fmt.Printf("%+v", plain{})`},
		{"unexported fields encoded", "encoding/json",
			`json.Marshal([]hidden{})`, "field a is not exported", `json.Marshal([]plain{})`},
		{"unexported fields in a frame", "lidrlab/datasets",
			`datasets.Frame([]hidden{})`, "field a is not exported", `datasets.Frame([]plain{})`},
		{"unexported fields encoded by a method", "encoding/json os",
			`json.NewEncoder(os.Stdout).Encode(hidden{})`, "field a is not exported",
			`json.NewEncoder(os.Stdout).Encode(plain{})`},
		{"String of an inner value", "fmt",
			`fmt.Println([]named{})`, "method String of named is not found", `fmt.Println(named{}, &named{})`},
		{"MarshalJSON", "encoding/json",
			`json.Marshal(coded{})`, "method MarshalJSON of coded is not found", `json.Marshal(plain{})`},
		{"name of a type", "fmt",
			`fmt.Printf("%T", plain{})`, "write another name for a type of the script", `fmt.Printf("%T", 1)`},
		{"nil among several", "",
			`a, b := 1, list(); a, b = 2, nil; _, _ = a, b`, "nil in an assignment of several values",
			`a, b := 1, list(); a = 2; b = nil; _, _ = a, b`},
		{"values beside a call", "", `a, b := 1, 2; a, b = len(list()), 3; _, _ = a, b`, "loses values beside a call",
			`a, b := len(list()), 3; a, b = b, int(a); _, _ = a, b`},
		{"a value received beside another", "", `a, b := 1, 2; a, b = b, <-make(chan int); _, _ = a, b`,
			"loses values beside a call", ""},
		{"values beside a composite literal", "", `var a, b = plain{}, 3; _, _ = a, b`,
			"loses values beside a composite literal", `a, b := plain{}, plain{}; c, d := &plain{}, 3; _, _, _, _ = a, b, c, d`},
		{"unused variable", "", `x := 1`, "declared and not used: x; the compiler refuses it", `x := 1; _ = x`},
		{"unused import", "fmt", ``, `"fmt" imported and not used; the compiler refuses it`, `fmt.Println()`},
		{"package of another name", "math/rand/v2", `_ = rand.N(1)`, "rand.N is not available", `_ = rand.IntN(1)`},
	}
	script := func(imports, statement string) string {
		lines := []string{"//go:build go1.21", "", "package main", ""}
		for _, path := range strings.Fields(imports) {
			lines = append(lines, `import "`+path+`"`)
		}
		return strings.Join(lines, "\n") + declarations + "func main() {\n\t" + statement + "\n}\n"
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if issues := check(t, script(test.imports, test.bad)); !strings.Contains(strings.Join(issues, "\n"), test.message) {
				t.Errorf("%s: found %q, expected %q", test.bad, issues, test.message)
			}
			if test.good == "" {
				return
			}
			if issues := check(t, script(test.imports, test.good)); len(issues) > 0 {
				for _, issue := range issues {
					if !strings.Contains(issue, "imported and not used") {
						t.Errorf("%s: found %q, expected nothing", test.good, issue)
					}
				}
			}
		})
	}
	const build = "//go:build go1.21\n\n"
	for source, want := range map[string]string{
		"package main\n\nfunc main() {}\n":                      "main.go:1:1: the first line must be //go:build go1.21",
		build + "package x\n":                                   "main.go:3:9: a script is package main",
		build + "package main\n\nimport . \"fmt\"\n":            "main.go:5:8: a dot import",
		build + "package main\n\nfunc f[T any](x T) {}\n":       "main.go:5:7: type parameters",
		build + "package main\n\ntype s[T any] struct{ t T }\n": "main.go:5:7: the interpreter does not know the fields",
	} {
		if issues := check(t, source); len(issues) == 0 || !strings.Contains(strings.Join(issues, "\n"), want) {
			t.Errorf("%q: found %q, expected %q", source, issues, want)
		}
	}
}

func check(t *testing.T, source string) []string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	issues, err := Check(folder)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	texts := make([]string, len(issues))
	for i, issue := range issues {
		texts[i] = issue.String()
	}
	return texts
}

// The project's own scripts pass.
func TestCheckScripts(t *testing.T) {
	mains, err := filepath.Glob("../../scripts/*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("found scripts %v, %v", mains, err)
	}
	for _, path := range mains {
		issues, err := Check(filepath.Dir(path))
		if err != nil || len(issues) > 0 {
			t.Errorf("%v, %v", issues, err)
		}
	}
}
