package script

import (
	"fmt"
	"strings"
)

// nilErrors compares errors that hold a nil pointer.
func (g *generator) nilErrors() {
	e := g.fresh()
	g.line("%s := %s(%s)", e, g.name("find"), g.small())
	g.line("fmt.Println(%s == nil)", e)
}

// single assigns a named result to a variable that is there, twice.
func (g *generator) single() {
	m := g.pick("int")
	e := g.pick("error")
	for range 2 {
		g.line("%s = %s(%s)", m, g.name("total"), g.small())
		g.line("%s = %s(%s)", e, g.name("load"), g.small())
		g.line("fmt.Println(%s, %s)", m, e)
	}
}

// pools makes functions in composite literals of a type of the host.
func (g *generator) pools() {
	ps := g.fresh()
	i := g.fresh()
	g.line("var %s []*sync.Pool", ps)
	g.line("for _, %s := range []int{1, 2, 3} {", i)
	g.line("	%s := %s", i, i)
	g.line("	%s = append(%s, &sync.Pool{New: func() any { return %s }})", ps, ps, i)
	g.line("}")
	g.line("for _, p := range %s { fmt.Print(p.Get(), \" \") }", ps)
	g.line("fmt.Println()")
}

// plainSwitch is a switch on types of the language and errors.
func (g *generator) plainSwitch() {
	v := g.fresh()
	x := g.fresh()
	g.line("var %s any = []any{errors.New(\"e\"), 1, \"s\", 2.5, nil}[%d]", v, g.IntN(5))
	g.line("switch %s := %s.(type) {", x, v)
	g.line("case error: fmt.Println(\"error\", %s)", x)
	g.line("case int, string: fmt.Println(\"basic\", %s)", x)
	g.line("default: fmt.Println(\"other\", %s)", x)
	g.line("}")
}

// deferredLocal defers a function that is the value of a variable.
func (g *generator) deferredLocal() {
	f := g.fresh()
	g.line("func() {")
	g.line("	%s := func() { fmt.Println(\"clean\") }", f)
	g.line("	defer %s()", f)
	g.line("	fmt.Println(\"work\")")
	g.line("}()")
}

// switchInitialiser has a switch whose initialiser shadows a variable.
func (g *generator) switchInitialiser() {
	v := g.pick("int")
	g.line("switch %s := %s + 1; {", v, v)
	g.line("case %s > 3: fmt.Println(\"more\", %s)", v, v)
	g.line("default: fmt.Println(\"less\", %s)", v)
	g.line("}")
	g.line("fmt.Println(%s)", v)
}

// formats writes values by verbs, some of which name their operand or take their width from one.
func (g *generator) formats() {
	of := []string{g.name("S"), "error", "any", "[]int", "map[string]int", "[3]int", "string", "float64"}[g.IntN(8)]
	verb := []string{"%v", "%+v", "%8v", "%-9v|", "%q", "%x", "%T", "%#v", "%[1]v %[1]T",
		"%[2]v %[1]d", "%.3v %!"}[g.IntN(11)]
	x := g.expression(of, 1)
	shown := verb == "%#v" || strings.HasSuffix(verb, "d") // an address that an error or any may hold
	if g.IntN(3) == 0 || shown && (of == "error" || of == "any") {
		x = g.holder()
	}
	g.line("fmt.Printf(\"%s %%s\\n\", %s, []%s{%s})", verb, x, g.name("K"), fmt.Sprint(g.IntN(5)))
	if g.IntN(4) == 0 {
		g.line("fmt.Printf(\"%%*d|%%-*v|%%d %%s\\n\", %s(4), 1, %s, %s(2), %s(3))", g.name("K"),
			g.small(), g.name("K"), g.name("K"))
	}
}

// holder is a value of the host that holds ones of the script, and no address.
func (g *generator) holder() string {
	k := g.name("K") + "(" + g.small() + ")"
	s := g.expressionOf(g.name("S"), 0)
	return []string{
		"fmt.Errorf(\"w: %w\", " + k + ")",
		"fmt.Errorf(\"%w, %w\", " + k + ", " + k + ")",
		"errors.Join(" + k + ", nil, " + k + ")",
		"[]any{" + k + ", " + s + ", nil, 1}",
		"map[any]any{" + k + ": " + s + "}",
		"[1]error{" + k + "}",
		"struct { E error; f any }{" + k + ", " + s + "}",
		"struct { E any; f []error }{[]any{" + k + "}, []error{" + k + ", nil}}",
		"&[]any{" + s + ", nil}",
	}[g.IntN(9)]
}
