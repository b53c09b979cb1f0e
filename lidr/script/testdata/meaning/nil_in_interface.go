//go:build go1.21

// A nil error and a nil value in an interface are nil, a nil pointer in one is not.
package main

import (
	"errors"
	"fmt"
)

type failure struct{}

func (*failure) Error() string { return "failure" }

func find(n int) error {
	var f *failure
	switch n {
	case 0:
		return nil
	case 1:
		return f
	}
	return errors.New("other")
}

func main() {
	for i := 0; i < 3; i++ {
		v := any(find(i))
		_, isFailure := v.(*failure)
		_, isError := v.(error)
		fmt.Println(v == nil, isFailure, isError)
	}
}

// Output:
// true false false
// false true true
// false false true
