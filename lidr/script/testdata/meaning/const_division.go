//go:build go1.21

package main

import (
	"fmt"
	"lidrlab/lidr"
)

func main() {

	s := lidr.MiniatureSettings()
	s.Train.Beta = 1 / 2
	var rate float64 = 7 / 2
	fmt.Println(s.Train.Beta, rate)

}

// Output:
// 0 3
