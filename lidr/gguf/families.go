package gguf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
)

// family is an architecture of llama.cpp: how it names and arranges what config.json and the safetensors of Hugging
// Face's model_type say. Writing and reading follow the same tables (convert_hf_to_gguf.py, and constants.py and
// tensor_mapping.py of gguf-py).
type family struct {
	modelType string // config.json's, and its architectures
	class     string
	keys      []key             // of the metadata, beside the common ones
	layer     map[string]string // parts of a layer, beside the common ones or in place of them
	aside     []string          // tensors that only say something of the configuration
	paired    bool              // the rows of queries and keys are interleaved
	centred   bool              // norms are LayerNorms, whose epsilon has another key
	noBias    bool              // there are no biases
	offset    float32           // added to the weights of norms
	every     int               // > 0: every so manieth layer has full attention, the others a sliding window

	express func(c checkpoint.Config) error         // what of a model it cannot express
	imply   func(c map[string]any, h *header) error // what config.json says and the metadata imply
}

// families are the architectures by the names that llama.cpp gives them.
var families = map[string]family{
	"llama": familyLlama,
	"qwen2": {modelType: "qwen2", class: "Qwen2ForCausalLM"},
	"qwen3": {modelType: "qwen3", class: "Qwen3ForCausalLM", noBias: true},

	"gemma2": familyGemma2, "gemma3": familyGemma3, "smollm3": familySmolLM3, "granite": familyGranite,
	"olmo2": familyOLMo2, "command-r": familyCohere, "cohere2": familyCohere2, "phi3": familyPhi3,
}

// familyLlama is Llama 1 to 3, and Mistral, which is a Llama there.
var familyLlama = family{modelType: "llama", class: "LlamaForCausalLM", paired: true, aside: []string{ropeFactors},
	imply: func(c map[string]any, h *header) error { return h.scaling(c) }}

// architectureOf returns llama.cpp's name of the model's architecture, or an error saying why it cannot compute the
// model.
func architectureOf(c checkpoint.Config) (string, family, error) {
	modelType := c.ModelType
	if modelType == "mistral" {
		modelType = "llama"
	}
	for name, f := range families {
		if f.modelType != modelType {
			continue
		}
		switch scaling := c.RopeScaling; {
		case scaling != nil && scaling.RopeType == "llama3" && !slices.Contains(f.aside, ropeFactors):
			return "", f, fmt.Errorf("rope_scaling %s cannot be expressed for model_type %s: llama.cpp reads its factors for "+
				"llama only", scaling.RopeType, c.ModelType)
		case c.AttentionBias && f.noBias:
			return "", f, fmt.Errorf("attention_bias cannot be expressed for model_type %s: llama.cpp reads no biases there",
				c.ModelType)
		case c.QKVBias() && c.NumAttentionHeads*c.HeadDim != c.HiddenSize:
			return "", f, fmt.Errorf("query biases of %d heads of %d cannot be expressed: llama.cpp expects hidden_size of "+
				"them, %d", c.NumAttentionHeads, c.HeadDim, c.HiddenSize)
		case c.SlidingWindow > 0 && f.every == 0:
			return "", f, fmt.Errorf("sliding_window %d cannot be expressed for model_type %s: llama.cpp computes full "+
				"attention there", c.SlidingWindow, c.ModelType)
		case f.every > 0 && (c.SlidingWindow == 0 || !slices.Equal(c.LayerTypes, layerTypes(c.NumHiddenLayers, f.every))):
			return "", f, fmt.Errorf("sliding_window %d with layer_types %v cannot be expressed for model_type %s: llama.cpp "+
				"computes full attention in every %dth layer, and a window in the others", c.SlidingWindow, c.LayerTypes,
				c.ModelType, f.every)
		case f.express != nil:
			return name, f, f.express(c)
		}
		return name, f, nil
	}
	return "", family{}, fmt.Errorf("model_type %q has no architecture in llama.cpp that is known here; expected mistral "+
		"or %s", c.ModelType, strings.Join(modelTypes(), ", "))
}

// layerTypes are the layer_types of a model with full attention in every so manieth layer.
func layerTypes(layers, every int) []string {
	types := make([]string, layers)
	for i := range types {
		types[i] = checkpoint.SlidingAttention
		if (i+1)%every == 0 {
			types[i] = checkpoint.FullAttention
		}
	}
	return types
}

func modelTypes() []string {
	var names []string
	for f := range maps.Values(families) {
		names = append(names, f.modelType)
	}
	slices.Sort(names)
	return names
}

// layerNames maps the parts of a layer from their Hugging Face names to llama.cpp's.
var layerNames = map[string]string{
	"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
	"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
	"self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
	"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}

// tensorName translates the name of a tensor: model.layers.3.mlp.up_proj.weight is blk.3.ffn_up.weight there.
func (f family) tensorName(name string) string {
	switch name {
	case "model.embed_tokens.weight":
		return "token_embd.weight"
	case "model.norm.weight":
		return "output_norm.weight"
	case "lm_head.weight":
		return "output.weight"
	}
	layer, part, _ := strings.Cut(strings.TrimPrefix(name, "model.layers."), ".")
	end := strings.LastIndex(part, ".")
	own, ok := f.layer[part[:end]]
	if !ok {
		own = layerNames[part[:end]]
	}
	return "blk." + layer + "." + own + part[end:]
}

// heads is the number of heads of a tensor whose rows are interleaved within each head, 0 for another.
func (f family) heads(name string, c checkpoint.Config) int {
	switch {
	case f.paired && strings.Contains(name, ".q_proj."):
		return c.NumAttentionHeads
	case f.paired && strings.Contains(name, ".k_proj."):
		return c.NumKeyValueHeads
	}
	return 0
}

// shift is what is added to the values of a tensor.
func (f family) shift(name string) float32 {
	if strings.HasSuffix(name, "norm.weight") {
		return f.offset
	}
	return 0
}
