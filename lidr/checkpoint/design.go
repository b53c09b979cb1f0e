package checkpoint

import (
	"math"
	"slices"
)

// Design says how the decoder of a configuration computes: what its family fixes and what config.json sets, resolved,
// so that the code that builds its graph asks for no family. Factors are 1 and caps 0 where a family has none.
type Design struct {
	// The norms of a layer by their names, "" for one that the family does not have: of the input and of the output of
	// its attention, and of the input and of the output of its feed-forward network. An output is normalised before it
	// is added to the residual stream.
	AttentionNorm, AttentionOutputNorm     string
	FeedForwardNorm, FeedForwardOutputNorm string
	NormOffset                             float64 // added to the weights of all norms: 1 in Gemma
	CentredNorm                            bool    // norms subtract the mean first: LayerNorm, else RMSNorm
	Parallel                               bool    // the feed-forward network reads what the attention reads

	QKNorm      bool // each head's query and key are normalised before the rotary embedding
	QKNormWhole bool // the queries and the keys of all heads together are
	Fused       bool // queries, keys and values are out of one matrix, qkv_proj, gate and up out of another, gate_up_proj
	GELU        bool // the feed-forward network's gate is GELU in its tanh approximation, else SiLU

	EmbeddingScale float64 // factor of the embeddings
	ResidualScale  float64 // factor of what attention and feed-forward network add
	ScoreScale     float64 // factor of query·key
	ScoreCap       float64 // c > 0: scores x become c·tanh(x/c)
	LogitScale     float64 // factor of the logits
	LogitCap       float64 // c > 0: logits x become c·tanh(x/c)

	Layers []Layer // one a layer
}

// Layer is what differs from layer to layer.
type Layer struct {
	Window int     // the tokens that the attention sees, its own with them; 0 for all
	Rotary *Rotary // shared by layers that turn alike; nil for none
}

// Rotary is a rotary position embedding of base Theta, which turns the first Dim numbers of each head.
type Rotary struct {
	Theta       float64
	Dim         int
	Interleaved bool         // pairs are neighbours, else Dim/2 apart
	Scale       float64      // of cosines and sines
	Scaling     *RopeScaling // nil: none
}

// Design returns how the decoder computes.
func (c Config) Design() Design {
	d := Design{
		AttentionNorm: "input_layernorm", FeedForwardNorm: "post_attention_layernorm",
		EmbeddingScale: 1, ResidualScale: 1, LogitScale: 1, ScoreScale: 1 / math.Sqrt(float64(c.HeadDim)),
		Layers: make([]Layer, c.NumHiddenLayers),
	}
	full := &Rotary{Theta: c.RopeTheta, Dim: c.HeadDim, Scale: 1, Scaling: c.RopeScaling}
	for i := range d.Layers {
		d.Layers[i].Rotary = full
		if c.sliding(i) {
			d.Layers[i].Window = c.SlidingWindow
		}
	}
	if f := families[c.ModelType]; f.design != nil {
		f.design(c, &d)
	}
	return d
}

// slide gives all layers a window.
func (d *Design) slide(window int) {
	for i := range d.Layers {
		d.Layers[i].Window = window
	}
}

// sliding reports whether layer i has sliding attention.
func (c Config) sliding(i int) bool {
	return c.LayerTypes != nil && c.LayerTypes[i] == SlidingAttention
}

// norms are the names of a layer's norms.
func (d Design) norms() []string {
	return slices.DeleteFunc([]string{d.AttentionNorm, d.AttentionOutputNorm, d.FeedForwardNorm, d.FeedForwardOutputNorm},
		func(name string) bool { return name == "" })
}
