package gguf

import (
	"fmt"

	"lidrlab/lidr/checkpoint"
)

// gemmaLayer are the norms around the attention and the feed-forward network of Gemma 2 and 3.
var gemmaLayer = map[string]string{
	"post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
	"post_feedforward_layernorm": "post_ffw_norm",
}

// gemmaPattern is how often Gemma 3 has a layer of full attention, which llama.cpp takes for granted.
const gemmaPattern = 6

// familyGemma3 is Gemma 3 270M and 1B, and the language part of the larger ones (Gemma3Model of the converter,
// llm_build_gemma3). Norms are stored with the 1 that Gemma adds to them.
var familyGemma3 = family{
	modelType: "gemma3_text", class: "Gemma3ForCausalLM", layer: gemmaLayer, noBias: true, offset: 1,
	keys: []key{
		{"attention.sliding_window", "sliding_window", func(c checkpoint.Config) any { return uint32(c.SlidingWindow) }},
		{"attention.sliding_window_pattern", "sliding_window_pattern", nil},
		{"rope.freq_base_swa", "rope_local_base_freq", func(c checkpoint.Config) any { return float32(c.RopeLocalTheta) }},
		{"rope.global.freq_base", "rope_theta", nil}, // the names that Ollama's converter gives
		{"rope.local.freq_base", "rope_local_base_freq", nil},
		{"final_logit_softcapping", "", nil}, // of Ollama's converter; Gemma 3 has none
	},
	express: func(c checkpoint.Config) error {
		switch {
		case c.FinalLogitSoftcapping != 0:
			return fmt.Errorf("final_logit_softcapping %g cannot be expressed: llama.cpp computes Gemma 3 without",
				c.FinalLogitSoftcapping)
		case c.SlidingWindow == 0:
			return fmt.Errorf("a Gemma 3 without sliding_window cannot be expressed")
		case c.QueryPreAttnScalar != float64(gemma3Scalar(c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.HeadDim)):
			return fmt.Errorf("query_pre_attn_scalar %g cannot be expressed: llama.cpp divides by head_dim, %d",
				c.QueryPreAttnScalar, c.HeadDim)
		}
		for i, kind := range c.LayerTypes {
			if (kind == checkpoint.FullAttention) != ((i+1)%gemmaPattern == 0) {
				return fmt.Errorf("layer_types has %s for layer %d: llama.cpp computes full attention in every %dth layer", kind, i,
					gemmaPattern)
			}
		}
		return nil
	},
	imply: func(c map[string]any, _ *header) error {
		numbers := [4]int{}
		for i, name := range []string{"num_hidden_layers", "hidden_size", "num_attention_heads", "head_dim"} {
			numbers[i], _ = c[name].(int)
		}
		c["query_pre_attn_scalar"] = gemma3Scalar(numbers[0], numbers[1], numbers[2], numbers[3])
		for name, value := range map[string]any{"sliding_window": nil, "sliding_window_pattern": gemmaPattern} {
			if _, ok := c[name]; !ok {
				c[name] = value
			}
		}
		return nil
	},
}

// gemma3Scalar is what scores are divided by the square root of: in the 27B model, which has 62 layers, it is not
// head_dim (llama-model.cpp, f_attention_scale).
func gemma3Scalar(layers, width, heads, dim int) int {
	if layers == 62 {
		return width / heads
	}
	return dim
}
