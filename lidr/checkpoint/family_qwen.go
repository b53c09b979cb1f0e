package checkpoint

import "slices"

// familyQwen2 is Qwen 1.5, 2 and 2.5, with biases on queries, keys and values (configuration_qwen2.py).
var familyQwen2 = family{
	architecture: "Qwen2ForCausalLM", scalings: []string{"llama3"},
	read:  func(p *parser, c *Config) { p.qwenWindow(c) },
	write: func(c Config, m map[string]any) { c.writeQwenWindow(m) },
}

// familyQwen3 is Qwen 3, with norms on each head's query and key (configuration_qwen3.py).
var familyQwen3 = family{
	architecture: "Qwen3ForCausalLM", biased: true, scalings: []string{"llama3"},
	defaults: func(c *Config) { c.HeadDim = 128 }, // the others divide
	read: func(p *parser, c *Config) {
		if raw, ok := p.keys["head_dim"]; ok && string(raw) == "null" {
			p.fail("head_dim is null, which versions of transformers read differently; expected a number")
		}
		p.qwenWindow(c)
	},
	write: func(c Config, m map[string]any) {
		m["attention_bias"] = c.AttentionBias
		c.writeQwenWindow(m)
	},
	design: func(_ Config, d *Design) { d.QKNorm = true },
}

// qwenWindow reads the sliding window, which is there only where use_sliding_window is set, and then in the layers from
// max_window_layers on unless layer_types says otherwise.
func (p *parser) qwenWindow(c *Config) {
	use, from := false, 28
	p.take("use_sliding_window", &use)
	p.take("max_window_layers", &from)
	c.SlidingWindow = 4096
	p.slidingWindow(c)
	if !use {
		c.SlidingWindow = 0
	}
	p.take("layer_types", &c.LayerTypes)
	if c.LayerTypes == nil && c.SlidingWindow > 0 {
		c.setLayerTypes(func(layer int) bool { return layer >= from })
	}
	c.dropIdleWindows()
}

func (c Config) writeQwenWindow(m map[string]any) {
	m["use_sliding_window"], m["sliding_window"] = c.SlidingWindow > 0, c.windowOrNull()
	if c.SlidingWindow == 0 {
		return
	}
	m["layer_types"] = c.LayerTypes
	m["max_window_layers"] = slices.Index(c.LayerTypes, SlidingAttention) // for transformers before 4.53
}
