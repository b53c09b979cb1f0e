package cpu

import (
	"os"
	"syscall"
)

var osPage = os.Getpagesize()

// forget returns whole pages of memory to the system, after which they hold zeros.
func forget(mem []byte) bool { return syscall.Madvise(mem, syscall.MADV_DONTNEED) == nil }
