//go:build !linux

package serve

// availableMemory returns a guess: see memory_linux.go.
func availableMemory() int { return 4 << 30 }
