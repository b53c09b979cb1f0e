//go:build amd64 || arm64

package cpu

// pause tells the processor that a loop waits for another core: a thread that shares this one may have it meanwhile.
func pause()
