package gguf

import (
	"fmt"
	"math"

	"lidrlab/lidr/checkpoint"
)

// ropeFactors is the tensor that scales a rotary embedding.
const ropeFactors = "rope_freqs.weight"

// rotaryFactors returns the divisors of the rotary frequencies in llama.cpp under Llama 3.1's scaling, nil without it
// (convert_hf_to_gguf.py, LlamaModel.generate_extra_tensors): the factor for long wavelengths, 1 for short ones, and
// between them the inverse of a blend.
func rotaryFactors(c checkpoint.Config) []float32 {
	s := c.RopeScaling
	if s == nil || s.RopeType != "llama3" {
		return nil
	}
	factors := make([]float32, c.HeadDim/2)
	original := float64(s.OriginalMaxPositionEmbeddings)
	for i := range factors {
		wavelength := 2 * math.Pi * math.Pow(c.RopeTheta, 2*float64(i)/float64(c.HeadDim))
		switch {
		case wavelength < original/s.HighFreqFactor:
			factors[i] = 1
		case wavelength > original/s.LowFreqFactor:
			factors[i] = float32(s.Factor)
		default:
			smooth := (original/wavelength - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
			factors[i] = float32(1 / ((1-smooth)/s.Factor + smooth))
		}
	}
	return factors
}

// scaling finds the settings of Llama 3.1's scaling that the file's factors follow from. Only the factors are stored:
// of the settings, low_freq_factor and high_freq_factor are 1 and 4 in every published model, and the original context
// is a power of two.
func (h *header) scaling(c map[string]any) error {
	e := h.find(ropeFactors)
	if e == nil {
		return nil
	}
	dim, _ := c["head_dim"].(int)
	theta, ok := c["rope_theta"].(float32)
	if !ok {
		theta = 10000
	}
	if e.values != dim/2 || dim > 1<<14 {
		return fmt.Errorf("tensor %q has %d values, and heads have %d dimensions; expected half as many", ropeFactors,
			e.values, dim)
	}
	factors, err := e.float32s()
	if err != nil {
		return err
	}
	largest := factors[0]
	for _, f := range factors {
		largest = max(largest, f)
	}
	if largest == 1 {
		return nil
	}
	for _, original := range []int{8192, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 16384, 32768, 65536, 131072} {
		s := checkpoint.RopeScaling{RopeType: "llama3", Factor: float64(largest), LowFreqFactor: 1, HighFreqFactor: 4,
			OriginalMaxPositionEmbeddings: original}
		if near(rotaryFactors(checkpoint.Config{HeadDim: dim, RopeTheta: float64(theta), RopeScaling: &s}), factors) {
			c["rope_scaling"] = map[string]any{"rope_type": s.RopeType, "factor": s.Factor, "low_freq_factor": 1,
				"high_freq_factor": 4, "original_max_position_embeddings": original}
			return nil
		}
	}
	return fmt.Errorf("tensor %q scales the rotary embedding in a way that is not computed here; expected Llama 3.1's, "+
		"with low_freq_factor 1 and high_freq_factor 4", ropeFactors)
}

// near says that two lists differ by no more than the last bits.
func near(a, b []float32) bool {
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-5*math.Abs(float64(b[i])) {
			return false
		}
	}
	return true
}
