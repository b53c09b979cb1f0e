package checkpoint

// familyMistral is Mistral 7B and what is built like it, in its first version with a sliding window in all layers
// (configuration_mistral.py).
var familyMistral = family{
	architecture: "MistralForCausalLM", scalings: []string{"llama3"},
	defaults: func(c *Config) { c.SlidingWindow = 4096 },
	read: func(p *parser, c *Config) {
		p.windowOfAll(c)
		if c.SlidingWindow >= c.MaxPositionEmbeddings { // it hides nothing
			c.SlidingWindow = 0
		}
	},
	write:  func(c Config, m map[string]any) { m["sliding_window"] = c.windowOrNull() },
	design: func(c Config, d *Design) { d.slide(c.SlidingWindow) },
}
