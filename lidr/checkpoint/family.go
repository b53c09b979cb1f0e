package checkpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// family says how the models of one model_type differ from a Llama. What is nil differs in nothing.
type family struct {
	architecture string   // the one that architectures names
	biased       bool     // attention_bias may be true
	ungrouped    bool     // where num_key_value_heads is absent, there are as many as heads
	padded       bool     // its class has a padding token unless config.json says null
	scalings     []string // the rope_type values that are computed, beside "default"

	defaults func(c *Config)                  // what its configuration class assumes where config.json is silent
	read     func(p *parser, c *Config)       // keys of its own, before the common ones are judged
	check    func(c Config) error             // values of its own that no model can have
	write    func(c Config, m map[string]any) // keys of its own in the config.json that Save writes
	design   func(c Config, d *Design)        // how it computes
}

// families are the model_type values that can be computed. A family is a file of its own, which also says which
// configuration class of transformers its defaults are from.
var families = map[string]family{
	"llama": familyLlama, "mistral": familyMistral, "qwen2": familyQwen2, "qwen3": familyQwen3,
	"gemma2": familyGemma2, "gemma3_text": familyGemma3, "olmo2": familyOLMo2, "granite": familyGranite,
	"smollm3": familySmolLM3, "phi3": familyPhi3, "cohere": familyCohere, "cohere2": familyCohere2,
}

func familyOf(modelType string) (family, error) {
	f, known := families[modelType]
	if !known {
		return f, fmt.Errorf("model_type %q is not supported; expected one of %s", modelType,
			strings.Join(slices.Sorted(maps.Keys(families)), ", "))
	}
	return f, nil
}
