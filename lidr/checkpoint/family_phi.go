package checkpoint

import (
	"fmt"
	"math"
)

// familyPhi3 is Phi-3 and Phi-4-mini: queries, keys and values out of one matrix, gate and up out of another, a rotary
// embedding of a part of each head, and factors of its frequencies that depend on the length (configuration_phi3.py).
var familyPhi3 = family{
	architecture: "Phi3ForCausalLM", padded: true, ungrouped: true, scalings: []string{"longrope"},
	defaults: func(c *Config) { c.RMSNormEps, c.PartialRotaryFactor, c.MaxPositionEmbeddings = 1e-5, 1, 4096 },
	read: func(p *parser, c *Config) {
		p.take("partial_rotary_factor", &c.PartialRotaryFactor)
		p.partial = &c.PartialRotaryFactor
		p.rope(c)
		original := 4096
		p.take("original_max_position_embeddings", &original) // goes before the one of the rotary embedding's object
		if c.RopeScaling != nil {
			c.RopeScaling.OriginalMaxPositionEmbeddings = original
		}
		p.windowOfAll(c)
		p.drop("resid_pdrop")
		p.drop("embd_pdrop")
		p.drop("auto_map") // the code that was published with the models, which transformers has had since 4.41
		p.only("full_attn_mod", "1")
		p.only("interpolate_factor", "1")
		p.only("lm_head_bias", "false")
	},
	check: func(c Config) error {
		dim := c.rotaryDim()
		if !(c.PartialRotaryFactor > 0 && c.PartialRotaryFactor <= 1) || dim < 2 || dim%2 != 0 {
			return fmt.Errorf("partial_rotary_factor %g of head_dim %d turns %d numbers; expected an even number",
				c.PartialRotaryFactor, c.HeadDim, dim)
		}
		s := c.RopeScaling
		if s == nil {
			return nil
		}
		for _, list := range [][]float64{s.ShortFactor, s.LongFactor} {
			if len(list) != dim/2 {
				return fmt.Errorf("rope_scaling has short_factor and long_factor of %d and %d numbers; expected %d",
					len(s.ShortFactor), len(s.LongFactor), dim/2)
			}
			for _, factor := range list {
				if !(factor > 0) {
					return fmt.Errorf("rope_scaling has a factor %g; expected positive numbers", factor)
				}
			}
		}
		if s.OriginalMaxPositionEmbeddings < 2 || !(s.Factor >= 0) || !(s.AttentionFactor >= 0) {
			return fmt.Errorf("rope_scaling has factor %g, attention_factor %g and original_max_position_embeddings %d; "+
				"expected positive numbers", s.Factor, s.AttentionFactor, s.OriginalMaxPositionEmbeddings)
		}
		return nil
	},
	write: func(c Config, m map[string]any) {
		m["partial_rotary_factor"], m["sliding_window"] = decimal(c.PartialRotaryFactor), c.windowOrNull()
		if c.RopeScaling != nil {
			m["original_max_position_embeddings"] = c.RopeScaling.OriginalMaxPositionEmbeddings
		}
	},
	design: func(c Config, d *Design) {
		d.Fused = true
		d.slide(c.SlidingWindow)
		rotary := &Rotary{Theta: c.RopeTheta, Dim: c.rotaryDim(), Scale: c.longRopeScale(), Scaling: c.RopeScaling}
		for i := range d.Layers {
			d.Layers[i].Rotary = rotary
		}
	},
}

// rotaryDim is the number of each head's numbers that the rotary embedding turns.
func (c Config) rotaryDim() int { return int(float64(c.HeadDim) * c.PartialRotaryFactor) }

// longRopeScale is the factor of cosines and sines (transformers, modeling_rope_utils.py,
// _compute_longrope_parameters).
func (c Config) longRopeScale() float64 {
	s := c.RopeScaling
	if s == nil {
		return 1
	}
	if s.AttentionFactor > 0 {
		return s.AttentionFactor
	}
	factor, original := s.Factor, float64(s.OriginalMaxPositionEmbeddings)
	if factor == 0 {
		factor = float64(c.MaxPositionEmbeddings) / original
	}
	if factor <= 1 {
		return 1
	}
	return math.Sqrt(1 + math.Log(factor)/math.Log(original))
}
