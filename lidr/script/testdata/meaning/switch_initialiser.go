//go:build go1.21

// The initialiser of a switch, an if and a select has variables of its own.
package main

import (
	"fmt"
)

func half(n int) (int, bool) { return n / 2, n%2 == 0 }

func main() {
	x := 4
	switch x := x + 1; {
	case x > 4:
		fmt.Println("more", x)
		fallthrough
	case x < 0:
		fmt.Println("through", x)
	default:
		fmt.Println("less", x)
	}
	if x, ok := half(x); ok && x > 1 {
		fmt.Println("half", x)
	} else if y, ok := half(x + 1); !ok {
		fmt.Println("other", x, y)
	}
	c := make(chan int, 1)
	c <- x
	select {
	case x, ok := <-c:
		fmt.Println(x, ok)
	default:
	}
	fmt.Println(x)
}

// Output:
// more 5
// through 5
// half 2
// 4 true
// 4
