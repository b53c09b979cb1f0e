package datasets

import (
	"bufio"
	"fmt"
	"math"
	"os"
)

// cellBytes is the memory of a cell of a frame: 24 bytes in gota's column, 16 while the column is made, and as much
// again when a step reads the frame back. The cell's text does not count, since rows and frame share it.
const cellBytes = 80

// checkMemory is an error if a frame takes more memory than the machine has left, since the kernel would then end the
// program and no message would say why.
func checkMemory(rows, columns int, left int64) error {
	if need := int64(rows) * int64(columns) * cellBytes; need > left {
		return fmt.Errorf("datasets: a frame of %d rows takes about %.1f GB and %.1f GB are left on this machine; "+
			"take fewer prompts at a time (prompts.n, and more rounds or runs), or a larger machine",
			rows, float64(need)/1e9, float64(left)/1e9)
	}
	return nil
}

// memoryLeft returns the bytes that the kernel estimates to be available without swapping; where there is no estimate,
// there is no limit.
func memoryLeft() int64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return math.MaxInt64
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kilobytes int64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return math.MaxInt64
}
