package checkpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
)

const gelu = "gelu_pytorch_tanh"

// familyGemma2 is Gemma 2: norms around attention and feed-forward network, whose weights are kept as w-1, GELU,
// embeddings times √hidden_size, sliding and full attention by turns, and scores and logits kept within a cap
// (configuration_gemma2.py).
var familyGemma2 = family{
	architecture: "Gemma2ForCausalLM", padded: true, biased: true,
	defaults: func(c *Config) {
		c.HeadDim, c.QueryPreAttnScalar, c.SlidingWindow, c.MaxPositionEmbeddings = 256, 256, 4096, 8192
		c.AttnLogitSoftcapping, c.FinalLogitSoftcapping, c.TieWordEmbeddings = 50, 30, true
	},
	read: func(p *parser, c *Config) {
		p.gemma(c)
		p.layerTypes(c, 2)
		p.takeCap("attn_logit_softcapping", &c.AttnLogitSoftcapping)
	},
	check: Config.checkGemma,
	write: Config.writeGemma,
	design: func(c Config, d *Design) {
		c.designGemma(d)
		d.ScoreCap = c.AttnLogitSoftcapping
	},
}

// familyGemma3 is the text models of Gemma 3, 270M and 1B: norms around attention and feed-forward network, whose
// weights are kept as w-1, norms on each head's query and key, GELU, embeddings times √hidden_size, and a rotary base
// each for the layers of sliding and of full attention (Gemma3TextConfig of configuration_gemma3.py).
var familyGemma3 = family{
	architecture: "Gemma3ForCausalLM", padded: true, biased: true, scalings: []string{"linear"},
	defaults: func(c *Config) {
		c.HeadDim, c.QueryPreAttnScalar, c.SlidingWindow, c.MaxPositionEmbeddings = 256, 256, 4096, 131072
		c.RopeTheta, c.RopeLocalTheta, c.TieWordEmbeddings = 1e6, 1e4, true
	},
	read: func(p *parser, c *Config) {
		p.gemma(c)
		pattern := 6
		p.take("sliding_window_pattern", &pattern)
		p.drop("_sliding_window_pattern") // its copy beside layer_types
		p.layerTypes(c, pattern)
		p.take("rope_theta", &c.RopeTheta)
		p.take("rope_local_base_freq", &c.RopeLocalTheta)
		if raw, ok := p.raw("rope_parameters"); ok {
			p.gemmaRotary(c, raw)
		}
		// transformers reads this key and then computes without it.
		var ignored float64
		p.takeCap("attn_logit_softcapping", &ignored)
		if ignored != 0 {
			p.fail("attn_logit_softcapping is %g, which a gemma3_text model does not compute; expected null", ignored)
		}
	},
	check: func(c Config) error {
		if !(c.RopeLocalTheta > 0) {
			return fmt.Errorf("rope_local_base_freq is %g; expected a positive number", c.RopeLocalTheta)
		}
		return c.checkGemma()
	},
	write: func(c Config, m map[string]any) {
		c.writeGemma(m)
		m["rope_local_base_freq"] = c.RopeLocalTheta
		if pattern := c.pattern(); pattern > 0 {
			m["sliding_window_pattern"] = pattern // transformers before 4.53 knows no layer_types
		}
	},
	design: func(c Config, d *Design) {
		c.designGemma(d)
		d.QKNorm = true
		local := &Rotary{Theta: c.RopeLocalTheta, Dim: c.HeadDim, Scale: 1}
		for i := range d.Layers {
			if c.sliding(i) {
				d.Layers[i].Rotary = local
			}
		}
	},
}

// gemma reads the keys that Gemma 2 and 3 share.
func (p *parser) gemma(c *Config) {
	act, both := gelu, false
	p.take("hidden_activation", &act)
	p.drop("hidden_act") // hub configurations have both; the class reads the other one
	p.take("use_bidirectional_attention", &both)
	p.take("query_pre_attn_scalar", &c.QueryPreAttnScalar)
	p.takeCap("final_logit_softcapping", &c.FinalLogitSoftcapping)
	p.slidingWindow(c)
	p.drop("cache_implementation")
	if act != gelu {
		p.fail("hidden_activation %q is not supported; expected %s", act, gelu)
	}
	if both {
		p.fail("use_bidirectional_attention true is not supported: the model is no language model that generates")
	}
}

// takeCap takes a cap, whose null means none.
func (p *parser) takeCap(key string, limit *float64) {
	if string(p.keys[key]) == "null" {
		*limit = 0
	}
	p.take(key, limit)
}

// gemmaRotary reads the rope_parameters of transformers 5, an object with one entry for each kind of layer.
func (p *parser) gemmaRotary(c *Config, raw json.RawMessage) {
	kinds := parser{}
	if err := json.Unmarshal(raw, &kinds.keys); err != nil {
		p.fail("rope_parameters is %.60s; expected an object", raw)
		return
	}
	if full, ok := kinds.raw(FullAttention); ok {
		p.rotary("rope_parameters: "+FullAttention, full, &c.RopeTheta, &c.RopeScaling)
	}
	var scaled *RopeScaling
	if local, ok := kinds.raw(SlidingAttention); ok {
		p.rotary("rope_parameters: "+SlidingAttention, local, &c.RopeLocalTheta, &scaled)
	}
	if scaled != nil {
		p.fail("rope_parameters: %s has rope_type %q; expected default", SlidingAttention, scaled.RopeType)
	}
	for _, key := range slices.Sorted(maps.Keys(kinds.keys)) {
		p.fail("rope_parameters has key %q; expected %s and %s, which transformers reads", key, FullAttention,
			SlidingAttention)
	}
}

func (c Config) checkGemma() error {
	switch {
	case !(c.QueryPreAttnScalar > 0):
		return fmt.Errorf("query_pre_attn_scalar is %g; expected a positive number", c.QueryPreAttnScalar)
	case !(c.FinalLogitSoftcapping >= 0):
		return fmt.Errorf("final_logit_softcapping is %g; expected a positive number or null", c.FinalLogitSoftcapping)
	case !(c.AttnLogitSoftcapping >= 0):
		return fmt.Errorf("attn_logit_softcapping is %g; expected a positive number or null", c.AttnLogitSoftcapping)
	}
	return nil
}

func (c Config) writeGemma(m map[string]any) {
	delete(m, "hidden_act")
	m["hidden_activation"], m["attention_bias"] = gelu, c.AttentionBias
	m["query_pre_attn_scalar"], m["layer_types"] = c.QueryPreAttnScalar, c.LayerTypes
	m["sliding_window"], m["final_logit_softcapping"], m["attn_logit_softcapping"] = c.windowOrNull(), nil, nil
	if c.AttnLogitSoftcapping > 0 {
		m["attn_logit_softcapping"] = decimal(c.AttnLogitSoftcapping)
	}
	if c.FinalLogitSoftcapping > 0 {
		m["final_logit_softcapping"] = decimal(c.FinalLogitSoftcapping)
	}
}

func (c Config) designGemma(d *Design) {
	d.AttentionOutputNorm = "post_attention_layernorm"
	d.FeedForwardNorm, d.FeedForwardOutputNorm = "pre_feedforward_layernorm", "post_feedforward_layernorm"
	d.NormOffset, d.GELU = 1, true
	d.EmbeddingScale = math.Sqrt(float64(c.HiddenSize))
	d.ScoreScale = 1 / math.Sqrt(c.QueryPreAttnScalar)
	d.LogitCap = c.FinalLogitSoftcapping
}
