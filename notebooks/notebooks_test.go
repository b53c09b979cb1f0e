// Package notebooks holds the notebooks, and tests that their cells compile, and run twice with the same output.
package notebooks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// all lists the notebooks, and the small one that tries this package's own machinery.
func all(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("*.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	return append(paths, "testdata/hello.ipynb")
}

// Every cell compiles after the cells above it, without a Jupyter.
func TestCellsCompile(t *testing.T) {
	for _, err := range compile(t, all(t)) {
		t.Error(err)
	}
}

// Mistakes are found, in the cell and the line where they are.
func TestMistakesAreFound(t *testing.T) {
	errs := compile(t, []string{"testdata/mistakes.ipynb", "testdata/statement.ipynb"})
	want := []string{
		"statement.ipynb cell [2]:1:1: expected declaration, found x; statements stand below a line %%, declarations " +
			"above it",
		"mistakes.ipynb cell [2]:4:12: undefined: lost",
		"mistakes.ipynb cell [3]:2:1: declared and not used: s",
		`mistakes.ipynb cell [4]: could not import lidrlab/nowhere`,
		"mistakes.ipynb cell [5]:2:20: too many arguments in call to settings",
	}
	for i, err := range errs {
		if i >= len(want) || !strings.HasPrefix(err.Error(), want[i]) {
			t.Errorf("error %d is %v", i, err)
		}
	}
	if len(errs) != len(want) {
		t.Errorf("found %d mistakes of %d", len(errs), len(want))
	}
}

// compile type-checks the notebooks' cells as GoNB compiles them, with the packages of this module's own build.
func compile(t *testing.T, paths []string) (errs []error) {
	t.Helper()
	type program struct {
		name string
		file *ast.File
	}
	var todo []program
	var imported []string
	fset := token.NewFileSet()
	for _, path := range paths {
		cells, err := readCode(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		texts, err := programs(path, cells)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for i, text := range texts {
			file, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range file.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				imported = append(imported, path)
			}
			todo = append(todo, program{label(path, i+1), file})
		}
	}
	slices.Sort(imported)
	exports := exportData(t, slices.Compact(imported))
	packages := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("go list finds no such package")
		}
		return os.Open(exports[path])
	})
	for _, p := range todo {
		config := types.Config{Importer: packages, Error: func(err error) {
			if text := err.Error(); strings.HasPrefix(text, p.name) {
				errs = append(errs, err)
			} else {
				errs = append(errs, fmt.Errorf("%s: %s", p.name, err.(types.Error).Msg))
			}
		}}
		config.Check("main", fset, []*ast.File{p.file}, nil) // its errors went to config.Error
	}
	return errs
}

// exportData returns the compiler's description of the packages and of what they import: path of package to path of
// file.
func exportData(t *testing.T, packages []string) map[string]string {
	t.Helper()
	args := append([]string{"list", "-e", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}"}, packages...)
	command := exec.Command("go", args...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return files
}

// Every notebook runs in a folder of its own from top to bottom at its small size, and again from what the first left
// there: with the same outputs, of the kinds that its committed form shows.
func TestNotebooksRunTwice(t *testing.T) {
	if err := exec.Command("jupyter", "nbconvert", "--version").Run(); err != nil {
		t.Skip("no jupyter nbconvert here (apt-get install jupyter-nbconvert): the notebooks are compiled only")
	}
	data, work, out := t.TempDir(), t.TempDir(), t.TempDir()
	env := append(os.Environ(), "JUPYTER_DATA_DIR="+data, "LIDR_SMALL=1")
	// The kernel finds the command in the clone's bin folder, as make notebooks leaves it there.
	for _, args := range [][]string{{"go", "build", "-o", "../bin/", "lidrlab/lidr/cmd/lidr"},
		{"../bin/lidr", "kernel", "install"}} {
		install := exec.Command(args[0], args[1:]...)
		install.Env = env
		if message, err := install.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, message)
		}
	}
	env = append(env, "LIDR_BUILT="+t.TempDir())
	firstInPath(t, filepath.Join(data, "kernels", "lidr-gonb", "kernel.json"), "testdata/kernel")
	for _, path := range all(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			book := filepath.Join(work, filepath.Base(path))
			if err := os.WriteFile(book, source, 0o644); err != nil {
				t.Fatal(err)
			}
			run := func(folder string) []cell {
				command := exec.Command("jupyter", "nbconvert", "--to", "notebook", "--execute", "--allow-errors",
					"--ExecutePreprocessor.record_timing=False", "--output-dir", filepath.Join(out, folder), book)
				// What is needed is in the module cache: nothing may be fetched.
				command.Env = append(env, "GOPROXY=off")
				if message, err := command.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, message)
				}
				cells, err := readCode(filepath.Join(out, folder, filepath.Base(path)))
				if err != nil {
					t.Fatal(err)
				}
				for i, c := range cells {
					if text := failure(t, c); text != "" {
						t.Fatalf("%s failed: %s", label(path, i+1), text)
					}
				}
				return cells
			}
			committed, err := readCode(path)
			if err != nil {
				t.Fatal(err)
			}
			first, second := run("first"), run("second")
			for i := range first {
				if !bytes.Equal(first[i].Outputs, second[i].Outputs) {
					t.Errorf("%s shows\n%.2000s\nand the second time\n%.2000s", label(path, i+1), first[i].Outputs, second[i].Outputs)
				}
				if got, want := kinds(t, first[i]), kinds(t, committed[i]); !slices.Equal(got, want) {
					t.Errorf("%s shows %q, and %q where it is committed: run make notebooks", label(path, i+1), got, want)
				}
			}
		})
	}
}

// firstInPath puts a folder in front of a kernel's PATH.
func firstInPath(t *testing.T, spec, folder string) {
	t.Helper()
	text, err := os.ReadFile(spec)
	if err != nil {
		t.Fatal(err)
	}
	if folder, err = filepath.Abs(folder); err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(text), `"PATH": "`)
	if !found {
		t.Fatalf("%s has no PATH:\n%s", spec, text)
	}
	if err := os.WriteFile(spec, []byte(before+`"PATH": "`+folder+":"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

type output struct {
	Type  string `json:"output_type"`
	Name  string
	Text  multiline
	Trace []string `json:"traceback"`
	Data  map[string]any
}

func outputs(t *testing.T, c cell) []output {
	t.Helper()
	var out []output
	if err := json.Unmarshal(c.Outputs, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// failure is what a failed cell wrote on stderr, and its error; nothing where the cell did not fail.
func failure(t *testing.T, c cell) string {
	text, failed := "", false
	for _, o := range outputs(t, c) {
		if o.Type == "error" {
			text, failed = text+strings.Join(o.Trace, "\n"), true
		} else if o.Name == "stderr" {
			text += string(o.Text)
		}
	}
	if !failed {
		return ""
	}
	return text
}

// kinds lists a cell's outputs as stdout, stderr or their MIME types.
func kinds(t *testing.T, c cell) []string {
	var list []string
	for _, o := range outputs(t, c) {
		if o.Name != "" {
			list = append(list, o.Name)
		}
		for mime := range o.Data {
			list = append(list, mime)
		}
	}
	slices.Sort(list)
	return list
}
