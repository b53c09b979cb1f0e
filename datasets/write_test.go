package datasets

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file is written into folders that are made for it, over an old one, and where it cannot be written nothing is left.
func TestWriteFile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(folder, "x.json")
	for _, data := range []string{"first", "second, longer", ""} {
		if err := writeFile(path, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != data {
			t.Errorf("wrote %q, read %q, %v", data, got, err)
		}
	}
	taken := filepath.Join(folder, "taken") // a folder with something in it cannot be replaced
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(taken, []byte("x")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if err := writeFile(filepath.Join(path, "below a file", "x.json"), []byte("x")); err == nil {
		t.Error("a file was written below a file")
	}
	if got := listing(folder); got != "taken, x.json" {
		t.Errorf("the folder has %s, expected taken and x.json", got)
	}
}

// The data sets and the figures are of use without the rest. What their packages import of this module is among
// themselves, so that none of them depends on lidr by any way. The files are parsed here rather than listed by the go
// command, for a cached result of the test then ends with a change of any of them.
func TestImportsNothingOfLidr(t *testing.T) {
	packages := map[string]bool{}
	for _, room := range []string{"datasets", "plots"} {
		err := filepath.WalkDir(filepath.Join("..", room), func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			packages[filepath.Dir(path)] = true
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			for _, spec := range file.Imports {
				imported := strings.Trim(spec.Path.Value, `"`)
				module, rest, _ := strings.Cut(imported, "/")
				folder, _, _ := strings.Cut(rest, "/")
				if module == "lidrlab" && folder != "datasets" && folder != "plots" {
					t.Errorf("%s imports %s, expected packages of datasets and plots only", path, imported)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(packages) < 5 {
		t.Errorf("packages in %v, expected at least datasets with its three and plots", packages)
	}
}
