package script

import (
	"reflect"
	"runtime"
)

// statement writes one statement, and within it others.
func (g *generator) statement() {
	kinds := []func(){
		g.assign, g.assign, g.several, g.mapUpdate, g.branch, g.loop, g.rangeLoop, g.rangeAssigned, g.switchOn, g.typeSwitch,
		g.assertion, g.closures, g.literalClosures, g.deferred, g.recovered, g.named, g.selected, g.labelled, g.pointers,
		g.methodValues, g.embedded, g.goroutines, g.arrays, g.constants, g.errors, g.texts, g.jump, g.numbers, g.copied,
		g.maps, g.conversions, g.comparisons, g.shadowed, g.formats, g.panics, g.nilErrors, g.single, g.pools, g.plainSwitch,
		g.deferredLocal,
		g.switchInitialiser,
	}
	if g.indent > 4 || g.sparse && g.indent > 1 {
		g.assign()
		return
	}
	kind := kinds[g.IntN(len(kinds))]
	g.kinds = append(g.kinds, runtime.FuncForPC(reflect.ValueOf(kind).Pointer()).Name())
	kind()
}

func (g *generator) statements(n int) {
	g.scope(func() {
		for range 1 + g.IntN(n) {
			g.statement()
		}
	})
}

var assignable = []string{"int", "uint8", "int16", "float64", "string", "bool", "[]int", "[3]int", "error", "any"}

func (g *generator) assign() {
	of := assignable[g.IntN(len(assignable))]
	v := g.pick(of)
	switch {
	case g.IntN(4) == 0:
		g.declare(of)
	case isNumber(of) && g.IntN(2) == 0:
		g.line("%s %s= %s", v, []string{"+", "-", "*"}[g.IntN(3)], g.expression(of, 2))
	case of == "int" && g.IntN(3) == 0:
		g.line("%s%s", v, []string{"++", "--"}[g.IntN(2)])
	default:
		g.line("%s = %s", v, g.expression(of, 3))
	}
}

// several assigns several values at once, some in each other's place.
func (g *generator) several() {
	switch g.IntN(5) {
	case 0:
		a := g.declare("int")
		b := g.declare("int")
		g.line("%s, %s = %s, %s+1", a, b, b, a)
	case 1:
		list := g.declare("[]int")
		g.line("if len(%s) > 1 { %s[0], %s[1] = %s[1], %s[0] }", list, list, list, list, list)
	case 2:
		g.line("%s, %s = %s(%s)", g.pick("int"), g.pick("error"), g.name("two"), g.small())
	case 3:
		a := g.declare("[]int")
		g.line("%s, %s = nil, %s", a, g.pick("string"), g.text(1))
	case 4:
		a := g.fresh()
		b := g.fresh()
		g.line("%s, %s := %s, %s", a, b, g.expression("int", 1), g.expression("float64", 1))
		g.line("_, _ = %s, %s", a, b)
		g.vars = append(g.vars, variable{a, "int"}, variable{b, "float64"})
	}
}

func (g *generator) mapUpdate() {
	m := g.pick("map[string]int")
	switch g.IntN(5) {
	case 0:
		g.line("%s[%s] = %s", m, g.text(1), g.expression("int", 2))
	case 1:
		g.line("%s[%q]++", m, g.word())
	case 2:
		g.line("%s[%q], %s = %s(%s)", m, g.word(), g.pick("error"), g.name("two"), g.small())
	case 3:
		g.line("delete(%s, %q)", m, g.word())
	case 4:
		g.line("%s, %s = %s[%q]", g.pick("int"), g.pick("bool"), m, g.word())
	}
}

func (g *generator) branch() {
	if g.IntN(2) == 0 {
		v := g.fresh()
		g.line("if %s := %s; %s > %s {", v, g.expression("int", 1), v, g.literal("int"))
	} else {
		g.line("if %s {", g.condition(2))
	}
	g.statements(2)
	if g.IntN(2) == 0 {
		g.line("} else {")
		g.statements(2)
	}
	g.line("}")
}

func (g *generator) loop() {
	i := g.fresh()
	g.line("for %s := 0; %s < %d; %s++ {", i, i, 1+g.IntN(3), i)
	g.scope(func() {
		if g.IntN(3) == 0 {
			g.line("if %s == 1 { %s }", i, []string{"continue", "break"}[g.IntN(2)])
		}
		g.line("fmt.Print(%s, \" \")", i)
		g.statements(2)
	})
	g.line("}")
}

func (g *generator) rangeLoop() {
	k := g.fresh()
	v := g.fresh()
	over := []string{g.expression("[]int", 1), g.expression("string", 1), g.expression("[3]int", 1)}[g.IntN(3)]
	g.line("for %s, %s := range %s {", k, v, over)
	g.scope(func() {
		g.line("%s += 10", k)
		g.line("%s++", v)
		g.line("fmt.Print(%s, %s, \" \")", k, v)
		if g.IntN(2) == 0 {
			g.statement()
		}
	})
	g.line("}")
	g.line("fmt.Println()")
}

// rangeAssigned runs over values with variables that were there before.
func (g *generator) rangeAssigned() {
	k := g.declare("int")
	v := g.declare("int")
	g.line("for %s, %s = range %s { _ = %s }", k, v, g.expression("[]int", 1), v)
	g.line("fmt.Println(%s, %s)", k, v)
}

func (g *generator) switchOn() {
	v := g.fresh()
	switch g.IntN(3) {
	case 0:
		g.line("switch %s := %s; %s {", v, g.expression("int", 1), v)
	case 1:
		g.line("switch %s := %s; {", v, g.expression("int", 1))
		g.line("case %s > 5:", v)
		g.statements(1)
		g.line("\tfallthrough")
		g.line("case %s < 0:", v)
		g.statements(1)
		g.line("default: fmt.Println(%s)", v)
		g.line("}")
		return
	case 2:
		g.line("switch %s {", g.expression("int", 1))
	}
	for i := range 3 {
		g.line("case %d, %d:", i*2, i*2+1)
		g.statements(1)
		if g.IntN(3) == 0 {
			g.line("\tbreak")
		}
	}
	g.line("default:")
	g.statements(1)
	g.line("}")
}

func (g *generator) typeSwitch() {
	v := g.fresh()
	g.line("switch %s := %s.(type) {", v, g.pick("any"))
	g.line("case nil: fmt.Println(\"nil\", %s)", v)
	g.line("case int, string: fmt.Println(\"basic\", %s)", v)
	g.line("case float64: fmt.Println(\"float\", %s*2)", v)
	g.line("case %s: fmt.Println(\"S\", %s.A)", g.name("S"), v)
	g.line("case error: fmt.Println(\"error\", %s.Error())", v)
	g.line("case %s: fmt.Println(\"I\", %s.Get())", g.name("I"), v)
	g.line("case fmt.Stringer: fmt.Println(\"Stringer\", %s)", v)
	g.line("default: fmt.Printf(\"other %%v %%T\\n\", %s, %s)", v, v)
	g.line("}")
}

func (g *generator) assertion() {
	of := []string{"int", "error", g.name("S"), g.name("I"), "fmt.Stringer", g.name("K"), "*" + g.name("S")}[g.IntN(7)]
	v := g.fresh()
	from := []string{g.pick("any"), "any(" + g.pick("error") + ")", "any(" + g.pick(g.name("I")) + ")"}[g.IntN(3)]
	if g.IntN(5) == 0 {
		g.line("fmt.Println(%s.(%s) != nil)", from, g.name("I"))
		return
	}
	g.line("%s, ok%s := %s.(%s)", v, v, from, of)
	g.line("_ = %s", v)
	g.line("fmt.Println(ok%s)", v)
}

// closures makes functions in a loop that share its variable, or have a copy.
func (g *generator) closures() {
	fs := g.fresh()
	i := g.fresh()
	g.line("var %s []func() int", fs)
	g.line("for %s := 0; %s < 3; %s++ {", i, i, i)
	if g.IntN(2) == 0 {
		g.line("\t%s := %s", i, i)
	}
	g.line("\t%s = append(%s, func() int { %s++; return %s })", fs, fs, i, i)
	g.line("}")
	g.line("for _, f := range %s { fmt.Print(f(), f(), \" \") }", fs)
	g.line("fmt.Println()")
}

// literalClosures makes functions in composite literals.
func (g *generator) literalClosures() {
	es := g.fresh()
	i := g.fresh()
	g.line("var %s []%s", es, g.name("E"))
	g.line("for _, %s := range []int{1, 2} {", i)
	g.line("\t%s := %s", i, i)
	g.line("\t%s = append(%s, %s{D: 1 / 2, fs: []func() int{func() int { return %s }, func() int { %s *= 2; return %s "+
		"}}})",
		es, es, g.name("E"), i, i, i)
	g.line("}")
	g.line("for _, e := range %s { fmt.Print(e.fs[1](), e.fs[0](), e.D, \" \") }", es)
	g.line("fmt.Println()")
}

func (g *generator) deferred() {
	x := g.fresh()
	f := g.fresh()
	g.line("func() {")
	g.scope(func() {
		g.line("%s := %s", x, g.expression("int", 1))
		g.line("%s := func() { fmt.Println(\"local\", %s) }", f, x)
		g.line("_ = %s", f)
		if g.IntN(2) == 0 {
			g.line("defer %s()", f)
		}
		switch g.IntN(3) {
		case 0:
			g.line("defer fmt.Println(\"deferred\", %s)", x)
		case 1:
			g.line("for i := 0; i < 2; i++ { defer func(n int) { fmt.Println(n, i) }(i) }")
		}
		g.line("defer func() { fmt.Println(%s) }()", x)
		g.line("%s++", x)
		g.statements(1)
	})
	g.line("}()")
}

func (g *generator) recovered() {
	g.line("func() {")
	g.scope(func() {
		g.line("defer func() {")
		g.line("	r := recover()")
		g.line("	err, ok := r.(error)")
		g.line("	fmt.Println(ok, err, r)")
		g.line("}()")
		switch g.IntN(7) {
		case 6:
			g.line("panic(errors.New(%s))", g.text(0))
		case 0:
			g.line("panic(%s(%s))", g.name("K"), g.small())
		case 1:
			g.line("panic(%s)", g.text(1))
		case 2:
			g.line("var list []int; _ = list[%s]", g.small())
		case 3:
			g.line("var m map[string]int; m[\"a\"] = 1")
		case 4:
			g.line("zero := %s; zero -= zero; fmt.Println(1 / zero)", g.expression("int", 0))
		case 5:
			g.line("var p *%s; fmt.Println(p.A)", g.name("S"))
		}
	})
	g.line("}()")
}

// named calls functions with named results, whose values go to variables that are there.
func (g *generator) named() {
	m := g.pick("int")
	e := g.pick("error")
	for range 2 {
		f := g.name([]string{"named", "safe", "two"}[g.IntN(3)])
		g.line("%s, %s = %s(%s)", m, e, f, g.small())
		g.line("fmt.Println(%s, %s)", m, e)
	}
	g.line("%s = %s(%s, %s)", m, g.name("sum"), g.small(), g.small())
}

func (g *generator) selected() {
	c := g.fresh()
	n := g.fresh()
	label := "L" + g.fresh()
	g.line("%s := make(chan int, 2)", c)
	g.line("%s := 0", n)
	g.line("%s:", label)
	g.line("for {")
	g.line("	select {")
	g.line("	case x, ok := <-%s:", c)
	g.line("		fmt.Println(x, ok)")
	g.line("		break %s", label)
	g.line("	default:")
	g.line("		%s++", n)
	g.line("		if %s == %d { %s <- %s }", n, 1+g.IntN(3), c, n)
	g.line("		if %s == 1 { continue %s }", n, label)
	g.line("	}")
	g.line("}")
}

func (g *generator) labelled() {
	label := "L" + g.fresh()
	i := g.fresh()
	j := g.fresh()
	g.line("%s:", label)
	g.line("for %s := 0; %s < 3; %s++ {", i, i, i)
	g.line("	for %s := range []int{1, 2, 3} {", j)
	g.line("		switch { case %s == 1: continue %s; case %s == %d: break %s }", j, label, i, g.IntN(3), label)
	g.line("		fmt.Print(%s, %s, \" \")", i, j)
	g.line("	}")
	g.line("}")
	g.line("fmt.Println()")
}

func (g *generator) pointers() {
	p := g.pick("*" + g.name("S"))
	q := g.fresh()
	switch g.IntN(4) {
	case 0:
		g.line("if %s != nil { %s.Add(%s).Add(2); %s.b += \"q\"; fmt.Println(*%s) }", p, p, g.small(), p, p)
	case 1:
		g.line("%s := &%s; *%s += 3; fmt.Println(*%s)", q, g.pick("int"), q, q)
	case 2:
		g.line("%s := &%s[%d]; *%s = %s", q, g.pick("[3]int"), g.IntN(3), q, g.expression("int", 1))
	case 3:
		g.line("%s := %s; %s.C[0] = 9; %s.p = &%s; fmt.Println(%s.C, %s.p.A, %s)", q, g.pick(g.name("S")), q, q, q, q, q,
			g.pick(g.name("S")))
	}
}

func (g *generator) methodValues() {
	s := g.pick(g.name("S"))
	f := g.fresh()
	switch g.IntN(3) {
	case 0:
		g.line("%s := %s.Get; %s.A += 5; fmt.Println(%s(), %s.Get())", f, s, s, f, s)
	case 1:
		g.line("%s := (*%s).Add; %s(&%s, 4); fmt.Println(%s)", f, g.name("S"), f, s, s)
	case 2:
		g.line("%s := %s.Get; fmt.Println(%s(%s))", f, g.name("I"), f, g.pick(g.name("I")))
	}
}

func (g *generator) embedded() {
	e := g.fresh()
	g.line("%s := &%s{%s: %s, D: %s}", e, g.name("E"), g.name("S"), g.expression(g.name("S"), 1), g.literal("float64"))
	g.line("%s.A++; %s.Add(2)", e, e)
	g.line("fmt.Println(%s.Get(), %s.%s.Get(), %s.b, %s.D, %s)", e, e, g.name("S"), e, e, e)
}

func (g *generator) goroutines() {
	c := g.fresh()
	g.line("%s := make(chan int)", c)
	g.line("go func(n int) { for i := 0; i < n; i++ { %s <- i * n }; close(%s) }(%d)", c, c, 1+g.IntN(4))
	g.line("for x := range %s { %s += x }", c, g.pick("int"))
}

func (g *generator) arrays() {
	a := g.pick("[3]int")
	b := g.fresh()
	g.line("%s := %s; %s[%d] = 77; fmt.Println(%s, %s, %s == %s)", b, a, b, g.IntN(3), a, b, a, b)
	g.line("for i, x := range %s { %s[2] = 5; fmt.Print(i, x, \" \") }", b, b)
}

func (g *generator) constants() {
	f := g.pick("float64")
	g.line("%s = %s", f, []string{"1 / 2", "7 / 2", "3 / 2 * 4", "1 << 3 / 3", "'a' / 2"}[g.IntN(5)])
	c := g.fresh()
	g.line("const %s = %s", c, []string{"1 << 40", "5 / 2.0", "-7 % 3", "1<<62 - 1"}[g.IntN(4)])
	g.line("fmt.Println(%s, float64(%s)/2, %s*0)", c, c, c)
}

func (g *generator) errors() {
	e := g.fresh()
	x := g.fresh()
	g.line("%s := %s(%s)", e, g.name("lookup"), g.small())
	g.line("var %s *%s", x, g.name("X"))
	g.line("fmt.Println(errors.As(%s, &%s), %s)", e, x, e)
	g.line("if %s != nil { fmt.Println(%s.code) }", x, x)
	g.line("fmt.Println(errors.Is(%s, %s(%s)), %s(%s) == nil)", e, g.name("K"), g.small(), g.name("find"), g.small())
}

func (g *generator) texts() {
	s := g.expression("string", 2)
	v := g.fresh()
	g.line("%s := %s", v, s)
	g.line("for i, r := range %s { fmt.Print(i, string(r), r, \" \") }", v)
	g.line("fmt.Println(len(%s), []rune(%s), []byte(%s), %s > \"b\")", v, v, v, v)
	g.line("if len(%s) > 1 { fmt.Println(%s[1], %s[1:], %s[:1] == \"a\") }", v, v, v, v)
}

func (g *generator) jump() {
	label := "L" + g.fresh()
	n := g.declare("int")
	g.line("%s = 0", n)
	g.line("%s:", label)
	g.line("if %s < %d { %s++; goto %s }", n, 1+g.IntN(4), n, label)
}

// numbers computes in a type of some width.
func (g *generator) numbers() {
	of := []string{"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "uint", "float32",
		"complex128"}[g.IntN(11)]
	v := g.fresh()
	if of == "complex128" {
		g.line("%s := complex(%s, 2); %s *= %s; fmt.Println(%s, real(%s), -%s, %s == %s)", v, g.literal("float64"), v, v, v,
			v,
			v, v, v)
		return
	}
	g.line("%s := %s(%s)", v, of, g.literal(of))
	for range 1 + g.IntN(3) {
		g.line("%s %s= %s", v, []string{"+", "-", "*"}[g.IntN(3)], g.expression(of, 2))
	}
	g.line("fmt.Println(%s, -%s, %s > 3, float64(%s))", v, v, v, v)
}

func (g *generator) copied() {
	list := g.declare("[]int")
	other := g.fresh()
	g.line("%s := make([]int, 2, %d)", other, 2+g.IntN(4))
	g.line("fmt.Println(copy(%s, %s), %s, len(%s), cap(%s))", other, list, other, other, other)
	g.line("%s = append(%s, %s...)", other, other, list)
	g.line("if len(%s) > 0 { %s[0] = 42 }", list, list)
	g.line("fmt.Println(%s, %s)", other, list)
}

func (g *generator) maps() {
	m := g.fresh()
	g.line("%s := map[%s]*%s{%s{%s}: %s, %s{20}: nil}", m, "["+"1]int", g.name("S"), "[1]int", g.small(),
		"&"+g.expressionOf(g.name("S"), 1),
		"[1]int")
	g.line("for k, v := range %s { if v != nil { v.A++; %s[k] = v } }", m, m)
	g.line("fmt.Println(len(%s), %s[[1]int{20}] == nil)", m, m)
	n := g.fresh()
	g.line("%s := map[any]string{1: \"i\", \"1\": \"s\", %s(1): \"k\", 1.0: \"f\"}", n, g.name("K"))
	g.line("fmt.Println(%s[1], %s[%s(1)], %s[any(1.0)], len(%s))", n, n, g.name("K"), n, n)
}

func (g *generator) conversions() {
	k := g.fresh()
	g.line("%s := %s(%s)", k, g.name("K"), g.expression("int", 1))
	g.line("%s++", k)
	g.line("fmt.Println(%s, int(%s)+1, uint8(%s), %s(%s) == %s)", k, k, k, g.name("K"), k, k)
}

func (g *generator) comparisons() {
	a := g.pick("any")
	g.line("fmt.Println(any(%s(3)) == any(3), any(3) == any(3), any(%s(3)) == any(%s(3)))", g.name("K"), g.name("K"),
		g.name("K"))
	g.line("if _, isList := %s.([]int); !isList { fmt.Println(%s == %s) }", a, a, a)
	g.line("fmt.Println(%s{A: 1} == %s{A: 1}, %s == nil)", g.name("S"), g.name("S"), g.pick("error"))
}

func (g *generator) shadowed() {
	v := g.pick("int")
	g.line("{")
	g.line("	%s := %s * 2", v, v)
	g.line("	%s++", v)
	g.line("	fmt.Println(%s)", v)
	g.line("}")
	g.line("global%d += %s", g.id, v)
	g.line("fmt.Println(global%d)", g.id)
}

// panics ends the program with a panic, rarely.
func (g *generator) panics() {
	if g.IntN(4) == 0 {
		g.line("if %s { panic(fmt.Sprint(%s)) }", g.condition(1), g.expression("int", 1))
		return
	}
	g.assign()
}
