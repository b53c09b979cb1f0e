package checkpoint

// familyLlama is Llama 1 to 3 and what is built like them: SmolLM 2, Yi, TinyLlama and others (configuration_llama.py).
var familyLlama = family{
	architecture: "LlamaForCausalLM", biased: true, ungrouped: true, scalings: []string{"llama3"},
	write: func(c Config, m map[string]any) {
		m["attention_bias"], m["mlp_bias"] = c.AttentionBias, false
	},
}

// familyMistral is Mistral 7B and what is built like it (configuration_mistral.py).
var familyMistral = family{
	architecture: "MistralForCausalLM", scalings: []string{"llama3"},
	write: func(_ Config, m map[string]any) { m["sliding_window"] = nil },
}
