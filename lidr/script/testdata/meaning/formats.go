//go:build go1.21

// Package fmt writes values of the script as those of a compiled program.
package main

import (
	"fmt"
	"strings"
	"time"
)

type name string

type inner struct {
	A int
	b string
	l []name
}

type outer struct {
	inner
	P    *inner
	wait time.Duration
	Wait time.Duration
	any  any
	m    map[name]inner
}

type loud string

func (l loud) String() string { return strings.ToUpper(string(l)) }

type shown struct{ n int }

func (s *shown) String() string { return "shown" }

func (s shown) Format(f fmt.State, verb rune) { fmt.Fprintf(f, "<%c %d>", verb, s.n) }

func main() {
	o := outer{inner: inner{1, "x", []name{"y"}}, wait: time.Second, Wait: time.Second, any: name("q"),
		m: map[name]inner{"b": {}, "a": {A: 2}}}
	fmt.Println(o)
	fmt.Printf("%v\n%+v\n%T %T %T\n", o, o, o, &o, []any{o})
	fmt.Printf("%#v\n", inner{1, "x", []name{"y"}})
	fmt.Println(fmt.Sprint(name("a"), name("b"), 1, 2, name("c"), loud("d"), loud("e")), loud("f"), []loud{"g"})
	fmt.Printf("%q %x %8v|%-6v|%6.2f %s %d\n", name("n"), name("n"), name("n"), loud("p"), 1.0, []name{"r", "s"}, inner{})
	fmt.Println(shown{3}, &shown{4}, []shown{{5}})
	var p *outer
	var e error
	fmt.Println(p, e, struct{ a, B any }{nil, 1}, [2]bool{true}, map[string]any{"k": o.P, "j": name("v")})
	var n name
	var k int
	count, err := fmt.Sscan("word 7", &n, &k)
	fmt.Println(count, err, n, k)
	fmt.Printf("%v %s|%v\n", fmt.Errorf("e: %w", fmt.Errorf("inner %v", name("z"))), name("t"), &o.inner)
}

// Output:
// {{1 x [y]} <nil> 1000000000 1s q map[a:{2  []} b:{0  []}]}
// {{1 x [y]} <nil> 1000000000 1s q map[a:{2  []} b:{0  []}]}
// {inner:{A:1 b:x l:[y]} P:<nil> wait:1000000000 Wait:1s any:q m:map[a:{A:2 b: l:[]} b:{A:0 b: l:[]}]}
// main.outer *main.outer []interface {}
// main.inner{A:1, b:"x", l:[]main.name{"y"}}
// ab1 2cDE F [G]
// "n" 6e        n|P     |  1.00 [r s] {0 %!d(string=) []}
// <v 3> <v 4> [<v 5>]
// <nil> <nil> {<nil> 1} [true false] map[j:v k:<nil>]
// 2 <nil> word 7
// e: inner z t|&{1 x [y]}
