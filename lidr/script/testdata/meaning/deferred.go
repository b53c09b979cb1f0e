//go:build go1.21

// A deferred call has the values of its time, and may change a named result, also after a panic.
package main

import (
	"errors"
	"fmt"
)

func safe(n int) (m int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("safe: %v", r)
		}
		m++
	}()
	defer fmt.Println("n is", n)
	n *= 2
	list := []int{1, 2, 3}
	return list[n] / (n % 4), nil
}

type closing struct{ name string }

func (c *closing) close() { fmt.Println("close", c.name) }

func main() {
	for i := 0; i < 4; i++ {
		fmt.Println(safe(i))
	}
	c := &closing{"a"}
	defer c.close()
	c = &closing{"b"}
	defer func() {
		defer func() { fmt.Println("inner", recover()) }()
		panic(fmt.Sprint("again after ", recover()))
	}()
	panic(errors.New("boom"))
}

// Output:
// n is 0
// 1 safe: runtime error: integer divide by zero
// n is 1
// 2 <nil>
// n is 2
// 1 safe: runtime error: index out of range [4] with length 3
// n is 3
// 1 safe: runtime error: index out of range [6] with length 3
// inner again after boom
// close a
