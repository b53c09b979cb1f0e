//go:build go1.21

// Package fmt finds the methods of values within others.
package main

import (
	"fmt"
)

type level int

func (l level) String() string { return fmt.Sprintf("L%d", int(l)) }

type failure struct{ code level }

func (f *failure) Error() string { return fmt.Sprint("failed at ", f.code) }

func main() {
	fmt.Println([]level{1, 2}, map[string]level{"a": 3}, struct{ L level }{4})
	var v any = level(5)
	fmt.Printf("%v %d %s %T\n", v, v, v, v)
	fmt.Println([]error{&failure{6}}, any(&failure{7}))
	defer func() { fmt.Println(recover()) }()
	panic(level(8))
}

// Output:
// [L1 L2] map[a:L3] {L4}
// L5 5 L5 main.level
// [failed at L6] failed at L7
// L8
