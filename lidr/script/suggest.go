package script

import (
	"go/ast"
	"go/types"
	"path"
	"regexp"
	"strings"
	"unicode"

	"lidrlab/lidr/spelling"
)

var (
	undefinedName   = regexp.MustCompile(`^undefined: (\w+)\.(\w+)$`)
	undefinedMember = regexp.MustCompile(`undefined \(type .* has no field or method (\w+)\)$`)
	undefinedPlain  = regexp.MustCompile(`^undefined: (\w+)$`)
)

// typeError reports an error of the compiler and, for a name that is missing, the one there that differs least from it.
func (c *checker) typeError(tree *ast.File, pkg *types.Package, info *types.Info, e types.Error) {
	message := e.Msg
	if strings.Contains(message, "could not import") {
		return // head said so
	}
	if parts := undefinedName.FindStringSubmatch(message); parts != nil {
		importPath := imported(tree, parts[1])
		near := nearest(parts[2], c.host.Names(importPath))
		switch {
		case importPath == "":
		case !c.host.Has(importPath):
			return
		case instead[importPath+"."+parts[2]] != "":
			message = parts[1] + "." + parts[2] + " is not available to scripts" + instead[importPath+"."+parts[2]]
		case near != "":
			message += "; did you mean " + parts[1] + "." + near + "?"
		default:
			message = parts[1] + "." + parts[2] + " is not available to scripts"
		}
	} else if parts := undefinedMember.FindStringSubmatch(message); parts != nil {
		if near := nearest(parts[1], selectable(tree, info, e)); near != "" {
			message += "; did you mean " + near + "?"
		}
	} else if parts := undefinedPlain.FindStringSubmatch(message); parts != nil {
		var names []string
		for scope := pkg.Scope().Innermost(e.Pos); scope != nil; scope = scope.Parent() {
			names = append(names, scope.Names()...)
		}
		if near := nearest(parts[1], names); near != "" {
			message += "; did you mean " + near + "?"
		}
	}
	c.issues = append(c.issues, Issue{c.fset.Position(e.Pos), message})
}

// selectable returns the fields and methods that the selector at an error chooses from.
func selectable(tree *ast.File, info *types.Info, e types.Error) []string {
	var names []string
	ast.Inspect(tree, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok || selector.Sel.Pos() != e.Pos || info.TypeOf(selector.X) == nil {
			return true
		}
		names = selectors(info.TypeOf(selector.X))
		return false
	})
	return names
}

// imported returns the path that a file imports under a name, "" for none.
func imported(tree *ast.File, name string) string {
	for _, spec := range tree.Imports {
		importPath := strings.Trim(spec.Path.Value, "\"`")
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && packageName(importPath) == name {
			return importPath
		}
	}
	return ""
}

func packageName(importPath string) string {
	for key := range everything() {
		if path.Dir(key) == importPath {
			return path.Base(key)
		}
	}
	return path.Base(importPath)
}

// nearest returns the name with the least typing errors from a name, or that begins with its words, "" where none is
// near.
func nearest(name string, among []string) string {
	best := ""
	least := 1 + len(name)/4
	for _, candidate := range among {
		d := spelling.Distance(strings.ToLower(name), strings.ToLower(candidate))
		for i, r := range candidate {
			if i > 2 && unicode.IsUpper(r) {
				d = min(d, 1+spelling.Distance(strings.ToLower(name), strings.ToLower(candidate[:i])))
			}
		}
		if d < least || d == least && (best == "" || candidate < best) {
			best = candidate
			least = d
		}
	}
	return best
}
