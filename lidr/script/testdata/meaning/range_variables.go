//go:build go1.21

package main

import (
	"fmt"
)

func main() {

	var i, v int
	for i, v = range []int{5, 6, 7} {
	}
	fmt.Println(i, v)
	for i := range []int{1, 2, 3} {
		i += 10
		fmt.Print(i, " ")
	}
	fmt.Println()

}

// Output:
// 2 7
// 10 11 12
