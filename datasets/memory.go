package datasets

import (
	"bufio"
	"fmt"
	"math"
	"os"
)

// cellBytes is what a cell of a frame takes, its text apart, which rows and frame share: 24 bytes in gota's column, 16 while the
// column is made, and as much again when a step reads the frame back.
const cellBytes = 80

// fits reports a frame that would take more memory than the machine has left: the kernel would end the program without a word.
func fits(rows, columns int, left int64) error {
	if need := int64(rows) * int64(columns) * cellBytes; need > left {
		return fmt.Errorf("datasets: a frame of %d rows takes about %.1f GB and %.1f GB are left on this machine; take fewer prompts at a time (prompts.n, and more rounds or runs), or a larger machine",
			rows, float64(need)/1e9, float64(left)/1e9)
	}
	return nil
}

// memoryLeft is what the kernel thinks can still be taken without swapping; where it does not tell, there is no limit.
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
