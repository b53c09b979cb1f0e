package tokenizer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A single expression can require any amount of memory: a string times a number, an indentation, a replacement in a
// replacement. So each operation that makes a new value is rewritten as a call of our function, which adds up the size
// of its operands before the interpreter computes it. That takes no parser: a filter follows its operand as an operator
// does, and up to three brackets express the operators' precedence, as in the first Fortran compilers. With _ for the
// meter's name, a + b * c ~ d becomes
//
//	(((a))|_op_add((b)|_op_mul(c)))|_op_cat(((d)))
//
// Calls, methods, filters, subscripts and literals become calls, or are followed by one, in the same way.
var exprToken = regexp.MustCompile(`(?s)` + quoted + `|\d+(?:\.\d+(?:[eE][+-]?\d*)?)?|\w+|\*\*|//|[=!<>]=|\s+|.`)

// binary maps the operators that become calls to their names and to the number of brackets that each closes and opens.
var binary = map[string]struct {
	name  string
	level int
}{
	"~": {"cat", 3},
	"+": {"add", 2}, "-": {"sub", 2},
	"*": {"mul", 1}, "/": {"div", 1}, "//": {"quo", 1}, "%": {"mod", 1},
}

// between are the tokens that an operand ends before.
var between = map[string]bool{
	"if": true, "else": true, "and": true, "or": true, "not": true, "in": true, "recursive": true,
	",": true, ":": true, "=": true, "==": true, "!=": true, "<": true, ">": true, "<=": true, ">=": true,
}

// guard rewrites the expressions of one template.
type guard struct {
	meter string          // the prefix of the functions' names
	uses  map[string]bool // the functions that the template calls

	filters []string // of the enclosing filter blocks

	b       strings.Builder
	here    region
	outer   []region
	operand bool // the last token ends an operand
}

// region is the text between two brackets.
type region struct {
	before string // the function that each operand in it is passed to, if any
	after  string // the text after the closing bracket
	open   bool   // an operand has begun
}

func (g *guard) use(function string) string {
	g.uses[function] = true
	return g.meter + "_" + function
}

// rewrite returns the expression with its operations guarded, and each operand passed to function, unless that is "".
func (g *guard) rewrite(expression, function string) (string, error) {
	tokens := slices.DeleteFunc(exprToken.FindAllString(expression, -1),
		func(s string) bool { return strings.TrimSpace(s) == "" })
	tokens = append(tokens, "", "", "") // for the look-ahead
	g.b.Reset()
	g.here, g.outer, g.operand = region{}, nil, false
	if function != "" {
		g.here.before = g.use(function)
	}
	for i := 0; tokens[i] != ""; {
		n := g.step(tokens[i:])
		if n == 0 {
			return "", fmt.Errorf("%.20q is not expected in %.60q", tokens[i], strings.TrimSpace(expression))
		}
		i += n
	}
	g.end()
	return g.b.String(), nil
}

// step writes the replacement of the next tokens and returns their number: 0 where the interpreter would not accept
// them, or would call a value that is neither a name nor a method.
func (g *guard) step(tokens []string) int {
	token, next := tokens[0], tokens[1]
	op, isBinary := binary[token]
	switch {
	case token == "is": // a test is no operand, and may have arguments
		n := 2
		if next == "not" {
			n = 3
		}
		g.end()
		g.b.WriteString(" " + strings.Join(tokens[:n], " ") + " ")
		return n + g.enter("(", tokens[n], region{})
	case between[token]:
		g.end()
		g.b.WriteString(" " + token + " ")
	case isName(token) && next == "=": // a named argument
		g.b.WriteString(token)
	case g.operand && isBinary:
		g.b.WriteString(strings.Repeat(")", op.level) + "|" + g.use("op_"+op.name) + strings.Repeat("(", op.level))
		g.operand = false
	case g.operand && token == "**":
		g.b.WriteString(token)
		g.operand = false
	case g.operand && token == "|" && isName(next):
		g.b.WriteString("|" + g.use("filter_"+next))
		return 2 + g.enter("(", tokens[2], region{})
	case g.operand && token == "." && isName(next) && tokens[2] == "(":
		g.b.WriteString("|" + g.use("method_"+next))
		return 2 + g.enter("(", tokens[2], region{})
	case g.operand && token == "." && next != "":
		g.b.WriteString("." + next + "|" + g.use("data"))
		return 2
	case g.operand && token == "[":
		object, key := "at", "weigh"
		if isSlice(tokens[1:]) {
			object, key = "slice", "bound"
		}
		g.b.WriteString("|" + g.use(object))
		g.enter("[", token, region{before: g.use(key)})
	case token == ")" || token == "]" || token == "}":
		if len(g.outer) == 0 {
			return 0
		}
		g.end()
		g.b.WriteString(token + g.here.after)
		g.here, g.outer = g.outer[len(g.outer)-1], g.outer[:len(g.outer)-1]
		g.operand = g.here.open
	case g.operand || strings.HasPrefix(token, "__"): // two operands in a row, or a name of the interpreter's own
		return 0
	case token == "(" || token == "[":
		g.begin()
		g.enter(token, token, region{after: "|" + g.use("made")})
	case token == "{":
		g.begin()
		g.enter(token, token, region{before: g.use("weigh"), after: "|" + g.use("made")})
	case token == "-" || token == "+":
		g.begin()
		g.b.WriteString(token)
	case isName(token) && next == "(":
		g.begin()
		g.b.WriteString(g.use("call_" + token))
		g.enter("(", next, region{})
		g.b.WriteString(token + ",")
		return 2
	case isName(token) || token[0] >= '0' && token[0] <= '9' || len(token) > 1 && (token[0] == '\'' || token[0] == '"'):
		g.begin()
		g.b.WriteString(token)
		g.operand = true
	default:
		return 0
	}
	return 1
}

func (g *guard) begin() {
	if !g.here.open && g.here.before != "" {
		g.b.WriteString(g.here.before + "(")
	}
	if !g.here.open {
		g.b.WriteString("(((")
	}
	g.here.open = true
}

func (g *guard) end() {
	if g.here.open {
		g.b.WriteString(")))")
	}
	if g.here.open && g.here.before != "" {
		g.b.WriteString(")")
	}
	g.here.open, g.operand = false, false
}

// enter writes an opening bracket, if the token is that one, and returns the number of tokens that it took.
func (g *guard) enter(bracket, token string, inner region) int {
	if token != bracket {
		g.operand = g.here.open
		return 0
	}
	g.b.WriteString(bracket)
	g.outer = append(g.outer, g.here)
	g.here, g.operand = inner, false
	return 1
}

func isName(token string) bool {
	return token != "" && !between[token] && token != "is" &&
		(token[0] == '_' || token[0]|0x20 >= 'a' && token[0]|0x20 <= 'z')
}

// isSlice reports whether the brackets that the tokens close contain a colon.
func isSlice(tokens []string) bool {
	depth := 0
	for _, token := range tokens {
		switch token {
		case "(", "[", "{":
			depth++
		case ")", "]", "}", "":
			depth--
		case ":":
			if depth == 0 {
				return true
			}
		}
		if depth < 0 {
			break
		}
	}
	return false
}
