package script

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator writes a random program: types with methods, functions, and a body of statements over variables of all
// kinds. Every program ends, and what Go leaves open, such as the order of a map or of a call and a variable that it
// changes, is not in it.
type generator struct {
	*rand.Rand
	id        int
	top       strings.Builder // declarations of the package
	body      strings.Builder
	indent    int
	vars      []variable
	n         int
	sparse    bool // few statements, and only fields that are exported
	declaring bool
	kinds     []string // of the statements, as the methods that write them
}

type variable struct{ name, of string }

// generate returns the declarations of program number id, whose function is named by it, for a seed.
func generate(seed uint64, id int) string {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, uint64(id))), id: id, sparse: id%2 == 1}
	g.types()
	g.functions()
	g.line("func program%d() {", id)
	g.indent++
	g.line(`defer func() {`)
	g.line(`	if r := recover(); r != nil {`)
	g.line(`		fmt.Println("panic:", r)`)
	g.line(`	}`)
	g.line(`}()`)
	if g.sparse {
		for range 1 + g.IntN(2) {
			g.statement()
		}
		g.report()
		g.indent--
		g.line("}")
		return g.plain(g.top.String() + g.header() + g.body.String())
	}
	for _, of := range []string{"int", "uint8", "int16", "float64", "string", "bool", "[]int", "map[string]int", "[3]int",
		g.name("S"), "*" + g.name("S"), g.name("I"), "func(int) int", "error", "any"} {
		g.declare(of)
	}
	for range 6 + g.IntN(10) {
		g.statement()
	}
	g.report()
	g.indent--
	g.line("}")
	return g.top.String() + g.header() + g.body.String()
}

// header says of which kinds the statements are.
func (g *generator) header() string {
	var kinds []string
	for _, name := range g.kinds {
		kinds = append(kinds, strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "-fm"))
	}
	return "\n// " + strings.Join(kinds, " ") + "\n"
}

// plain exports the fields, and takes away the methods by which package fmt writes a struct.
func (g *generator) plain(source string) string {
	source = strings.NewReplacer("\tb string", "\tB string", ".b", ".B", " b: ", " B: ", "fs []func", "Fs []func", "fs: ",
		"Fs: ",
		".fs[", ".Fs[", "\tp *S", "\tP *S", ".p.A", ".P.A", ".p = ", ".P = ", "func (s "+g.name("S")+") String() string",
		"func (s "+g.name("S")+") Text() string", " %T", "", "_none_", "").Replace(source)
	return source
}

// name is a name of the package, which no other program has.
func (g *generator) name(s string) string { return fmt.Sprintf("%s%d", s, g.id) }

func (g *generator) line(format string, a ...any) {
	g.body.WriteString(strings.Repeat("\t", g.indent))
	fmt.Fprintf(&g.body, format, a...)
	g.body.WriteByte('\n')
}

func (g *generator) fresh() string {
	g.n++
	return fmt.Sprintf("v%d", g.n)
}

// declare makes a variable of a type.
func (g *generator) declare(of string) string {
	value := g.expression(of, 2)
	name := g.fresh()
	g.line("var %s %s = %s", name, of, value)
	g.line("_ = %s", name)
	g.vars = append(g.vars, variable{name, of})
	return name
}

// pick returns a variable of a type, "" where there is none.
func (g *generator) pick(of string) string {
	var found []string
	for _, v := range g.vars {
		if v.of == of {
			found = append(found, v.name)
		}
	}
	if len(found) == 0 {
		if g.sparse && !g.declaring {
			g.declaring = true
			defer func() { g.declaring = false }()
			return g.declare(of)
		}
		return ""
	}
	return found[g.IntN(len(found))]
}

// scope runs do, and forgets the variables that it declared.
func (g *generator) scope(do func()) {
	known := len(g.vars)
	g.indent++
	do()
	g.indent--
	g.vars = g.vars[:known]
}

// report writes the variables, of which a function value by what it returns.
func (g *generator) report() {
	for _, v := range g.vars {
		switch v.of {
		case "func(int) int":
			g.line("fmt.Println(%q, %s(3))", v.name, v.name)
		case "*" + g.name("S"):
			g.line("if %s != nil { fmt.Printf(\"%s %%+v\\n\", *%s) }", v.name, v.name, v.name)
		default:
			if g.sparse {
				g.line("fmt.Printf(\"%s %%v\\n\", %s)", v.name, v.name)
				continue
			}
			g.line("fmt.Printf(\"%s %%v %%+v %%T\\n\", %s, %s, %s)", v.name, v.name, v.name, v.name)
		}
	}
}

// types declares a struct with methods, one that embeds it, an interface of both, and named basic types.
func (g *generator) types() {
	s := g.name("S")
	fmt.Fprintf(&g.top, `
type %[1]s struct {
	A int
	b string
	C [2]int
	p *%[1]s
}

func (s %[1]s) Get() int { return s.A + len(s.b) }
func (s *%[1]s) Add(n int) *%[1]s { s.A += n; s.C[1]++; return s }
func (s %[1]s) String() string { return fmt.Sprint("S(", s.A, s.b, s.C, ")") }

type %[2]s struct {
	%[1]s
	D float64
	fs []func() int
}

func (e *%[2]s) Get() int { return e.%[1]s.Get() * 2 }

type %[3]s interface{ Get() int }

type %[4]s int

func (k %[4]s) Get() int { return int(k) %% 7 }
func (k %[4]s) Error() string { return fmt.Sprintf("K%%d", int(k)) }

type %[5]s struct{ code int }

func (x *%[5]s) Error() string { return fmt.Sprint("X", x.code) }

var global%[6]d = %[7]d
`, s, g.name("E"), g.name("I"), g.name("K"), g.name("X"), g.id, g.IntN(50))
}

// functions declares functions with named results, deferred calls, several results and a variable number of parameters.
func (g *generator) functions() {
	fmt.Fprintf(&g.top, `
func two%[1]d(n int) (int, error) {
	if n%%%[2]d == 0 {
		return n, K%[1]d(n)
	}
	return n + %[3]d, nil
}

func named%[1]d(n int) (m int, err error) {
	if n > %[4]d {
		err = errors.New("large")
	}
	m += n
	return
}

func total%[1]d(n int) (m int) {
	for i := 0; i < n; i++ {
		m += i
	}
	return
}

func load%[1]d(n int) (err error) {
	if n > 5 {
		err = errors.New("load")
	}
	return
}

func sum%[1]d(first int, rest ...int) (total int) {
	defer func() { total *= %[5]d }()
	for _, x := range rest {
		total += x
	}
	return total + first
}

func safe%[1]d(n int) (m int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("safe: %%v", r)
		}
	}()
	list := []int{1, 2, 3}
	return list[n%%5] / (n %% 2), nil
}

func find%[1]d(n int) error {
	var x *X%[1]d
	if n%%2 == 0 {
		x = &X%[1]d{n}
	}
	if n%%3 == 0 {
		return nil
	}
	return x
}

func lookup%[1]d(n int) error {
	if n%%2 == 0 {
		return fmt.Errorf("wrapped: %%w", &X%[1]d{n})
	}
	return K%[1]d(n)
}
`, g.id, 2+g.IntN(3), g.IntN(9), g.IntN(40), 1+g.IntN(4))
}

// expression returns an expression of a type.
func (g *generator) expression(of string, depth int) string {
	if name := g.pick(of); name != "" && (depth <= 0 || g.IntN(3) == 0) {
		return name
	}
	switch {
	case isNumber(of):
		return g.number(of, depth)
	case of == "string":
		return g.text(depth)
	case of == "bool":
		return g.condition(depth)
	case of == "[]int":
		return g.slice(depth)
	case of == "map[string]int":
		return fmt.Sprintf(`map[string]int{"a": %s, %q: %s}`, g.expression("int", depth-1), g.word()+"z",
			g.expression("int", depth-1))
	case of == "[3]int":
		return fmt.Sprintf("[3]int{%s, 2: %s}", g.expression("int", depth-1), g.expression("int", depth-1))
	case of == g.name("S"):
		return fmt.Sprintf("%s{A: %s, b: %s, C: [2]int{1, %s}}", of, g.expression("int", depth-1),
			g.expression("string", depth-1),
			g.expression("int", depth-1))
	case of == "*"+g.name("S"):
		if g.IntN(12) == 0 {
			return "nil"
		}
		return "&" + g.expressionOf(g.name("S"), depth)
	case of == g.name("I"):
		return g.implementation(depth)
	case of == "func(int) int":
		return g.function(depth)
	case of == "error":
		return []string{"nil", g.name("find") + "(" + g.small() + ")", g.name("lookup") + "(" + g.small() + ")",
			`errors.New(` + g.text(0) + `)`, g.name("K") + "(" + g.small() + ")"}[g.IntN(5)]
	}
	// any
	inner := []string{"int", "string", "float64", "bool", "uint8", g.name("S"), "[]int", "error", g.name("I"),
		"[3]int"}[g.IntN(10)]
	if g.IntN(9) == 0 {
		return "nil"
	}
	return "any(" + g.expression(inner, depth-1) + ")"
}

// expressionOf never returns a variable.
func (g *generator) expressionOf(of string, depth int) string {
	known := g.vars
	text := ""
	for text == "" || !strings.HasPrefix(text, of+"{") {
		text = g.expression(of, max(depth, 1))
	}
	g.vars = known
	return text
}

func isNumber(of string) bool {
	return strings.HasPrefix(of, "int") || strings.HasPrefix(of, "uint") || strings.HasPrefix(of, "float")
}

func (g *generator) small() string { return fmt.Sprint(g.IntN(12)) }

func (g *generator) word() string {
	return []string{"", "a", "bc", "x", "né", "日本", "z%", "long word"}[g.IntN(8)]
}

// literal is a constant of a type of numbers.
func (g *generator) literal(of string) string {
	switch {
	case strings.HasPrefix(of, "float"):
		return []string{"0", "1", "2.5", "-3.25", "1e3", "1 / 2", "7 / 2.0", "0.1"}[g.IntN(8)]
	case of == "uint8":
		return fmt.Sprint(g.IntN(256))
	case of == "int8":
		return fmt.Sprint(g.IntN(256) - 128)
	case strings.HasPrefix(of, "uint"):
		return fmt.Sprint(g.IntN(60000))
	}
	return fmt.Sprint(g.IntN(60) - 20)
}

func (g *generator) number(of string, depth int) string {
	if depth <= 0 {
		return "as_" + of + "(" + g.literal(of) + ")"
	}
	a := g.expression(of, depth-1)
	b := g.expression(of, depth-1)
	isFloat := strings.HasPrefix(of, "float")
	switch n := g.IntN(14); {
	case n < 3:
		return fmt.Sprintf("(%s %s %s)", a, []string{"+", "-", "*"}[n], b)
	case n == 3 && isFloat:
		return fmt.Sprintf("(%s / %s)", a, b)
	case n == 3:
		return fmt.Sprintf("(%s %s (%s | 1))", a, []string{"/", "%"}[g.IntN(2)], b)
	case n < 6 && !isFloat:
		return fmt.Sprintf("(%s %s %s)", a, []string{"&", "|", "^", "&^"}[g.IntN(4)], b)
	case n == 6 && !isFloat:
		return fmt.Sprintf("(%s %s (%s %% 9))", a, []string{"<<", ">>"}[g.IntN(2)], g.expression("uint8", depth-1))
	case n == 7 && !isFloat:
		return "(^" + a + ")"
	case n == 8:
		return "(-" + a + ")"
	case n == 9 && !isFloat:
		from := []string{"int", "uint8", "int16", "int64", "uint32", "int8"}[g.IntN(6)]
		return of + "(" + g.expression(from, depth-1) + ")"
	case n == 9:
		return of + "(" + g.expression([]string{"int", "uint8", "float32", "float64"}[g.IntN(4)], depth-1) + ")"
	case of == "int":
		return g.integer(depth)
	}
	return "as_" + of + "(" + g.literal(of) + ")"
}

// integer is an expression of type int from values of other types.
func (g *generator) integer(depth int) string {
	switch g.IntN(8) {
	case 0:
		return "len(" + g.expression("string", depth-1) + ")"
	case 1:
		return "len(" + g.expression("[]int", depth-1) + ")"
	case 2:
		return g.expression("map[string]int", depth-1) + `["a"]`
	case 3:
		return g.expression(g.name("S"), depth-1) + ".A"
	case 4:
		return g.expression(g.name("S"), depth-1) + ".Get()"
	case 5:
		return fmt.Sprintf("%s(%s, %s, %s)", g.name("sum"), g.small(), g.small(), g.expression("int", 0))
	case 6:
		return g.expression("[3]int", depth-1) + fmt.Sprintf("[%d]", g.IntN(3))
	}
	return g.implementation(depth-1) + ".Get()"
}

func (g *generator) text(depth int) string {
	if depth <= 0 {
		return fmt.Sprintf("%q", g.word())
	}
	switch g.IntN(6) {
	case 0:
		return "(" + g.text(depth-1) + " + " + g.expression("string", depth-1) + ")"
	case 1:
		return "fmt.Sprint(" + g.expression([]string{"int", "float64", "bool", "[]int", g.name("S"), "error",
			"any"}[g.IntN(7)], depth-1) + ")"
	case 2:
		return "string([]byte(" + g.expression("string", depth-1) + "))"
	case 3:
		return "strings.ToUpper(" + g.expression("string", depth-1) + ")"
	case 4:
		return "string(rune(" + fmt.Sprint(60+g.IntN(900)) + "))"
	}
	return fmt.Sprintf("%q", g.word())
}

func (g *generator) condition(depth int) string {
	if depth <= 0 {
		return []string{"true", "false"}[g.IntN(2)]
	}
	of := []string{"int", "float64", "string", "uint8", "int16"}[g.IntN(5)]
	switch g.IntN(6) {
	case 0:
		return "!" + g.expression("bool", depth-1)
	case 1:
		return "(" + g.expression("bool", depth-1) + []string{" && ", " || "}[g.IntN(2)] + g.expression("bool", depth-1) + ")"
	case 2:
		if v := g.pick("error"); v != "" {
			return "(" + v + " == nil)"
		}
		return "false"
	case 3:
		return "(" + g.expression("[3]int", depth-1) + " == " + "[3]int{1, 2, 3})"
	}
	return "(" + g.expression(of, depth-1) + []string{" < ", " == ", " != ", " >= "}[g.IntN(4)] +
		g.expression(of, depth-1) + ")"
}

func (g *generator) slice(depth int) string {
	if depth <= 0 || g.IntN(2) == 0 {
		return fmt.Sprintf("[]int{%s, %s, %s}", g.small(), g.expression("int", depth-1), g.small())
	}
	base := g.expression("[]int", depth-1)
	switch g.IntN(3) {
	case 0:
		return "append(" + base + "[:1:1], " + g.expression("int", depth-1) + ")"
	case 1:
		return base + []string{"[1:]", "[:2]", "[:]", "[1:2]"}[g.IntN(4)]
	}
	return "append([]int(nil), " + base + "...)"
}

// implementation is a value of the interface.
func (g *generator) implementation(depth int) string {
	i := g.name("I")
	switch g.IntN(4) {
	case 0:
		return i + "(" + g.name("K") + "(" + g.small() + "))"
	case 1:
		return i + "(" + g.expression(g.name("S"), depth-1) + ")"
	case 2:
		return i + "(&" + g.expressionOf(g.name("S"), depth-1) + ")"
	}
	return i + "(&" + g.name("E") + "{" + g.name("S") + ": " + g.expression(g.name("S"), depth-1) + ", D: 1 / 2})"
}

// function is a value of type func(int) int.
func (g *generator) function(depth int) string {
	switch g.IntN(4) {
	case 0:
		if v := g.pick("*" + g.name("S")); v != "" && g.IntN(2) == 0 {
			return "func(n int) int { if " + v + " == nil { return n }; return " + v + ".Add(n).A }"
		}
	case 1:
		if v := g.pick(g.name("S")); v != "" {
			return "func(get func() int) func(int) int { return func(n int) int { return n + get() } }(" + v + ".Get)"
		}
	case 2:
		if v := g.pick("int"); v != "" {
			return "func(n int) int { " + v + " += n; return " + v + " }"
		}
	}
	return "func(n int) int { return n*" + g.small() + " + " + g.literal("int") + " }"
}
