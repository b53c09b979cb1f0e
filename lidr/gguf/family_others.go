package gguf

import (
	"fmt"
	"math"

	"lidrlab/lidr/checkpoint"
)

// familySmolLM3 is SmolLM 3, a Llama whose every fourth layer has no rotary embedding, which llama.cpp takes for
// granted (SmolLM3Model of the converter).
var familySmolLM3 = family{
	modelType: "smollm3", class: "SmolLM3ForCausalLM", paired: true, noBias: true,
	express: func(c checkpoint.Config) error {
		for i, turns := range c.NoRopeLayers {
			if (turns == 0) != ((i+1)%4 == 0) {
				return fmt.Errorf("no_rope_layers has %d for layer %d: llama.cpp leaves the rotary embedding out of every fourth "+
					"layer", turns, i)
			}
		}
		return nil
	},
}

// familyGranite is Granite 3, a Llama with factors (GraniteModel of the converter).
var familyGranite = family{
	modelType: "granite", class: "GraniteForCausalLM", paired: true,
	keys: []key{
		{"attention.scale", "attention_multiplier", func(c checkpoint.Config) any { return float32(c.AttentionMultiplier) }},
		{"embedding_scale", "embedding_multiplier", func(c checkpoint.Config) any { return float32(c.EmbeddingMultiplier) }},
		{"residual_scale", "residual_multiplier", func(c checkpoint.Config) any { return float32(c.ResidualMultiplier) }},
		{"logit_scale", "logits_scaling", func(c checkpoint.Config) any { return float32(c.LogitsScaling) }},
	},
	imply: func(c map[string]any, _ *header) error { // llama.cpp's default, where config.json's is 1
		if dim, _ := c["head_dim"].(int); c["attention_multiplier"] == nil && dim > 0 {
			c["attention_multiplier"] = 1 / math.Sqrt(float64(dim))
		}
		return nil
	},
}

// familyOLMo2 is OLMo 2 (Olmo2Model of the converter).
var familyOLMo2 = family{
	modelType: "olmo2", class: "Olmo2ForCausalLM", noBias: true,
	layer: map[string]string{"post_attention_layernorm": "post_attention_norm",
		"post_feedforward_layernorm": "post_ffw_norm"},
}

// cohereKeys are the factor of the logits and the epsilon of a LayerNorm.
var cohereKeys = []key{
	{"logit_scale", "logit_scale", func(c checkpoint.Config) any { return float32(c.LogitScale) }},
	{"attention.layer_norm_epsilon", "layer_norm_eps", func(c checkpoint.Config) any { return float32(c.RMSNormEps) }},
}

// familyCohere is Command R, Aya 23 and Aya Expanse (CommandR2Model of the converter).
var familyCohere = family{
	modelType: "cohere", class: "CohereForCausalLM", keys: cohereKeys, centred: true, noBias: true, express: expressTied,
}

// familyCohere2 is Command R7B and Command A (Cohere2Model of the converter).
var familyCohere2 = family{
	modelType: "cohere2", class: "Cohere2ForCausalLM", keys: cohereKeys, centred: true, noBias: true, every: 4,
	express: expressTied,
}

// expressTied is an error for a head of its own, which llama.cpp does not read there.
func expressTied(c checkpoint.Config) error {
	if !c.TieWordEmbeddings {
		return fmt.Errorf("tie_word_embeddings false cannot be expressed for model_type %s: llama.cpp takes the "+
			"embeddings for the head", c.ModelType)
	}
	return nil
}
