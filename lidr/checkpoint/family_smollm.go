package checkpoint

import "fmt"

// familySmolLM3 is SmolLM 3, a Llama whose every fourth layer has no rotary embedding (configuration_smollm3.py).
var familySmolLM3 = family{
	architecture: "SmolLM3ForCausalLM", padded: true, biased: true,
	defaults: func(c *Config) { c.RopeTheta, c.TieWordEmbeddings = 2e6, true },
	read: func(p *parser, c *Config) {
		interval, use := 4, false
		p.take("no_rope_layer_interval", &interval)
		p.take("no_rope_layers", &c.NoRopeLayers)
		switch {
		case c.NoRopeLayers != nil: // a longer list is cut
			c.NoRopeLayers = c.NoRopeLayers[:max(0, min(c.NumHiddenLayers, len(c.NoRopeLayers)))]
		case interval < 1:
			p.fail("no_rope_layer_interval is %d; expected a number of layers", interval)
		case c.NumHiddenLayers <= maxLayers:
			for i := range c.NumHiddenLayers {
				c.NoRopeLayers = append(c.NoRopeLayers, min(1, (i+1)%interval))
			}
		}
		p.take("use_sliding_window", &use)
		p.slidingWindow(c)
		p.take("layer_types", &c.LayerTypes)
		if c.LayerTypes == nil && use && c.SlidingWindow > 0 && len(c.NoRopeLayers) == c.NumHiddenLayers {
			c.setLayerTypes(func(layer int) bool { return c.NoRopeLayers[layer] == 0 })
		}
		c.dropIdleWindows()
	},
	check: func(c Config) error {
		if len(c.NoRopeLayers) != c.NumHiddenLayers {
			return fmt.Errorf("no_rope_layers has %d entries; num_hidden_layers is %d", len(c.NoRopeLayers), c.NumHiddenLayers)
		}
		for _, rotates := range c.NoRopeLayers {
			if rotates != 0 && rotates != 1 {
				return fmt.Errorf("no_rope_layers has %d; expected 0 or 1", rotates)
			}
		}
		return nil
	},
	write: func(c Config, m map[string]any) {
		m["attention_bias"], m["mlp_bias"], m["no_rope_layers"] = c.AttentionBias, false, c.NoRopeLayers
		m["use_sliding_window"], m["sliding_window"] = c.SlidingWindow > 0, c.windowOrNull()
		if c.LayerTypes != nil {
			m["layer_types"] = c.LayerTypes
		}
	},
	design: func(c Config, d *Design) {
		for i, rotates := range c.NoRopeLayers {
			if rotates == 0 {
				d.Layers[i].Rotary = nil
			}
		}
	},
}
