package gguf

import (
	"fmt"
	"math"

	"lidrlab/lidr/checkpoint"
)

// The divisors of Phi-3's rotary frequencies for sequences beyond the original context and within it.
const (
	longFactors  = "rope_factors_long.weight"
	shortFactors = "rope_factors_short.weight"
)

// familyPhi3 is Phi-3 and Phi-4-mini (Phi3MiniModel of the converter).
var familyPhi3 = family{
	modelType: "phi3", class: "Phi3ForCausalLM", noBias: true, aside: []string{longFactors, shortFactors},
	layer: map[string]string{"self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up"},
	keys: []key{
		{"attention.sliding_window", "sliding_window", nil},
		{"rope.scaling.original_context_length", "original_max_position_embeddings", func(c checkpoint.Config) any {
			if c.RopeScaling == nil {
				return uint32(c.MaxPositionEmbeddings)
			}
			return uint32(c.RopeScaling.OriginalMaxPositionEmbeddings)
		}},
		{"rope.scaling.attn_factor", "", func(c checkpoint.Config) any {
			return float32(c.Design().Layers[0].Rotary.Scale)
		}},
	},
	imply: implyPhi3,
}

// implyPhi3 adds the lists of factors, which are tensors, and the factor of cosines and sines where it is not the one
// that follows from the lengths.
func implyPhi3(c map[string]any, h *header) error {
	if c["sliding_window"] == 0 {
		c["sliding_window"] = nil
	}
	if s, ok := c["rope_scaling"].(map[string]any); ok && s["rope_type"] != "longrope" {
		return nil // ParseConfig names it
	}
	delete(c, "rope_scaling")
	const factorKey, lengthKey = "phi3.rope.scaling.attn_factor", "phi3.rope.scaling.original_context_length"
	value, given := h.metadata[factorKey]
	factor, _ := value.(float32)
	if given && !(factor > 0) {
		return fmt.Errorf("metadata %q is %s; expected a positive float32", factorKey, shown(value))
	}
	long, short := h.find(longFactors), h.find(shortFactors)
	if long == nil && short == nil && (!given || factor == 1) {
		delete(c, "original_max_position_embeddings")
		return nil
	}
	if long == nil || short == nil {
		return fmt.Errorf("tensor %q or %q is missing, and the other or metadata %q is there", longFactors, shortFactors,
			factorKey)
	}
	dim, _ := c["head_dim"].(int)
	lists := [2][]float32{}
	for i, e := range []*entry{long, short} {
		if e.values > max(dim/2, 1) {
			return fmt.Errorf("tensor %q has %d values, and heads have %d dimensions; expected at most half as many", e.name,
				e.values, dim)
		}
		var err error
		if lists[i], err = e.float32s(); err != nil {
			return err
		}
	}
	scaling := map[string]any{"rope_type": "longrope", "long_factor": lists[0], "short_factor": lists[1]}
	longest, _ := c["max_position_embeddings"].(int)
	original, ok := c["original_max_position_embeddings"].(int)
	if !ok {
		return fmt.Errorf("metadata %q is missing or no number, and the model has tensor %q", lengthKey, longFactors)
	}
	follows := 1.0
	if longest > original && original > 1 {
		follows = math.Sqrt(1 + math.Log(float64(longest)/float64(original))/math.Log(float64(original)))
	}
	if given && math.Abs(float64(factor)-follows) > 1e-6 {
		scaling["attention_factor"] = factor
	}
	c["rope_scaling"] = scaling
	return nil
}
