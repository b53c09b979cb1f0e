package cpu

import "golang.org/x/sys/cpu"

//go:generate go run ./internal/asmgen

// features lists what kernels may ask of this processor, whether it has it or not.
func features() []feature {
	x := cpu.X86
	all := []feature{{"AVX2", x.HasAVX2}, {"FMA", x.HasFMA}, {"F16C", x.HasF16C},
		{"AVX-512", x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL}, {"AVX512-BF16", x.HasAVX512BF16},
		{"AVX512-VNNI", x.HasAVX512VNNI}, {"AVX-VNNI", x.HasAVXVNNI},
		{"AMX-BF16", x.HasAMXTile && x.HasAMXBF16}, {"AMX-INT8", x.HasAMXTile && x.HasAMXInt8}}
	if x.HasAMXTile {
		all = append(all, feature{"the system's permission for AMX", tilesPermitted()})
	}
	return all
}

// processorKernels lists the assembly kernels that this processor can run, the best first.
func processorKernels() []kernelSet {
	var sets []kernelSet
	x := cpu.X86
	if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL && x.HasBMI2 {
		products := productsAVX2
		if x.HasAVX512VNNI {
			products = productsAVX512
			products.single = productsAVX2.single // not bound by the width of its vectors
		}
		pairs := pairKernels{rows: rowsSplitAVX512, stream: streamSplitAVX512}
		if x.HasAVX512BF16 {
			pairs = pairKernels{rows: rowsBF16AVX512, stream: streamBF16AVX512}
		}
		set := kernelSet{
			name: "AVX-512", products: products, widen: widenAVX512, tile: tileAVX512, dots: dotsAVX512,
			transpose16: map[string]func(*transposeArgs){
				"":     transpose16AVX512,
				"BF16": transpose16BF16AVX512,
				"F16":  transpose16F16AVX512,
			},
			micro: microAVX512, rows: rowsAVX512, stream: streamAVX512, pairs: pairs,
		}
		if x.HasAVX512BF16 && x.HasAMXTile && x.HasAMXBF16 && tilesPermitted() {
			withTiles := set
			withTiles.name, withTiles.pairs.amx = "AMX", amxBF16
			if x.HasAMXInt8 && x.HasAVX512VNNI { // whose panels are as wide
				withTiles.products = withAMX(products)
			}
			sets = append(sets, withTiles)
		}
		sets = append(sets, set)
	}
	if x.HasAVX2 && x.HasFMA && x.HasBMI2 && x.HasF16C {
		sets = append(sets, kernelSet{
			name: "AVX2", widen: widenAVX2, tile: tileAVX2, micro: microAVX2, rows: rowsAVX2, stream: streamAVX2,
			products: productsAVX2,
		})
	}
	return sets
}

// withAMX adds the products in integers of 16 rows by AMX, which have the bits of the others.
func withAMX(products productKernels) productKernels {
	run := map[int][]func(*productArgs){}
	for kind, kernels := range products.run {
		run[kind] = append([]func(*productArgs){productsAMX[kind]}, kernels...)
	}
	products.rows, products.run = append([]int{amxSide}, products.rows...), run
	return products
}
