package script

import (
	"go/scanner"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
)

// isOpen tells whether a bracket, a raw string or a comment of the source is still open.
func isOpen(source string) bool {
	var scan scanner.Scanner
	unfinished := false
	files := token.NewFileSet()
	onError := func(_ token.Position, message string) {
		if strings.HasPrefix(message, "raw string literal not") || strings.HasPrefix(message, "comment not") {
			unfinished = true
		}
	}
	scan.Init(files.AddFile("", -1, len(source)), []byte(source), onError, 0)
	depth := 0
	for {
		switch _, tok, _ := scan.Scan(); tok {
		case token.EOF:
			return depth > 0 || unfinished
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACE, token.RBRACK:
			depth--
		}
	}
}

var lastWord = regexp.MustCompile(`[\pL_][\pL\pN_]*(\.[\pL\pN_]*)?$`)

// Complete returns the completions of the word at the end of a line, sorted: packages, their names, what was declared
// before, its fields and methods. Every completion begins with the word's last length bytes.
func (s *Shell) Complete(line string) (completions []string, length int) {
	word := lastWord.FindString(line)
	before, prefix, isMember := strings.Cut(word, ".")
	var names []string
	switch {
	case !isMember:
		prefix = word
		for importPath := range strings.FieldsSeq(shellImports) {
			names = append(names, path.Base(importPath))
		}
		for name := range s.names {
			names = append(names, name)
		}
	case s.names[before] != nil:
		names = selectors(s.names[before].Type())
	default:
		for importPath := range strings.FieldsSeq(shellImports) {
			if path.Base(importPath) == before {
				names = append(names, s.machine.Host.Names(importPath)...)
			}
		}
	}
	for _, name := range names {
		if strings.HasPrefix(name, prefix) && token.IsIdentifier(name) && !strings.HasPrefix(name, "_") {
			completions = append(completions, name)
		}
	}
	slices.Sort(completions)
	return slices.Compact(completions), len(prefix)
}

// selectors returns the fields and methods of a type.
func selectors(t types.Type) []string {
	if pointer, ok := t.Underlying().(*types.Pointer); ok {
		t = pointer.Elem()
	}
	var names []string
	addressed := t
	if !types.IsInterface(t) {
		addressed = types.NewPointer(t)
	}
	for method := range types.NewMethodSet(addressed).Methods() {
		names = append(names, method.Obj().Name())
	}
	if structure, ok := t.Underlying().(*types.Struct); ok {
		for field := range structure.Fields() {
			names = append(names, field.Name())
			if field.Embedded() {
				names = append(names, selectors(field.Type())...)
			}
		}
	}
	return names
}
