package cpu

import (
	"slices"

	"github.com/gomlx/compute"
)

// KernelSets names the kernels that this processor can run.
func KernelSets() []string {
	var names []string
	for _, s := range append(processorKernels(), plainGo) {
		names = append(names, s.name)
	}
	return names
}

// PairKernelSets names those that multiply bfloat16 by bfloat16.
func PairKernelSets() []string {
	return slices.DeleteFunc(KernelSets(), func(name string) bool {
		defer UseKernels(name)()
		return len(kernels.pairs.rows.rows) == 0
	})
}

// UseKernels switches to the named kernels until restore is called. Nothing may be compiled or executed meanwhile.
func UseKernels(name string) (restore func()) {
	before := kernels
	for _, s := range append(processorKernels(), plainGo) {
		if s.name == name {
			kernels = use(s)
		}
	}
	return func() { kernels = before }
}

// Arena is the scratch memory that an executable of this backend takes, in bytes.
func Arena(e compute.Executable) int { return e.(*executable).arena }

// BlockSize returns the number of values and of bytes of a block.
func BlockSize(t compute.GGMLQuantType) (values, bytes int) {
	return blockTypes[t].values, blockTypes[t].bytes
}
