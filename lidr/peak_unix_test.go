//go:build unix

package lidr_test

import (
	"os"
	"runtime"
	"syscall"
)

// peakMegabytes is the largest resident size that an ended process had.
func peakMegabytes(p *os.ProcessState) float64 {
	unit := 1024.0 // Maxrss is in kilobytes, on Darwin in bytes
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return float64(p.SysUsage().(*syscall.Rusage).Maxrss) * unit / 1e6
}
