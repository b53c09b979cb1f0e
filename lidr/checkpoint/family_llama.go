package checkpoint

// familyLlama is Llama 1 to 3 and what is built like them: SmolLM 2, Yi, TinyLlama and others (configuration_llama.py).
var familyLlama = family{
	architecture: "LlamaForCausalLM", biased: true, ungrouped: true, scalings: []string{"llama3"},
	write: func(c Config, m map[string]any) {
		m["attention_bias"], m["mlp_bias"] = c.AttentionBias, false
	},
}
