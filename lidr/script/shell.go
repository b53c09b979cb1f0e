package script

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/traefik/yaegi/interp"
)

// shellImports are the packages that a shell imports at its start; others are imported as in a program.
const shellImports = `lidrlab/lidr lidrlab/lidr/judge lidrlab/lidr/handoff lidrlab/lidr/choices lidrlab/lidr/doctor
lidrlab/lidr/pretrain lidrlab/lidr/eval lidrlab/plots lidrlab/datasets lidrlab/datasets/miniature lidrlab/datasets/paper
github.com/go-gota/gota/dataframe github.com/go-gota/gota/series
gonum.org/v1/plot gonum.org/v1/plot/plotter gonum.org/v1/plot/vg
context errors fmt log math os path/filepath sort strings time`

// Shell evaluates Go line by line, with lidr's packages imported. Its user's files are not confined.
type Shell struct {
	interpreter *interp.Interpreter
	pending     string
}

// NewShell returns a shell in which nothing is declared.
func NewShell() (*Shell, error) {
	s := &Shell{interpreter: interp.New(interp.Options{Stderr: io.Discard, Unrestricted: true})}
	if err := s.interpreter.Use(everything()); err != nil {
		return nil, err
	}
	for importPath := range strings.FieldsSeq(shellImports) {
		if _, err := s.interpreter.Eval(fmt.Sprintf("import %q", importPath)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Eval evaluates a line together with the lines before it whose brackets it closes. The value is the zero Value unless
// the input is an expression that has one. more is true while a bracket is open, so that a further line is expected.
func (s *Shell) Eval(ctx context.Context, line string) (value reflect.Value, more bool, err error) {
	source := s.pending + line + "\n"
	if isOpen(source) {
		s.pending = source
		return value, true, nil
	}
	s.pending = ""
	value, err = s.interpreter.EvalWithContext(ctx, source)
	var panicked interp.Panic
	if errors.As(err, &panicked) {
		err = fmt.Errorf("panic: %v", panicked.Value)
	}
	if err != nil || !hasValue(source) {
		return reflect.Value{}, false, err
	}
	return value, false, nil
}

// Reset forgets the lines of an open bracket.
func (s *Shell) Reset() { s.pending = "" }

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

// hasValue tells whether the source is an expression whose value is worth showing: a call of fmt.Println returns only
// the number of bytes that it has printed.
func hasValue(source string) bool {
	expression, err := parser.ParseExpr(source)
	if err != nil {
		return false
	}
	call, ok := expression.(*ast.CallExpr)
	if !ok {
		return true
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return true
	}
	pkg, ok := selector.X.(*ast.Ident)
	return !ok || pkg.Name != "fmt" || strings.HasPrefix(selector.Sel.Name, "S")
}

var lastWord = regexp.MustCompile(`[\pL_][\pL\pN_]*(\.[\pL\pN_]*)?$`)

// Complete returns the completions of the word at the end of a line, sorted: packages, their names, what was declared
// before, its fields and methods. Every completion begins with the word's last length bytes.
func (s *Shell) Complete(line string) (completions []string, length int) {
	word := lastWord.FindString(line)
	before, prefix, isMember := strings.Cut(word, ".")
	declared := s.interpreter.Globals()
	var names []string
	if isMember {
		if value, ok := declared[before]; ok && value.IsValid() {
			names = members(value)
		} else {
			names = s.packageNames(before)
		}
	} else {
		prefix = word
		for importPath := range strings.FieldsSeq(shellImports) {
			names = append(names, path.Base(importPath))
		}
		for name := range declared {
			names = append(names, name)
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

// packageNames returns the names that a package of the shell exports.
func (s *Shell) packageNames(name string) []string {
	var names []string
	for importPath := range strings.FieldsSeq(shellImports) {
		if path.Base(importPath) == name {
			for exported := range exported(importPath) {
				names = append(names, exported)
			}
		}
	}
	return names
}

// members returns the exported fields and methods of a value.
func members(value reflect.Value) []string {
	if value.Kind() == reflect.Interface && !value.IsNil() {
		value = value.Elem()
	}
	t := value.Type()
	var names []string
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		t = reflect.PointerTo(t)
	}
	for method := range t.Methods() {
		names = append(names, method.Name)
	}
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		for _, field := range reflect.VisibleFields(t.Elem()) {
			if field.IsExported() {
				names = append(names, field.Name)
			}
		}
	}
	return names
}
