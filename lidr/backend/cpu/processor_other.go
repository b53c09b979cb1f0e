//go:build !amd64 && !arm64

package cpu

// processorKernels returns none: there is assembly for amd64 and arm64 only.
func processorKernels() []kernelSet { return nil }

func features() []feature { return nil }
