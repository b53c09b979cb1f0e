//go:build !unix

package cpu

import "time"

var began = time.Now()

// threadTime is the time of the clock where a thread's own is not told.
func threadTime() time.Duration { return time.Since(began) }
