package checkpoint

// familyOLMo2 is OLMo 2: norms on the outputs of attention and feed-forward network alone, and norms on the queries and
// the keys of all heads together (configuration_olmo2.py).
var familyOLMo2 = family{
	architecture: "Olmo2ForCausalLM", padded: true, biased: true, ungrouped: true,
	defaults: func(c *Config) { c.RMSNormEps = 1e-5 },
	write:    func(c Config, m map[string]any) { m["attention_bias"] = c.AttentionBias },
	design: func(_ Config, d *Design) {
		d.AttentionNorm, d.AttentionOutputNorm = "", "post_attention_layernorm"
		d.FeedForwardNorm, d.FeedForwardOutputNorm = "", "post_feedforward_layernorm"
		d.QKNormWhole = true
	},
}
