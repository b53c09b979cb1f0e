package tokenizer

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/ardanlabs/jinja"
)

// A chat template is a small program by whoever published the model, and the interpreter knows no limits. So its source is
// rewritten before it is compiled: what prints, assigns, enters a loop or calls a macro passes a function of ours, which
// adds up what it costs and ends the rendering where that is too much. What comes out is otherwise the same.
const (
	passCost  = 1 << 10  // bytes that stand for one pass through a loop,
	macroCost = 16 << 10 // for a call of a macro: thus they are at most 2,048 deep,
	maxDepth  = 100      // brackets in brackets of an expression, and lists in lists of a value
)

var maxWork = 32 << 20 // bytes that one rendering may print and assign; the fuzz test lowers it

const (
	quoted = `(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")`
	inside = `((?:` + quoted + `|[^'"])*?)`
)

var (
	// templateTag is a comment, a printed expression (groups 1 to 3) or a statement (4 to 6), as the interpreter's scanner ends it.
	templateTag = regexp.MustCompile(`(?s)\{#.*?#\}|(\{\{-?)` + inside + `(-?\}\})|(\{%-?)` + inside + `(-?%\})`)
	stringLit   = regexp.MustCompile(`(?s)` + quoted)
	keyword     = regexp.MustCompile(`^\s*(\w*)`)
	mutation    = regexp.MustCompile(`\.\s*(append|insert|pop)\b`)
)

// metered returns the source with calls of the function name in it: name(cost, value, namespace) is the value.
func metered(source, name string) (string, error) {
	var b strings.Builder
	text := func(s string, raw bool) {
		if b.WriteString(s); s != "" && !raw {
			fmt.Fprintf(&b, "{{%s(%d)}}", name, len(s))
		}
	}
	raw, at := false, 0
	for _, m := range templateTag.FindAllStringSubmatchIndex(source, -1) {
		part := func(i int) string { return source[max(m[2*i], 0):max(m[2*i+1], 0)] }
		body := part(2) + part(5)
		word := ""
		if m[8] >= 0 {
			word = keyword.FindStringSubmatch(body)[1]
		}
		if raw && word != "endraw" {
			continue // it is all text
		}
		text(source[at:m[0]], raw)
		at = m[1]
		if err := checkExpression(body); err != nil {
			return "", err
		}
		before, value, assigns := strings.Cut(body, "=")
		switch {
		case m[2] >= 0 && strings.TrimSpace(body) != "":
			fmt.Fprintf(&b, "%s %s(0,(%s)) %s", part(1), name, body, part(3))
		case word == "set" && assigns:
			namespace := ""
			if of, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(before), "set"), "."); ok {
				namespace = "," + strings.TrimSpace(of)
			}
			fmt.Fprintf(&b, "%s%s= %s(64,(%s)%s) %s", part(4), before, name, value, namespace, part(6))
		case word == "for":
			fmt.Fprintf(&b, "%s{{%s(%d)}}", part(0), name, passCost)
		case word == "macro" || word == "call":
			fmt.Fprintf(&b, "%s{{%s(%d)}}", part(0), name, macroCost)
		default:
			b.WriteString(part(0))
		}
		if raw = word == "raw"; word == "endraw" {
			fmt.Fprintf(&b, "{{%s(%d)}}", name, passCost)
		}
	}
	text(source[at:], false)
	return b.String(), nil
}

// checkExpression refuses brackets that would end the call around an expression, those that would exhaust the parser's stack,
// and changes of lists, which transformers refuses too.
func checkExpression(body string) error {
	plain := stringLit.ReplaceAllString(body, "''")
	if m := mutation.FindString(plain); m != "" {
		return fmt.Errorf("%s changes a list, which a template may not", m)
	}
	depth := 0
	for _, r := range plain {
		switch r {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		}
		if depth < 0 || depth > maxDepth {
			return fmt.Errorf("brackets in %.60q do not match or are more than %d deep", body, maxDepth)
		}
	}
	if depth != 0 {
		return fmt.Errorf("brackets in %.60q do not match", body)
	}
	return nil
}

// meter adds up the work of one rendering.
type meter struct{ left int }

func (m *meter) count(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	m.left -= int(args[0].AsInt())
	value := jinja.NewString("")
	if len(args) > 1 {
		value = args[1]
		var namespace *jinja.Dict
		if len(args) > 2 && args[2].IsDict() {
			namespace = args[2].AsDict()
		}
		if err := m.weigh(value, namespace, 0); err != nil {
			return value, err
		}
	}
	if m.left < 0 {
		return value, fmt.Errorf("the template loops, calls or writes without end: more than %d bytes of work for one conversation", maxWork)
	}
	return value, nil
}

// weigh counts the bytes of a value, which must not hold the namespace that it is assigned to.
func (m *meter) weigh(v jinja.Value, namespace *jinja.Dict, depth int) error {
	m.left -= 16
	switch {
	case depth > maxDepth:
		return fmt.Errorf("a value has more than %d lists in each other", maxDepth)
	case v.IsString():
		m.left -= len(v.AsString())
	case v.IsList():
		for _, item := range v.AsList().Items {
			if err := m.weigh(item, namespace, depth+1); err != nil || m.left < 0 {
				return err
			}
		}
	case v.IsDict():
		if v.AsDict() == namespace {
			return fmt.Errorf("a namespace is assigned to itself")
		}
		for key, item := range v.AsDict().Data {
			m.left -= len(key)
			if err := m.weigh(item, namespace, depth+1); err != nil || m.left < 0 {
				return err
			}
		}
	}
	return nil
}
