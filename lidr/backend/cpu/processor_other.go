//go:build !amd64

package cpu

// processorKernels: there is assembly for amd64 only.
func processorKernels() []kernelSet { return nil }
