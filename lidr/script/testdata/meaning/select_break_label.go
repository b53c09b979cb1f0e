//go:build go1.21

package main

import (
	"fmt"
)

func main() {

	done := make(chan bool, 1)
	n := 0
loop:
	for {
		select {
		case <-done:
			break loop
		default:
			n++
			if n == 3 {
				done <- true
			}
		}
	}
	fmt.Println(n)

}

// Output:
// 3
