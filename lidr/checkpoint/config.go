package checkpoint

import (
	"fmt"
	"slices"
	"strings"
)

// Config describes a decoder; its fields are those of config.json. ParseConfig resolves every default, so that code
// that uses a Config need not know which keys a publisher left out, and [Config.Design] says how the decoder computes.
type Config struct {
	Architectures []string
	ModelType     string // a key of families: "llama", "qwen3", "gemma3_text" and so on

	HiddenSize            int
	NumHiddenLayers       int
	NumAttentionHeads     int
	NumKeyValueHeads      int // equals NumAttentionHeads unless attention is grouped
	HeadDim               int // need not be HiddenSize/NumAttentionHeads
	IntermediateSize      int
	VocabSize             int
	MaxPositionEmbeddings int // the longest sequence, in tokens

	RMSNormEps        float64 // layer_norm_eps in Cohere
	RopeTheta         float64
	RopeScaling       *RopeScaling // nil: plain rotary embedding
	TieWordEmbeddings bool         // the head is the embedding matrix; there is no lm_head.weight
	AttentionBias     bool         // llama and qwen3: biases on q, k, v and o

	BOSTokenID  int   // -1: none
	EOSTokenIDs []int // config.json gives one number or a list

	TorchDType string // "float32", "bfloat16" or "float16": how the weights were published

	// What some families alone have, 0 or nil in the others. They are left out of JSON there, so that a Llama's stays as
	// it was.
	LayerTypes            []string `json:",omitempty"` // [FullAttention] or [SlidingAttention], one a layer; nil: all full
	SlidingWindow         int      `json:",omitzero"`  // tokens that a layer of sliding attention sees, its own with them
	RopeLocalTheta        float64  `json:",omitzero"`  // gemma3_text: the rotary base of the layers of sliding attention
	QueryPreAttnScalar    float64  `json:",omitzero"`  // gemma: scores are divided by its square root, not by head_dim's
	AttnLogitSoftcapping  float64  `json:",omitzero"`  // gemma2: scores x become c·tanh(x/c)
	FinalLogitSoftcapping float64  `json:",omitzero"`  // gemma: logits x become c·tanh(x/c)
	LogitScale            float64  `json:",omitzero"`  // cohere: factor of the logits
	NoRopeLayers          []int    `json:",omitempty"` // smollm3: one a layer, 0 without rotary embedding, else 1
	PartialRotaryFactor   float64  `json:",omitzero"`  // phi3: the part of head_dim that the rotary embedding turns
	EmbeddingMultiplier   float64  `json:",omitzero"`  // granite: factor of the embeddings
	ResidualMultiplier    float64  `json:",omitzero"`  // granite: factor of what attention and feed-forward network add
	AttentionMultiplier   float64  `json:",omitzero"`  // granite: factor of query·key in place of 1/√head_dim
	LogitsScaling         float64  `json:",omitzero"`  // granite: what the logits are divided by
}

// The values of layer_types.
const (
	FullAttention    = "full_attention"
	SlidingAttention = "sliding_attention"
)

// RopeScaling scales the frequencies of a rotary embedding. rope_type "linear" divides all of them by Factor (Chen et
// al. 2023, arXiv 2306.15595). "llama3", of Llama 3.1 and later, divides those of wavelengths longer than
// OriginalMaxPositionEmbeddings/LowFreqFactor by Factor, keeps those of wavelengths shorter than
// OriginalMaxPositionEmbeddings/HighFreqFactor, and blends the two between them. "longrope", of Phi-3 (Ding et al.
// 2024, arXiv 2402.13753), divides each by a factor of its own, out of one list for sequences within
// OriginalMaxPositionEmbeddings and another for longer ones, and multiplies cosines and sines by a factor.
type RopeScaling struct {
	RopeType                      string // "llama3", "linear" or "longrope"
	Factor                        float64
	LowFreqFactor                 float64
	HighFreqFactor                float64
	OriginalMaxPositionEmbeddings int

	// longrope alone.
	ShortFactor, LongFactor []float64 `json:",omitempty"`
	AttentionFactor         float64   `json:",omitzero"` // of cosines and sines; 0: it follows from Factor
}

// QKVBias reports whether the query, key and value projections have biases: always in Qwen2, by attention_bias in
// Llama and Qwen3.
func (c Config) QKVBias() bool { return c.ModelType == "qwen2" || c.AttentionBias }

// OutputBias reports whether the attention's output projection has a bias.
func (c Config) OutputBias() bool { return c.AttentionBias }

// Validate returns an error naming the first value that no supported model can have. Load and Save call it.
func (c Config) Validate() error {
	f, err := familyOf(c.ModelType)
	if err != nil {
		return err
	}
	if len(c.Architectures) != 1 || c.Architectures[0] != f.architecture {
		return fmt.Errorf("architectures %q do not fit model_type %q; expected [%q]", c.Architectures, c.ModelType,
			f.architecture)
	}
	// The limits are, as maxLayers is, far above any published model.
	for _, f := range []struct {
		key        string
		value, max int
	}{
		{"hidden_size", c.HiddenSize, 1 << 20}, {"num_hidden_layers", c.NumHiddenLayers, maxLayers},
		{"num_attention_heads", c.NumAttentionHeads, 1 << 12}, {"num_key_value_heads", c.NumKeyValueHeads, 1 << 12},
		{"head_dim", c.HeadDim, 1 << 14}, {"intermediate_size", c.IntermediateSize, 1 << 22},
		{"vocab_size", c.VocabSize, 1 << 24}, {"max_position_embeddings", c.MaxPositionEmbeddings, 1 << 30},
	} {
		if f.value < 1 || f.value > f.max {
			return fmt.Errorf("%s is %d; expected 1 to %d", f.key, f.value, f.max)
		}
	}
	switch {
	case c.NumAttentionHeads%c.NumKeyValueHeads != 0:
		return fmt.Errorf("num_attention_heads %d is not a multiple of num_key_value_heads %d", c.NumAttentionHeads,
			c.NumKeyValueHeads)
	case c.HeadDim%2 != 0:
		return fmt.Errorf("head_dim is %d; rotary embedding needs an even number", c.HeadDim)
	case !(c.RMSNormEps > 0 && c.RMSNormEps < 1):
		return fmt.Errorf("rms_norm_eps is %g; expected a small positive number", c.RMSNormEps)
	case !(c.RopeTheta > 0):
		return fmt.Errorf("rope_theta is %g; expected a positive number", c.RopeTheta)
	case c.AttentionBias && !f.biased:
		return fmt.Errorf("attention_bias is true, which model_type %q does not have", c.ModelType)
	}
	if err := c.RopeScaling.check(f.scalings); err != nil {
		return err
	}
	if err := c.checkLayers(); err != nil {
		return err
	}
	if f.check != nil {
		if err := f.check(c); err != nil {
			return err
		}
	}
	if c.BOSTokenID < -1 || c.BOSTokenID >= c.VocabSize {
		return fmt.Errorf("bos_token_id is %d; vocab_size is %d", c.BOSTokenID, c.VocabSize)
	}
	for _, id := range c.EOSTokenIDs {
		if id < 0 || id >= c.VocabSize {
			return fmt.Errorf("eos_token_id is %d; vocab_size is %d", id, c.VocabSize)
		}
	}
	return nil
}

// check returns an error unless the scaling is none or complete and of a type among supported.
func (s *RopeScaling) check(supported []string) error {
	switch {
	case s == nil:
	case !slices.Contains(supported, s.RopeType):
		return fmt.Errorf("rope_scaling type %q is not supported; expected %s", s.RopeType,
			strings.Join(append(slices.Clone(supported), "none"), " or "))
	case s.RopeType == "linear" && !(s.Factor >= 1):
		return fmt.Errorf("rope_scaling has factor %g; expected at least 1", s.Factor)
	case s.RopeType == "llama3" && (!(s.Factor >= 1 && s.LowFreqFactor > 0 && s.HighFreqFactor > s.LowFreqFactor) ||
		s.OriginalMaxPositionEmbeddings < 1):
		return fmt.Errorf("rope_scaling %+v is incomplete; expected factor ≥ 1, 0 < low_freq_factor < high_freq_factor "+
			"and original_max_position_embeddings", *s)
	}
	return nil
}

// checkLayers returns an error unless layer_types and sliding_window fit each other and the number of layers.
func (c Config) checkLayers() error {
	if c.SlidingWindow < 0 {
		return fmt.Errorf("sliding_window is %d; expected a number of tokens", c.SlidingWindow)
	}
	if c.LayerTypes != nil && len(c.LayerTypes) != c.NumHiddenLayers {
		return fmt.Errorf("layer_types has %d entries; num_hidden_layers is %d", len(c.LayerTypes), c.NumHiddenLayers)
	}
	for _, kind := range c.LayerTypes {
		if kind != FullAttention && kind != SlidingAttention {
			return fmt.Errorf("layer_types has %q; expected %s or %s", kind, FullAttention, SlidingAttention)
		}
		if kind == SlidingAttention && c.SlidingWindow == 0 {
			return fmt.Errorf("layer_types has %s, and sliding_window is none; expected a number of tokens", kind)
		}
	}
	return nil
}
