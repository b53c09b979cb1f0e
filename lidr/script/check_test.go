package script

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each error of the compiler and each construct without a form is found at its line, and its replacement passes.
func TestCheck(t *testing.T) {
	const declarations = `
type copying struct{}
func (copying) Read([]byte) (int, error) { return 0, nil }
func (copying) WriteTo(interface{ Write([]byte) (int, error) }) (int64, error) { return 0, nil }
type reading struct{}
func (reading) Read([]byte) (int, error) { return 0, nil }
type counting struct{ n int }
func (c *counting) next() int { c.n++; return c.n }
func (c *counting) get() int { return c.n }
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
		{"range over a number", "", `for i := range 3 { _ = i }`, "requires go1.22 or later", "for i := 0; i < 3; i++ {}"},
		{"range over a length", "", `for i := range len(list()) { _ = i }`, "requires go1.22 or later",
			"for i := range list() { _ = i }"},
		{"range over a function", "", `for i := range func(yield func(int) bool) {} { _ = i }`, "requires go1.23 or later",
			""},
		{"range over what a pointer points to", "", `p := &[2]int{}; for i := range *p { _ = i }`,
			"range over what a pointer points to", `p := &[2]int{}; for i := range p { _ = i }`},
		{"address printed", "", `println(list())`, "builtin println of a []int writes an address", `println("x", 1, 2.5)`},
		{"new of a value", "", `_ = new(5)`, "requires go1.26 or later", `_ = new(int)`},
		{"recover of another function's", "", `fs := []func() any{func() any { return recover() }}; _ = fs`,
			"a function that calls recover is used as a value", `defer func() { _ = recover() }()`},
		{"method behind an interface of the host", "io", `var r io.Reader = copying{}; _ = r`,
			"the host does not see method WriteTo of a main.copying behind io.Reader", `var r io.Reader = reading{}; _ = r`},
		{"order of a variable and a call that changes it", "",
			`x := 1; f := func() int { x++; return x }; _ = x + f()`, "a call in this statement may change this value",
			`x := 1; f := func() int { x++; return x }; y := f(); _ = x + y; _ = f() + x`},
		{"order of a field and a method that changes it", "", `c := &counting{}; _ = c.n + c.next()`,
			"a call in this statement may change this value", `c := &counting{}; _ = c.next() + c.n; _ = c.n + c.get()`},
		{"value that the host looks into", "encoding/xml", `xml.Marshal(counting{})`,
			"Marshal cannot look into a main.counting: it needs the type's name", ""},
		{"text of a default", "flag", `_ = flag.Lookup("x").DefValue`, "the text of a flag's default is not kept for scripts",
			`_ = flag.Lookup("x").Value`},
		{"unused variable", "", `x := 1`, "declared and not used: x", `x := 1; _ = x`},
		{"unused import", "fmt", ``, `"fmt" imported and not used`, `fmt.Println()`},
		{"misspelt name of a package", "lidrlab/lidr", `lidr.MiniatureSetings()`,
			"undefined: lidr.MiniatureSetings; did you mean lidr.MiniatureSettings?", `lidr.MiniatureSettings()`},
		{"shortened name of a package", "lidrlab/lidr", `lidr.Minature()`,
			"undefined: lidr.Minature; did you mean lidr.MiniatureSettings?", ""},
		{"misspelt field", "lidrlab/lidr", `_ = lidr.Settings{}.Trian`,
			"has no field or method Trian); did you mean Train?", `_ = lidr.Settings{}.Train`},
		{"misspelt variable", "", `value1 := 1; _ = valeu1`, "undefined: valeu1; did you mean value1?", ""},
		{"wrong type", "lidrlab/lidr", `_ = lidr.Settings{Train: 3}`, "cannot use 3", ""},
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
		"package main\n\nfunc main() {}\n":              "main.go:1:1: the first line must be //go:build go1.21",
		build + "package x\n":                           "main.go:3:9: a script is package main",
		build + "package main\n\nimport . \"fmt\"\n":    "main.go:5:8: a dot import",
		build + "package main\n\nfunc main() { f() }\n": "main.go:5:15: undefined: f",
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
