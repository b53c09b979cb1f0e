//go:build go1.21

package main

import (
	"errors"
	"fmt"
)

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v
	}
	return m / float64(len(x))
}

func load(p string) (err error) {
	if p == "" {
		err = errors.New("empty")
	}
	return
}

func main() {

	var m float64
	m = mean([]float64{1, 2})
	m = mean([]float64{3})
	fmt.Println(m)
	var err error
	for _, p := range []string{"", "ok"} {
		err = load(p)
		fmt.Println(err)
	}

}

// Output:
// 3
// empty
// <nil>
