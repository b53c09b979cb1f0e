//go:build go1.21

package main

import (
	"fmt"
)

func main() {

	cleanup := func() { fmt.Println("clean") }
	defer cleanup()
	fmt.Println("work")

}

// Output:
// work
// clean
