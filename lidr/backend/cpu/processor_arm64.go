package cpu

import "golang.org/x/sys/cpu"

// features lists what kernels may ask of this processor, whether it has it or not.
func features() []feature {
	x := cpu.ARM64
	return []feature{{"NEON", true}, {"dot products of int8", x.HasASIMDDP}, {"products of int8 matrices", x.HasI8MM},
		{"SVE", x.HasSVE}}
}

// processorKernels lists the assembly kernels that this processor can run: every arm64 processor has NEON.
func processorKernels() []kernelSet {
	return []kernelSet{{name: "NEON", tile: tileNEON, micro: microNEON, rows: rowsNEON}}
}
