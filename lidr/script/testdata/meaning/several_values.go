//go:build go1.21

// Several values are assigned at once, also nil and those of calls.
package main

import (
	"fmt"
)

func two(n int) (int, error) { return n + 1, nil }

func main() {
	a, s := []int{1, 2}, "x"
	a, s = nil, s+"y"
	b, c := 1, 2
	b, c = c, b+len(s)
	list := []int{5, 6, 7}
	list[0], list[1], b = list[1], list[0], list[2]
	var p struct{ n int }
	var err error
	p.n, err = two(b)
	m := map[string][]int{}
	m["a"], err = append(m["a"], p.n), err
	fmt.Println(a, s, b, c, list, p, err, m)
}

// Output:
// [] xy 7 3 [6 5 7] {8} <nil> map[a:[8]]
