//go:build !unix

package lidr_test

import (
	"math"
	"os"
)

func peakMegabytes(*os.ProcessState) float64 { return math.NaN() }
