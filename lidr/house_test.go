package lidr

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The house keeps its size: what package lidr exports, its files, the README, the top folder, and the width of a line.
func TestHouse(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
	if len(files) > 35 {
		t.Errorf("package lidr has %d files, expected at most 35: %v", len(files), files)
	}
	if names := exported(t, files); len(names) > 72 {
		t.Errorf("package lidr exports %d names, expected at most 72: %v", len(names), names)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(readme), "\n"); lines > 150 {
		t.Errorf("the README has %d lines, expected at most 150", lines)
	}
	top, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{"LICENSE", "Makefile", "README.md", "bin", "datasets", "go.mod", "go.sum", "go.work",
		"go.work.sum", "lidr", "notebooks", "plots", "runs", "scripts"}
	for _, entry := range top {
		if name := entry.Name(); name[0] != '.' && !slices.Contains(allowed, name) {
			t.Errorf("the top folder holds %s, expected nothing but %v and dot files", name, allowed)
		}
	}
}

// exported lists the package's exported names: constants, variables, functions and types, no methods.
func exported(t *testing.T, files []string) []string {
	t.Helper()
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	pkg, err := doc.NewFromFiles(set, parsed, "lidrlab/lidr")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	values := func(all []*doc.Value) {
		for _, v := range all {
			for _, name := range v.Names {
				if ast.IsExported(name) {
					names = append(names, name)
				}
			}
		}
	}
	functions := func(all []*doc.Func) {
		for _, f := range all {
			names = append(names, f.Name)
		}
	}
	values(pkg.Consts)
	values(pkg.Vars)
	functions(pkg.Funcs)
	for _, typ := range pkg.Types {
		names = append(names, typ.Name)
		values(typ.Consts)
		values(typ.Vars)
		functions(typ.Funcs)
	}
	return names
}

const widest = 120 // characters of a line of Go

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

func TestLineWidth(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != ".." || entry.Name() == "bin" ||
			entry.Name() == "runs") {
			if entry != nil && entry.IsDir() && err == nil {
				return fs.SkipDir
			}
			return err
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil || generated.Match(source) {
			return err
		}
		for i, line := range strings.Split(string(source), "\n") {
			if n := utf8.RuneCountInString(line); n > widest {
				t.Errorf("%s:%d has %d characters, expected at most %d", path, i+1, n, widest)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
