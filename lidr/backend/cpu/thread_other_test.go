//go:build !unix

package cpu

import "time"

var began = time.Now()

// threadTime is the clock's time on systems that do not report a thread's own.
func threadTime() time.Duration { return time.Since(began) }
