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

// familyGemma2 is Gemma 2 (Gemma2Model of the converter, llm_build_gemma2). Norms are stored with the 1 that Gemma adds
// to them.
var familyGemma2 = family{
	modelType: "gemma2", class: "Gemma2ForCausalLM", layer: gemmaLayer, noBias: true, offset: 1, every: 2,
	keys: []key{
		{"attn_logit_softcapping", "attn_logit_softcapping", func(c checkpoint.Config) any {
			return float32(c.AttnLogitSoftcapping)
		}},
		{"final_logit_softcapping", "final_logit_softcapping", func(c checkpoint.Config) any {
			return float32(c.FinalLogitSoftcapping)
		}},
	},
	express: func(c checkpoint.Config) error {
		if c.AttnLogitSoftcapping == 0 || c.FinalLogitSoftcapping == 0 {
			return fmt.Errorf("a Gemma 2 without attn_logit_softcapping or final_logit_softcapping cannot be expressed")
		}
		return expressScalar(c, 46)
	},
	imply: func(c map[string]any, _ *header) error { implyScalar(c, 46); return nil },
}

// familyGemma3 is Gemma 3 270M and 1B, and the language part of the larger ones (Gemma3Model of the converter,
// llm_build_gemma3).
var familyGemma3 = family{
	modelType: "gemma3_text", class: "Gemma3ForCausalLM", layer: gemmaLayer, noBias: true, offset: 1, every: 6,
	keys: []key{
		{"rope.freq_base_swa", "rope_local_base_freq", func(c checkpoint.Config) any { return float32(c.RopeLocalTheta) }},
		{"rope.global.freq_base", "rope_theta", nil}, // the names that Ollama's converter gives
		{"rope.local.freq_base", "rope_local_base_freq", nil},
		{"final_logit_softcapping", "", nil}, // of Ollama's converter; Gemma 3 has none
	},
	express: func(c checkpoint.Config) error {
		if c.FinalLogitSoftcapping != 0 {
			return fmt.Errorf("final_logit_softcapping %g cannot be expressed: llama.cpp computes Gemma 3 without",
				c.FinalLogitSoftcapping)
		}
		return expressScalar(c, 62)
	},
	imply: func(c map[string]any, _ *header) error { implyScalar(c, 62); return nil },
}

// scalar is what scores are divided by the square root of. In the 27B models, which llama.cpp knows by their number of
// layers, it is not head_dim (llama-model.cpp, f_attention_scale).
func scalar(layers, largest, width, heads, dim int) int {
	if layers == largest && heads > 0 {
		return width / heads
	}
	return dim
}

func expressScalar(c checkpoint.Config, largest int) error {
	want := scalar(c.NumHiddenLayers, largest, c.HiddenSize, c.NumAttentionHeads, c.HeadDim)
	if c.QueryPreAttnScalar != float64(want) {
		return fmt.Errorf("query_pre_attn_scalar %g cannot be expressed: llama.cpp takes %d", c.QueryPreAttnScalar, want)
	}
	return nil
}

func implyScalar(c map[string]any, largest int) {
	numbers := [4]int{}
	for i, name := range []string{"num_hidden_layers", "hidden_size", "num_attention_heads", "head_dim"} {
		numbers[i], _ = c[name].(int)
	}
	c["query_pre_attn_scalar"] = scalar(numbers[0], largest, numbers[1], numbers[2], numbers[3])
}
