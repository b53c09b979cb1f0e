//go:build go1.21

package main

import (
	"fmt"
	"strconv"
)

func main() {

	scores := map[string]float64{}
	var err error
	for _, l := range []string{"de", "ru"} {
		scores[l], err = strconv.ParseFloat("0.5", 64)
	}
	fmt.Println(scores, err)
	seen := map[string]bool{}
	n := map[string]int{}
	n["de"], seen["de"] = map[string]int{"de": 3}["de"]
	fmt.Println(n, seen)

}

// Output:
// map[de:0.5 ru:0.5] <nil>
// map[de:3] map[de:true]
