//go:build go1.21

// Package fmt writes values of the script that lie within containers of the host, in fields that are not exported.
package main

import "fmt"

type point struct{ X, y int }

type loud string

func (l loud) String() string { return "loud " + string(l) }

type broken struct{ code int }

func (b broken) Error() string { return "broken" }

type outer struct {
	list   []any
	byName map[string]any
	pair   [2]any
	errors []error
	texts  []fmt.Stringer
	deep   []map[string][]any
	err    error
	plain  []string
}

func main() {
	o := outer{
		list:   []any{point{1, 2}, loud("a"), 3, nil, []any{point{3, 4}}},
		byName: map[string]any{"p": point{5, 6}, "l": loud("b")},
		pair:   [2]any{loud("c")}, errors: []error{broken{7}}, texts: []fmt.Stringer{loud("d")},
		deep: []map[string][]any{{"k": {point{8, 9}}}}, err: broken{1}, plain: []string{"e", "f"},
	}
	fmt.Println(o)
	fmt.Printf("%v\n%+v\n", o.list, struct {
		e []error
		l []any
	}{o.errors, o.list})
	fmt.Println([]any{o.byName, []any{o.pair}})
}

// Output:
// {[{1 2} a 3 <nil> [{3 4}]] map[l:b p:{5 6}] [c <nil>] [{7}] [d] [map[k:[{8 9}]]] {1} [e f]}
// [{1 2} loud a 3 <nil> [{3 4}]]
// {e:[{code:7}] l:[{X:1 y:2} a 3 <nil> [{X:3 y:4}]]}
// [map[l:loud b p:{5 6}] [[loud c <nil>]]]
