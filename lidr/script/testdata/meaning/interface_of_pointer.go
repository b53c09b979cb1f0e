//go:build go1.21

// A struct that embeds another is a value of an interface, by itself and by a pointer.
package main

import (
	"fmt"
)

type getter interface{ get() int }

type inner struct {
	a int
	b string
}

func (i inner) get() int { return i.a + len(i.b) }

type outer struct {
	inner
	d float64
}

func (o *outer) get() int { return o.inner.get() * 2 }

func main() {
	list := []getter{inner{1, "x"}, &inner{2, "yy"}, &outer{inner: inner{3, "z"}, d: 1 / 2}}
	for _, g := range list {
		fmt.Println(g.get())
	}
	_, ok := list[1].(interface{ get() int })
	_, other := any(list[0]).(fmt.Stringer)
	fmt.Println(ok, other)
}

// Output:
// 2
// 4
// 8
// true false
