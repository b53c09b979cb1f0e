//go:build go1.21

// A range keeps the array that it began with, and its variables are its own.
package main

import (
	"fmt"
)

func main() {
	a := [3]int{1, 2, 3}
	for i, x := range a {
		a[2] = 10
		i += 10
		fmt.Print(i, " ", x, "; ")
	}
	for i, r := range "aé" {
		i++
		r++
		fmt.Print(i, " ", string(r), "; ")
	}
	var fs []func() int
	for i := 0; i < 2; i++ {
		fs = append(fs, func() int { i += 10; return i })
	}
	fmt.Println(a, fs[0](), fs[1]())
}

// Output:
// 10 1; 11 2; 12 3; 1 b; 2 ê; [1 2 10] 12 22
