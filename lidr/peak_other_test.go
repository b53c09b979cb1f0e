//go:build !unix

package lidr

import (
	"math"
	"os"
)

func peakMegabytes(*os.ProcessState) float64 { return math.NaN() }
