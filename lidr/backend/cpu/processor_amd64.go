package cpu

import (
	"maps"

	"golang.org/x/sys/cpu"
)

//go:generate go run ./internal/asmgen

// useProcessor replaces the plain Go kernels by the best that this processor can run.
func useProcessor() {
	x := cpu.X86
	switch {
	case x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL && x.HasBMI2:
		kernelSet = "AVX-512"
		maps.Copy(tileKernels, tileAVX512)
		transpose16 = transpose16AVX512
		microKernel = microKernels{width: 32, rows: []int{12, 8, 4, 2, 1}, run: []func(*gemmArgs){gemm12x32AVX512, gemm8x32AVX512, gemm4x32AVX512, gemm2x32AVX512, gemm1x32AVX512}}
	case x.HasAVX2 && x.HasFMA && x.HasBMI2:
		kernelSet = "AVX2"
		maps.Copy(tileKernels, tileAVX2)
		microKernel = microKernels{width: 16, rows: []int{6, 4, 2, 1}, run: []func(*gemmArgs){gemm6x16AVX2, gemm4x16AVX2, gemm2x16AVX2, gemm1x16AVX2}}
	}
}
