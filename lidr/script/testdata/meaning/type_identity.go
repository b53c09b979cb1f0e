//go:build go1.21

// Values of two types differ, also in an interface and as keys of a map.
package main

import (
	"fmt"
)

type celsius int

func main() {
	fmt.Println(any(celsius(3)) == any(3), any(celsius(3)) == any(celsius(3)))
	m := map[any]string{1: "int", "1": "string", celsius(1): "celsius", 1.0: "float"}
	fmt.Println(m[1], m["1"], m[celsius(1)], m[1.0], len(m))
	var v any = celsius(4)
	_, isInt := v.(int)
	switch x := v.(type) {
	case int:
		fmt.Println("int", x)
	case celsius:
		fmt.Println("celsius", x, isInt)
	}
}

// Output:
// false true
// int string celsius float 4
// celsius 4 false
