//go:build go1.21

// Numbers have the width of their type, and constants none.
package main

import (
	"fmt"
	"math"
)

const big = 1 << 40 / 3

func negate(x float64) float64 { return -x }

func main() {
	var a int8 = 100
	a += 100
	var b uint8 = 3
	b -= 5
	var c uint32 = 1 << 31
	n := 33
	fmt.Println(a, b, c<<1, c>>n, ^b, -a, b*b, a/7, a%7, big, 7/2*1.5)
	zero := 0.0
	fmt.Println(1/negate(zero), math.Signbit(negate(zero)), float32(0.1)+float32(0.2), uint8(int16(300)&0xff))
	z := complex(1, 2)
	z *= z
	fmt.Println(z, real(z), -z, z == complex(-3, 4))
}

// Output:
// -56 254 0 0 1 56 4 -8 0 366503875925 4.5
// -Inf true 0.3 44
// (-3+4i) -3 (3-4i) true
