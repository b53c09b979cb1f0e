package checkpoint

import "fmt"

// familyCohere is Command R and Aya 23 and Expanse: a LayerNorm without biases, attention and feed-forward network side
// by side on its output, a rotary embedding of neighbouring numbers, and scaled logits (configuration_cohere.py).
var familyCohere = family{
	architecture: "CohereForCausalLM", padded: true, biased: true, ungrouped: true,
	// Where rope_theta is absent, transformers 4 takes 10,000 and transformers 5 500,000; the published ones have it.
	defaults: func(c *Config) { c.cohereDefaults(); c.RopeTheta = 0 },
	read: func(p *parser, c *Config) {
		p.cohere(c)
		p.only("use_qk_norm", "false")
		p.drop("model_max_length")
	},
	check:  Config.checkCohere,
	write:  Config.writeCohere,
	design: Config.designCohere,
}

// familyCohere2 is Command R7B and Command A, a Cohere whose layers of sliding attention alone have a rotary embedding
// (configuration_cohere2.py).
var familyCohere2 = family{
	architecture: "Cohere2ForCausalLM", padded: true, biased: true, ungrouped: true,
	defaults: func(c *Config) { c.cohereDefaults(); c.SlidingWindow = 4096 },
	read: func(p *parser, c *Config) {
		p.cohere(c)
		p.slidingWindow(c)
		pattern := 4
		p.take("sliding_window_pattern", &pattern)
		p.drop("_sliding_window_pattern")
		p.layerTypes(c, pattern)
		p.drop("cache_implementation")
		p.drop("layer_switch") // sliding_window_pattern under the name of Cohere's own code, as are the next ones
		p.only("order_of_interleaved_layers", `"local_attn_first"`)
		p.only("position_embedding_type", `"rope_gptj"`)
		share := 1.0
		p.take("rotary_pct", &share)
		if share != 1 {
			p.fail("rotary_pct is %g; expected 1", share)
		}
		p.only("use_gated_activation", "true")
		p.only("use_parallel_block", "true")
		p.only("use_embedding_sharing", "true")
		p.drop("use_parallel_embedding")
	},
	check: func(c Config) error {
		if c.HeadDim*c.NumAttentionHeads != c.HiddenSize {
			return fmt.Errorf("head_dim is %d; a cohere2 model has hidden_size %d divided by %d heads", c.HeadDim, c.HiddenSize,
				c.NumAttentionHeads)
		}
		return c.checkCohere()
	},
	write: func(c Config, m map[string]any) {
		c.writeCohere(m)
		m["sliding_window"], m["layer_types"] = c.windowOrNull(), c.LayerTypes
		if pattern := c.pattern(); pattern > 0 {
			m["sliding_window_pattern"] = pattern // transformers before 4.53 knows no layer_types
		}
	},
	design: func(c Config, d *Design) {
		c.designCohere(d)
		for i := range d.Layers {
			if !c.sliding(i) {
				d.Layers[i].Rotary = nil
			}
		}
	},
}

func (c *Config) cohereDefaults() {
	c.RMSNormEps, c.LogitScale, c.MaxPositionEmbeddings, c.TieWordEmbeddings = 1e-5, 0.0625, 8192, true
}

// cohere reads the keys that both share.
func (p *parser) cohere(c *Config) {
	p.take("layer_norm_eps", &c.RMSNormEps)
	p.take("logit_scale", &c.LogitScale)
}

func (c Config) checkCohere() error {
	if !(c.LogitScale > 0) {
		return fmt.Errorf("logit_scale is %g; expected a positive number", c.LogitScale)
	}
	return nil
}

func (c Config) writeCohere(m map[string]any) {
	delete(m, "rms_norm_eps")
	m["layer_norm_eps"], m["logit_scale"] = c.RMSNormEps, decimal(c.LogitScale)
	m["attention_bias"] = c.AttentionBias
}

func (c Config) designCohere(d *Design) {
	d.FeedForwardNorm, d.Parallel, d.CentredNorm, d.LogitScale = "", true, true, c.LogitScale
	for i := range d.Layers {
		d.Layers[i].Rotary.Interleaved = true // they share one
	}
}
