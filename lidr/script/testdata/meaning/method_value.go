//go:build go1.21

// A method value holds the receiver as it was when it was taken.
package main

import (
	"fmt"
)

type counter struct{ n int }

func (c counter) get() int { return c.n }

type shape interface{ area() int }

func (c counter) area() int { return c.n * c.n }

func main() {
	c := counter{1}
	f := c.get
	c.n = 5
	var s shape = c
	g := s.area
	s = counter{2}
	fmt.Println(f(), c.get(), g(), s.area())
	defer fmt.Println("deferred", c.n)
	c.n = 9
}

// Output:
// 1 5 25 4
// deferred 5
