//go:build !linux

package backend

// AvailableMemory returns a guess: see memory_linux.go.
func AvailableMemory() int { return 4 << 30 }

// UsedMemory returns the bytes of memory that this process holds now, 0 where that is not known.
func UsedMemory() int { return 0 }
