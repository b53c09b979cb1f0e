//go:build go1.21

// Functions and types with type parameters.
package main

import (
	"fmt"
)

type number interface{ ~int | ~float64 }

func sum[T number](list ...T) (total T) {
	for _, x := range list {
		total += x
	}
	return total
}

func apply[A, B any](list []A, f func(A) B) []B {
	var out []B
	for _, a := range list {
		out = append(out, f(a))
	}
	return out
}

type stack[T any] struct{ items []T }

func (s *stack[T]) push(x T) { s.items = append(s.items, x) }

func (s *stack[T]) pop() (x T, ok bool) {
	if len(s.items) == 0 {
		return x, false
	}
	x = s.items[len(s.items)-1]
	s.items = s.items[:len(s.items)-1]
	return x, true
}

func main() {
	fmt.Println(sum(1, 2, 3), sum(0.5, 1), apply([]int{1, 2}, func(n int) string { return fmt.Sprint("n", n) }))
	var s stack[string]
	s.push("a")
	x, ok := s.pop()
	_, empty := s.pop()
	fmt.Println(x, ok, empty, max(3, 1, 2), min(2.5, 1))
	fmt.Printf("%T\n", s)
}

// Output:
// 6 1.5 [n1 n2]
// a true false 3 1
// main.stack[string]
