package checkpoint

import "slices"

// maxLayers is far above any published model; it stops a hostile file from requesting absurd amounts of memory.
const maxLayers = 1 << 12

// layerTypes reads layer_types, or else makes them by a pattern: every pattern-th layer has full attention, the others
// sliding attention.
func (p *parser) layerTypes(c *Config, pattern int) {
	p.take("layer_types", &c.LayerTypes)
	switch {
	case c.LayerTypes != nil:
	case pattern < 1:
		p.fail("sliding_window_pattern is %d; expected a number of layers", pattern)
	default:
		c.setLayerTypes(func(layer int) bool { return (layer+1)%pattern != 0 })
	}
}

// setLayerTypes fills in layer_types by whether a layer has sliding attention.
func (c *Config) setLayerTypes(sliding func(layer int) bool) {
	if c.NumHiddenLayers > maxLayers {
		return // Validate names it
	}
	for i := range c.NumHiddenLayers {
		kind := FullAttention
		if sliding(i) {
			kind = SlidingAttention
		}
		c.LayerTypes = append(c.LayerTypes, kind)
	}
}

// dropIdleWindows leaves out what hides nothing: a window as long as the context, and layer_types without one.
func (c *Config) dropIdleWindows() {
	if c.SlidingWindow >= c.MaxPositionEmbeddings {
		for i, kind := range c.LayerTypes {
			if kind == SlidingAttention {
				c.LayerTypes[i] = FullAttention
			}
		}
	}
	if !slices.ContainsFunc(c.LayerTypes, func(kind string) bool { return kind != FullAttention }) {
		c.LayerTypes, c.SlidingWindow = nil, 0
	}
}

// windowOrNull is the value of sliding_window.
func (c Config) windowOrNull() any {
	if c.SlidingWindow == 0 {
		return nil
	}
	return c.SlidingWindow
}

// slidingWindow reads sliding_window, whose null means none.
func (p *parser) slidingWindow(c *Config) {
	if string(p.keys["sliding_window"]) == "null" {
		c.SlidingWindow = 0
	}
	p.take("sliding_window", &c.SlidingWindow)
}

// windowOfAll reads the sliding_window of all layers. One of 0 hides a token from itself in transformers, and means
// none elsewhere.
func (p *parser) windowOfAll(c *Config) {
	if string(p.keys["sliding_window"]) == "0" {
		p.fail("sliding_window is 0; expected a number of tokens, or null for none")
	}
	p.slidingWindow(c)
}

// pattern returns the sliding_window_pattern that gives the configuration's layer_types, 0 if none does.
func (c Config) pattern() int {
	every := 0
	for i, kind := range c.LayerTypes {
		if kind == FullAttention && every == 0 {
			every = i + 1
		}
		if (kind == FullAttention) != (every > 0 && (i+1)%every == 0) {
			return 0
		}
	}
	if every == 0 {
		return len(c.LayerTypes) + 1
	}
	return every
}
