//go:build go1.21

package main

import (
	"fmt"
	"lidrlab/lidr"
)

func main() {

	var filters []lidr.Filter
	for _, limit := range []int{2, 10} {
		limit := limit
		filters = append(filters, lidr.Filter{
			Name: fmt.Sprint("at most ", limit),
			Keep: func(p lidr.Pair) bool { return len(p.Chosen) <= limit },
		})
	}
	for _, f := range filters {
		fmt.Println(f.Name, f.Keep(lidr.Pair{Chosen: "abcdef"}))
	}

}

// Output:
// at most 2 false
// at most 10 true
