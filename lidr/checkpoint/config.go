package checkpoint

import "fmt"

// Config describes a decoder of the Llama family; its fields are those of config.json. ParseConfig resolves every
// default, so that code that uses a Config need not know which keys a publisher left out.
type Config struct {
	Architectures []string
	ModelType     string // "llama", "mistral", "qwen2" or "qwen3"

	HiddenSize            int
	NumHiddenLayers       int
	NumAttentionHeads     int
	NumKeyValueHeads      int // equals NumAttentionHeads unless attention is grouped
	HeadDim               int // need not be HiddenSize/NumAttentionHeads
	IntermediateSize      int
	VocabSize             int
	MaxPositionEmbeddings int // the longest sequence, in tokens

	RMSNormEps        float64
	RopeTheta         float64
	RopeScaling       *RopeScaling // nil: plain rotary embedding
	TieWordEmbeddings bool         // the head is the embedding matrix; there is no lm_head.weight
	AttentionBias     bool         // llama and qwen3: biases on q, k, v and o

	BOSTokenID  int   // -1: none
	EOSTokenIDs []int // config.json gives one number or a list

	TorchDType string // "float32", "bfloat16" or "float16": how the weights were published
}

// RopeScaling is the frequency scaling of Llama 3.1 and later (rope_type "llama3"): wavelengths longer than
// OriginalMaxPositionEmbeddings/LowFreqFactor are divided by Factor, those shorter than
// OriginalMaxPositionEmbeddings/HighFreqFactor are kept, and between them the two are blended.
type RopeScaling struct {
	RopeType                      string // always "llama3": no other kind is accepted
	Factor                        float64
	LowFreqFactor                 float64
	HighFreqFactor                float64
	OriginalMaxPositionEmbeddings int
}

// QKVBias reports whether the query, key and value projections have biases: always in Qwen2, by attention_bias in
// Llama and Qwen3.
func (c Config) QKVBias() bool { return c.ModelType == "qwen2" || c.AttentionBias }

// OutputBias reports whether the attention's output projection has a bias.
func (c Config) OutputBias() bool { return c.AttentionBias }

// QKNorm reports whether each head's query and key are normalised by an RMSNorm before the rotary embedding (Qwen3).
func (c Config) QKNorm() bool { return c.ModelType == "qwen3" }

// Validate returns an error naming the first value that no supported model can have. Load and Save call it.
func (c Config) Validate() error {
	want, known := architectures[c.ModelType]
	if !known {
		return fmt.Errorf("model_type %q is not supported; expected llama, mistral, qwen2 or qwen3", c.ModelType)
	}
	if len(c.Architectures) != 1 || c.Architectures[0] != want {
		return fmt.Errorf("architectures %q do not fit model_type %q; expected [%q]", c.Architectures, c.ModelType, want)
	}
	// The limits are far above any published model; they stop a hostile file from requesting absurd amounts of memory.
	for _, f := range []struct {
		key        string
		value, max int
	}{
		{"hidden_size", c.HiddenSize, 1 << 20}, {"num_hidden_layers", c.NumHiddenLayers, 1 << 12},
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
	case c.AttentionBias && c.ModelType != "llama" && c.ModelType != "qwen3":
		return fmt.Errorf("attention_bias is true, which model_type %q does not have", c.ModelType)
	}
	if s := c.RopeScaling; s != nil {
		if s.RopeType != "llama3" {
			return fmt.Errorf("rope_scaling type %q is not supported; expected llama3 or none", s.RopeType)
		}
		if !(s.Factor >= 1 && s.LowFreqFactor > 0 && s.HighFreqFactor > s.LowFreqFactor) ||
			s.OriginalMaxPositionEmbeddings < 1 {
			return fmt.Errorf("rope_scaling %+v is incomplete; expected factor ≥ 1, 0 < low_freq_factor < high_freq_factor "+
				"and original_max_position_embeddings", *s)
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

// architectures maps each model_type that we can compute to the one architecture it may name.
var architectures = map[string]string{
	"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM",
}

// ExpectedTensors returns the name and shape of every tensor in a checkpoint of this configuration, named as on the
// hub. The weight of a linear layer is [out, in].
func ExpectedTensors(c Config) map[string][]int {
	d, q, kv, f := c.HiddenSize, c.NumAttentionHeads*c.HeadDim, c.NumKeyValueHeads*c.HeadDim, c.IntermediateSize
	t := map[string][]int{"model.embed_tokens.weight": {c.VocabSize, d}, "model.norm.weight": {d}}
	if !c.TieWordEmbeddings {
		t["lm_head.weight"] = []int{c.VocabSize, d}
	}
	for i := range c.NumHiddenLayers {
		p := fmt.Sprintf("model.layers.%d.", i)
		t[p+"input_layernorm.weight"] = []int{d}
		t[p+"post_attention_layernorm.weight"] = []int{d}
		t[p+"self_attn.q_proj.weight"] = []int{q, d}
		t[p+"self_attn.k_proj.weight"] = []int{kv, d}
		t[p+"self_attn.v_proj.weight"] = []int{kv, d}
		t[p+"self_attn.o_proj.weight"] = []int{d, q}
		t[p+"mlp.gate_proj.weight"] = []int{f, d}
		t[p+"mlp.up_proj.weight"] = []int{f, d}
		t[p+"mlp.down_proj.weight"] = []int{d, f}
		if c.QKVBias() {
			t[p+"self_attn.q_proj.bias"] = []int{q}
			t[p+"self_attn.k_proj.bias"] = []int{kv}
			t[p+"self_attn.v_proj.bias"] = []int{kv}
		}
		if c.OutputBias() {
			t[p+"self_attn.o_proj.bias"] = []int{d}
		}
		if c.QKNorm() {
			t[p+"self_attn.q_norm.weight"] = []int{c.HeadDim}
			t[p+"self_attn.k_norm.weight"] = []int{c.HeadDim}
		}
	}
	return t
}
