package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ardanlabs/jinja"
)

// A chat template is a small program by the publisher of the model, and the interpreter has no limits. So its source is
// rewritten before it is compiled: whatever prints, assigns, enters a loop or calls a macro also calls a function of
// ours, which adds up the cost and ends the rendering when it is too high. The output is otherwise the same.
const (
	passCost  = 1 << 10  // cost of a pass through a loop, in bytes
	macroCost = 16 << 10 // cost of a call of a macro, in bytes
	valueCost = 16       // cost of any value beside its content, in bytes
	maxDepth  = 100      // nested brackets of an expression, and nested lists of a value
	maxDeep   = 1 << 19  // nested calls times bytes of source, which take some hundred bytes of stack each
)

var maxWork = 64 << 20 // bytes that one rendering may make, print and assign; tests lower it

const (
	quoted = `(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")`
	inside = `((?:` + quoted + `|[^'"])*?)`
)

var (
	// templateTag is a comment, a printed expression (groups 1 to 3) or a statement (4 to 6), each ending where the
	// interpreter's scanner ends it.
	templateTag = regexp.MustCompile(`(?s)\{#.*?#\}|(\{\{-?)` + inside + `(-?\}\})|(\{%-?)` + inside + `(-?%\})`)
	stringLit   = regexp.MustCompile(`(?s)` + quoted)
	keyword     = regexp.MustCompile(`^[\p{L}_]*`)
	forIn       = regexp.MustCompile(`(?s)^(.*?\bin\b)(.*)$`)
	callOf      = regexp.MustCompile(`(?s)^(\s*\([^)]*\))?(.*)$`)
	mutation    = regexp.MustCompile(`\.\s*(append|insert|pop|update)\b`)
)

// metered returns the source with its expressions guarded and with calls of the counting function, which is named
// g.meter: meter(cost, value, namespace) counts the cost and returns the value.
func (g *guard) metered(source string) (string, error) {
	var b strings.Builder
	text := func(s string, raw bool) {
		if b.WriteString(s); s != "" && !raw {
			fmt.Fprintf(&b, "{{%s(%d)}}", g.meter, len(s))
		}
	}
	raw, at := false, 0
	for _, m := range templateTag.FindAllStringSubmatchIndex(source, -1) {
		part := func(i int) string { return source[max(m[2*i], 0):max(m[2*i+1], 0)] }
		statement := strings.TrimSpace(part(5))
		word := keyword.FindString(statement)
		if raw && word != "endraw" {
			continue // in a raw block everything is text
		}
		text(source[at:m[0]], raw)
		at = m[1]
		raw = word == "raw"
		var tag string
		err := checkExpression(part(2) + part(5))
		if err == nil && strings.TrimSpace(part(2)) != "" {
			tag, err = g.rewrite(part(2), "")
			tag = fmt.Sprintf("%s %s(0,(%s)) %s", part(1), g.meter, tag, part(3))
		} else if err == nil && statement != "" {
			tag, err = g.statement(word, statement[len(word):], part(4), part(6))
		} else {
			tag = part(0)
		}
		if err != nil {
			return "", err
		}
		b.WriteString(tag)
	}
	text(source[at:], false)
	return b.String(), nil
}

// statement returns a statement with its expressions rewritten, followed by a count of its work.
func (g *guard) statement(word, rest, open, end string) (string, error) {
	before, expression, function, count := "", rest, "", ""
	switch word {
	case "if", "elif":
	case "set":
		target, value, assigns := strings.Cut(rest, "=")
		if !assigns { // a block, up to endset
			return open + " set " + rest + " " + end, nil
		}
		namespace := ""
		if of, _, ok := strings.Cut(target, "."); ok {
			namespace = "," + strings.TrimSpace(of)
		}
		value, err := g.rewrite(value, "")
		return fmt.Sprintf("%s set%s= %s(64,(%s)%s) %s", open, target, g.meter, value, namespace, end), err
	case "for":
		m := forIn.FindStringSubmatch(rest)
		if m == nil {
			return "", fmt.Errorf("for%.60s: expected variables in a list", rest)
		}
		before, expression, function, count = m[1], m[2], "each", fmt.Sprintf("{{%s(%d)}}", g.meter, passCost)
	case "macro": // the interpreter separates parameters at every comma, even inside brackets
		count = fmt.Sprintf("{{%s(%d)}}", g.meter, macroCost)
		parameters := strings.Split(strings.TrimSuffix(strings.TrimSpace(rest), ")"), ",")
		for i, parameter := range parameters {
			if name, value, ok := strings.Cut(parameter, "="); ok {
				value, err := g.rewrite(value, "")
				if err != nil {
					return "", err
				}
				parameters[i] = name + "=" + value
			}
		}
		return fmt.Sprintf("%s macro %s) %s%s", open, strings.Join(parameters, ","), end, count), nil
	case "call":
		m := callOf.FindStringSubmatch(rest)
		before, expression, count = cmp.Or(m[1], "()"), m[2], fmt.Sprintf("{{%s(%d)}}", g.meter, macroCost)
	case "filter": // a block that is assigned, and filtered where it ends
		g.filters = append(g.filters, rest)
		return fmt.Sprintf("%s set %s_block %s", open, g.meter, end), nil
	case "endfilter":
		if len(g.filters) == 0 {
			return "", errors.New("endfilter without filter")
		}
		value, err := g.rewrite(g.meter+"_block|"+g.filters[len(g.filters)-1], "")
		g.filters = g.filters[:len(g.filters)-1]
		return fmt.Sprintf("%s endset %s{{%s(0,(%s))}}", open, end, g.meter, value), err
	default:
		return open + " " + word + " " + rest + " " + end, nil
	}
	value, err := g.rewrite(expression, function)
	return fmt.Sprintf("%s %s %s %s %s%s", open, word, before, value, end, count), err
}

// checkExpression refuses brackets that would end the call around an expression, brackets nested so deeply that they
// would exhaust the parser's stack, and changes of lists, which transformers refuses too.
func checkExpression(body string) error {
	plain := stringLit.ReplaceAllString(body, "''")
	if m := mutation.FindString(plain); m != "" {
		return fmt.Errorf("%s changes a list or mapping, which a template may not", m)
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
type meter struct {
	*program
	left int
	deep int   // calls that are nested now
	err  error // the first one; the interpreter drops some
}

func (m *meter) enough() error {
	if m.left < 0 && m.err == nil {
		m.err = fmt.Errorf("the template loops, calls, multiplies or writes without end: more than %d bytes of work for "+
			"one conversation", maxWork)
	}
	return m.err
}

func (m *meter) count(args []jinja.Value, _ map[string]jinja.Value) (jinja.Value, error) {
	m.left -= int(args[0].AsInt())
	if len(args) == 1 {
		return jinja.NewString(""), m.enough()
	}
	var namespace *jinja.Dict
	if len(args) > 2 && args[2].IsDict() {
		namespace = args[2].AsDict()
	}
	return args[1], m.weigh(args[1], namespace, 0)
}

// weigh counts the bytes of a value, which must not hold the namespace that it is assigned to.
func (m *meter) weigh(v jinja.Value, namespace *jinja.Dict, depth int) error {
	m.left -= valueCost
	switch {
	case depth > maxDepth:
		return fmt.Errorf("a value has more than %d lists in each other", maxDepth)
	case v.IsString():
		m.left -= len(v.AsString())
	case v.IsList():
		for _, item := range v.AsList().Items {
			if err := m.weigh(item, namespace, depth+1); err != nil {
				return err
			}
		}
	case v.IsDict():
		if v.AsDict() == namespace {
			return fmt.Errorf("a namespace is assigned to itself")
		}
		for key, item := range v.AsDict().Data {
			m.left -= len(key)
			if err := m.weigh(item, namespace, depth+1); err != nil {
				return err
			}
		}
	}
	return m.enough()
}
