package notebooks

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/imports"
)

// notebook is what this package reads of nbformat 4: https://nbformat.readthedocs.io/en/latest/format_description.html.
type notebook struct {
	Cells    []cell
	Metadata struct {
		Kernelspec struct{ Name string }
	}
}

type cell struct {
	Type    string          `json:"cell_type"`
	Source  multiline       `json:"source"`
	Outputs json.RawMessage `json:"outputs"`
}

// multiline is a text that nbformat writes as one string or as a list of lines.
type multiline string

func (m *multiline) UnmarshalJSON(data []byte) error {
	var lines []string
	if err := json.Unmarshal(data, &lines); err != nil {
		return json.Unmarshal(data, (*string)(m))
	}
	*m = multiline(strings.Join(lines, ""))
	return nil
}

// readCode returns the code cells of a notebook: cell [n] of Jupyter's count is the one at n-1.
func readCode(path string) ([]cell, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var book notebook
	if err := json.Unmarshal(data, &book); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if name := book.Metadata.Kernelspec.Name; name != "lidr-gonb" {
		return nil, fmt.Errorf("%s: its kernel is %q, not lidr-gonb: choose lidr (GoNB) in Jupyter, or run make notebooks",
			path, name)
	}
	return slices.DeleteFunc(book.Cells, func(c cell) bool { return c.Type != "code" }), nil
}

// label names a cell in messages as Jupyter and GoNB count them.
func label(path string, n int) string { return fmt.Sprintf("%s cell [%d]", filepath.Base(path), n) }

// unit is a declaration that lives on in later cells, until one of its names is declared again.
type unit struct {
	names []string
	text  string // with a line directive, so that errors point into the cell
}

// programs returns for each cell the program that GoNB compiles for it: the declarations of the cells so far, and the
// cell's own main. Lines that start with % or ! are the kernel's; a %% line starts main.
func programs(path string, cells []cell) ([]string, error) {
	var kept []unit
	var imported []string
	out := make([]string, len(cells))
	for i, c := range cells {
		name := label(path, i+1)
		fset := token.NewFileSet()
		source := goSource(name, string(c.Source))
		file, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("%w; statements stand below a line %%%%, declarations above it", err)
		}
		main := "func main() {}\n"
		for _, u := range units(fset, file, source) {
			switch {
			case u.names == nil:
				imported = append(imported, u.text)
			case u.names[0] == "main":
				main = u.text
			default:
				kept = slices.DeleteFunc(kept, func(old unit) bool {
					return slices.ContainsFunc(old.names, func(n string) bool { return n != "_" && slices.Contains(u.names, n) })
				})
				kept = append(kept, u)
			}
		}
		body := main
		for _, u := range kept {
			body += u.text
		}
		if out[i], err = addImports(strings.Join(imported, ""), body); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, nil
}

// goSource is a cell as a Go file, with its positions kept.
func goSource(name, source string) string {
	lines := strings.Split(source, "\n")
	closing := ""
	for i, line := range lines {
		switch {
		case line == "%%" || strings.HasPrefix(line, "%% "):
			lines[i], closing = "func main() { flag.Parse()", "\n}"
		case strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!"):
			lines[i] = ""
		}
	}
	return "package main\n//line " + name + ":1:1\n" + strings.Join(lines, "\n") + closing
}

// units takes a file apart. Imports come without names.
func units(fset *token.FileSet, file *ast.File, source string) []unit {
	var out []unit
	add := func(names []string, node ast.Node, keyword string) {
		from, to := fset.File(node.Pos()).Offset(node.Pos()), fset.File(node.Pos()).Offset(node.End())
		out = append(out, unit{names, fmt.Sprintf("%s\n//line %v\n%s\n", keyword, fset.Position(node.Pos()),
			source[from:to])})
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			name := decl.Name.Name
			if decl.Recv != nil {
				name = strings.TrimPrefix(types.ExprString(decl.Recv.List[0].Type), "*") + "." + name
			}
			add([]string{name}, decl, "")
		case *ast.GenDecl:
			var all []string
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.ImportSpec:
					add(nil, spec, "import")
				case *ast.TypeSpec:
					add([]string{spec.Name.Name}, spec, "type")
				case *ast.ValueSpec:
					names := make([]string, len(spec.Names))
					for i, name := range spec.Names {
						names[i] = name.Name
					}
					if all = append(all, names...); decl.Tok == token.VAR {
						add(names, spec, "var")
					}
				}
			}
			// Constants count on from the line before, so their block stays together.
			if decl.Tok == token.CONST {
				add(all, decl, "")
			}
		}
	}
	return out
}

// addImports puts the imports in front that goimports, which GoNB calls, finds to be used in body.
func addImports(imported, body string) (string, error) {
	fixed, err := imports.Process("", []byte("package main\n"+imported+body),
		&imports.Options{Comments: true, TabWidth: 8})
	if err != nil {
		return "", err
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", fixed, parser.ImportsOnly)
	if err != nil {
		return "", err
	}
	used := ""
	for _, spec := range file.Imports {
		name := ""
		if spec.Name != nil {
			name = spec.Name.Name
		}
		used += "import " + name + " " + spec.Path.Value + "\n"
	}
	return "package main\n" + used + body, nil
}
