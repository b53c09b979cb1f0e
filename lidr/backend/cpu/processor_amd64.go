package cpu

import "golang.org/x/sys/cpu"

//go:generate go run ./internal/asmgen

// processorKernels lists the assembly kernels that this processor can run, the best first.
func processorKernels() []kernelSet {
	var sets []kernelSet
	x := cpu.X86
	if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL && x.HasBMI2 {
		products := goProducts
		if x.HasAVX512VNNI {
			products = productsAVX512
		}
		sets = append(sets, kernelSet{
			name: "AVX-512", products: products, widen: widenAVX512, tile: tileAVX512,
			transpose16: map[string]func(*transposeArgs){
				"":     transpose16AVX512,
				"BF16": transpose16BF16AVX512,
				"F16":  transpose16F16AVX512,
			},
			micro: microKernels{width: 32, rows: []int{12, 8, 4, 2, 1},
				run: []func(*gemmArgs){gemm12x32AVX512, gemm8x32AVX512, gemm4x32AVX512, gemm2x32AVX512, gemm1x32AVX512}},
		})
	}
	if x.HasAVX2 && x.HasFMA && x.HasBMI2 && x.HasF16C {
		sets = append(sets, kernelSet{
			name: "AVX2", tile: tileAVX2, widen: widenAVX2,
			micro: microKernels{width: 16, rows: []int{6, 4, 2, 1},
				run: []func(*gemmArgs){gemm6x16AVX2, gemm4x16AVX2, gemm2x16AVX2, gemm1x16AVX2}},
		})
	}
	return sets
}
