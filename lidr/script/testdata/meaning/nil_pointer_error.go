//go:build go1.21

package main

import (
	"fmt"
)

type E struct{}

func (*E) Error() string { return "E" }
func find() error {
	var e *E
	return e
}

func main() {

	err := find()
	fmt.Println(err == nil)

}

// Output:
// false
