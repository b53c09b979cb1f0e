package checkpoint

import "fmt"

// familyGranite is Granite 3, a Llama with factors at four places (configuration_granite.py).
var familyGranite = family{
	architecture: "GraniteForCausalLM", biased: true, ungrouped: true,
	defaults: func(c *Config) {
		for _, m := range c.multipliers() {
			*m.value = 1
		}
	},
	read: func(p *parser, c *Config) {
		for _, m := range c.multipliers() {
			p.take(m.key, m.value)
		}
	},
	check: func(c Config) error {
		for _, m := range c.multipliers() {
			if !(*m.value > 0) {
				return fmt.Errorf("%s is %g; expected a positive number", m.key, *m.value)
			}
		}
		return nil
	},
	write: func(c Config, keys map[string]any) {
		keys["attention_bias"], keys["mlp_bias"] = c.AttentionBias, false
		for _, m := range c.multipliers() {
			keys[m.key] = decimal(*m.value)
		}
	},
	design: func(c Config, d *Design) {
		d.EmbeddingScale, d.ResidualScale = c.EmbeddingMultiplier, c.ResidualMultiplier
		d.ScoreScale, d.LogitScale = c.AttentionMultiplier, 1/c.LogitsScaling
	},
}

// multiplier is a factor of a Granite.
type multiplier struct {
	key   string
	value *float64
}

func (c *Config) multipliers() []multiplier {
	return []multiplier{
		{"embedding_multiplier", &c.EmbeddingMultiplier}, {"residual_multiplier", &c.ResidualMultiplier},
		{"attention_multiplier", &c.AttentionMultiplier}, {"logits_scaling", &c.LogitsScaling},
	}
}
