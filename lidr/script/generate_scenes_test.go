package script

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
