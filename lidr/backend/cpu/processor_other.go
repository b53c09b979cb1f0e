//go:build !amd64

package cpu

// processorKernels returns none: there is assembly for amd64 only.
func processorKernels() []kernelSet { return nil }
