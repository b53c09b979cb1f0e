package lidr

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// layers are the module's packages from the top down: imports only point down this list. A package that is not named is
// of the folder above it; packages of one line import nothing of each other.
var layers = []string{
	"lidr/cmd/lidr lidr/backend/cpu/bench",
	"lidr/script",
	"lidr/script/lower",
	"lidr/script/value",
	"lidr/script/host",
	"scripts notebooks lidr/cell",
	"lidr/view",
	"lidr/recipe lidr/trial",
	"lidr/judge lidr/scorers lidr/handoff lidr/choices lidr/doctor lidr/pretrain lidr/ablation lidr/cards lidr/tracking",
	"lidr",
	"lidr/report lidr/show lidr/serve",
	"lidr/eval lidr/langid/lingua",
	"lidr/dpo lidr/lm/local lidr/lm/remote lidr/gguf lidr/backend/xla lidr/hub lidr/langid",
	"lidr/lm lidr/transformer lidr/lidrtest",
	"lidr/tokenizer lidr/checkpoint lidr/backend",
	"lidr/backend/cpu",
	"lidr/ledger",
	"lidr/durable lidr/input lidr/printable lidr/processes lidr/spelling",
	"datasets/parquet datasets/paper plots",
	"datasets",
	"datasets/miniature",
}

func layerOf(folder string) int {
	for folder != "." {
		for i, layer := range layers {
			if slices.Contains(strings.Fields(layer), folder) {
				return i
			}
		}
		folder = filepath.Dir(folder)
	}
	return -1
}

// Arrows point down: of every file that is no test, each import of this module is of a lower layer.
func TestImportsPointDown(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name[0] == '.' && name != ".." || name == "testdata" || name == "bin" ||
			name == "runs") {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from, err := filepath.Rel("..", filepath.Dir(path))
		if err != nil {
			return err
		}
		from = filepath.ToSlash(from)
		if layerOf(from) < 0 {
			t.Errorf("%s is in no layer; add its folder to the list", path)
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(name, "lidrlab/")
			inside := strings.HasPrefix(to, from+"/") && layerOf(to) == layerOf(from) // a part of the same room
			if ours && !inside && layerOf(to) <= layerOf(from) {
				t.Errorf("%s imports %s, which is no lower layer", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The files of this package form no cycle, so that a reader can begin at any step and find what it needs below.
func TestFilesFormNoCycle(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax}, ".")
	if err != nil || len(loaded) != 1 || len(loaded[0].Errors) > 0 {
		t.Fatalf("%v, %v", loaded, err)
	}
	pkg := loaded[0]
	fileOf := func(pos token.Pos) string { return filepath.Base(pkg.Fset.File(pos).Name()) }
	uses := map[string]map[string]string{} // file, file that it uses, and one of the names
	for _, file := range pkg.Syntax {
		from := fileOf(file.Pos())
		uses[from] = map[string]string{}
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			used := pkg.TypesInfo.Uses[id]
			if used == nil || used.Pkg() != pkg.Types || !used.Pos().IsValid() {
				return true
			}
			if v, ok := used.(*types.Var); ok && (v.IsField() || v.Parent() != pkg.Types.Scope()) {
				return true // fields and local variables go with their type and function
			}
			if to := fileOf(used.Pos()); to != from {
				uses[from][to] = used.Name()
			}
			return true
		})
	}
	if len(uses) < 20 {
		t.Fatalf("%d files were read", len(uses))
	}
	// What uses nothing that is left is taken away, until only cycles are left.
	for taken := true; taken; {
		taken = false
		for _, from := range slices.Sorted(maps.Keys(uses)) {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(uses[from])), func(to string) bool { return uses[to] != nil }) {
				delete(uses, from)
				taken = true
			}
		}
	}
	for from, used := range uses {
		for to, name := range used {
			if uses[to] != nil {
				t.Errorf("%s uses %s of %s, which leads back to it", from, name, to)
			}
		}
	}
}
