package checkpoint

// familyQwen2 is Qwen 1.5, 2 and 2.5, with biases on queries, keys and values (configuration_qwen2.py).
var familyQwen2 = family{
	architecture: "Qwen2ForCausalLM", scalings: []string{"llama3"},
	write: func(_ Config, m map[string]any) { m["use_sliding_window"], m["sliding_window"] = false, nil },
}

// familyQwen3 is Qwen 3, with norms on each head's query and key (configuration_qwen3.py).
var familyQwen3 = family{
	architecture: "Qwen3ForCausalLM", biased: true, scalings: []string{"llama3"},
	defaults: func(c *Config) { c.HeadDim = 128 }, // the others divide
	read: func(p *parser, _ *Config) {
		if raw, ok := p.keys["head_dim"]; ok && string(raw) == "null" {
			p.fail("head_dim is null, which versions of transformers read differently; expected a number")
		}
	},
	write: func(c Config, m map[string]any) {
		m["attention_bias"], m["use_sliding_window"], m["sliding_window"] = c.AttentionBias, false, nil
	},
	design: func(_ Config, d *Design) { d.QKNorm = true },
}
