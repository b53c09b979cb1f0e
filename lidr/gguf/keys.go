package gguf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
)

// key is one of the metadata, behind the architecture's name and a point.
type key struct {
	name   string
	config string                        // config.json's key of the same value, "" where there is none
	value  func(c checkpoint.Config) any // nil: read and not written
}

// commonKeys are the metadata that llama.cpp's computation depends on.
var commonKeys = []key{
	{"context_length", "max_position_embeddings", func(c checkpoint.Config) any {
		return uint32(c.MaxPositionEmbeddings)
	}},
	{"embedding_length", "hidden_size", func(c checkpoint.Config) any { return uint32(c.HiddenSize) }},
	{"block_count", "num_hidden_layers", func(c checkpoint.Config) any { return uint32(c.NumHiddenLayers) }},
	{"feed_forward_length", "intermediate_size", func(c checkpoint.Config) any { return uint32(c.IntermediateSize) }},
	{"attention.head_count", "num_attention_heads", func(c checkpoint.Config) any { return uint32(c.NumAttentionHeads) }},
	{"attention.head_count_kv", "num_key_value_heads",
		func(c checkpoint.Config) any { return uint32(c.NumKeyValueHeads) }},
	{"attention.key_length", "head_dim", func(c checkpoint.Config) any { return uint32(c.HeadDim) }},
	{"attention.value_length", "", func(c checkpoint.Config) any { return uint32(c.HeadDim) }},
	{"attention.layer_norm_rms_epsilon", "rms_norm_eps", func(c checkpoint.Config) any { return float32(c.RMSNormEps) }},
	{"rope.dimension_count", "", func(c checkpoint.Config) any {
		if c.PartialRotaryFactor > 0 {
			return uint32(float64(c.HeadDim) * c.PartialRotaryFactor)
		}
		return uint32(c.HeadDim)
	}},
	{"rope.freq_base", "rope_theta", func(c checkpoint.Config) any { return float32(c.RopeTheta) }},
	{"vocab_size", "", func(c checkpoint.Config) any { return uint32(c.VocabSize) }},
}

// windowKeys are those of a family with sliding windows.
var windowKeys = []key{
	{"attention.sliding_window", "sliding_window", func(c checkpoint.Config) any { return uint32(c.SlidingWindow) }},
	{keyPattern, "", nil},
}

const keyPattern = "attention.sliding_window_pattern"

// allKeys are the common keys and the family's own.
func (f family) allKeys() []key {
	keys := slices.Concat(commonKeys, f.keys)
	if f.every > 0 {
		keys = append(keys, windowKeys...)
	}
	return slices.DeleteFunc(keys, func(k key) bool { return f.centred && k.config == "rms_norm_eps" })
}

// hyperparameters returns the metadata of an architecture.
func hyperparameters(c checkpoint.Config, architecture string, f family) []pair {
	var pairs []pair
	for _, k := range f.allKeys() {
		if k.value != nil {
			pairs = append(pairs, pair{architecture + "." + k.name, k.value(c)})
		}
	}
	if s := c.RopeScaling; s != nil && s.RopeType == "linear" {
		pairs = append(pairs, pair{architecture + ".rope.scaling.type", s.RopeType},
			pair{architecture + ".rope.scaling.factor", float32(s.Factor)})
	}
	return pairs
}

// idle are keys that change nothing where they have that value, nil for any.
var idle = map[string]any{
	"tensor_data_layout": nil, "attention.causal": true,
	"rope.scaling.finetuned": nil, "rope.scaling.attn_factor": float32(1),
	"rope.scaling.type": nil, "rope.scaling.factor": nil, "rope.scaling.original_context_length": nil, // see rotary
}

// needed are the values that llama.cpp refuses to do without, and config.json's class would have a default for.
var needed = []string{"max_position_embeddings", "rms_norm_eps", "layer_norm_eps", "logits_scaling", "logit_scale"}

// unknownKey is an error for a key of the architecture that may change the computation and is not known here.
func (h *header) unknownKey(architecture string, f family) error {
	known := map[string]bool{}
	for _, k := range f.allKeys() {
		known[architecture+"."+k.name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(h.metadata)) {
		own, ok := strings.CutPrefix(name, architecture+".")
		value := h.metadata[name]
		if !ok || known[name] {
			continue
		}
		want, harmless := idle[own]
		if harmless && (want == nil || want == value) {
			continue
		}
		if harmless || value == nil || !reflect.ValueOf(value).IsZero() {
			return fmt.Errorf("metadata %q is %s, which may change the computation and is not known here; take the model in "+
				"its Hugging Face folder", name, shown(value))
		}
	}
	return nil
}

// configOf makes a config.json of the metadata and reads it as that of a Hugging Face folder.
func (h *header) configOf(architecture string, f family) (checkpoint.Config, error) {
	c := map[string]any{"model_type": f.modelType, "architectures": []string{f.class}}
	for _, k := range f.allKeys() {
		name := architecture + "." + k.name
		value, ok := h.metadata[name]
		if !ok && slices.Contains(needed, k.config) {
			return checkpoint.Config{}, fmt.Errorf("metadata %q is missing, and a %s model has it; take another file", name,
				architecture)
		}
		if !ok || k.config == "" {
			continue
		}
		value, err := uniform(name, value)
		if err != nil {
			return checkpoint.Config{}, err
		}
		c[k.config] = value
	}
	if layers, _ := c["num_hidden_layers"].(int); layers > len(h.tensors) {
		return checkpoint.Config{}, fmt.Errorf("metadata %q is %d, and the file has %d tensors in all",
			architecture+".block_count",
			layers, len(h.tensors))
	}
	if _, ok := c["num_key_value_heads"]; !ok {
		c["num_key_value_heads"] = c["num_attention_heads"]
	}
	if err := h.unknownKey(architecture, f); err != nil {
		return checkpoint.Config{}, err
	}
	embeddings := h.find("token_embd.weight")
	if embeddings == nil {
		return checkpoint.Config{}, fmt.Errorf("tensor %q is missing", "token_embd.weight")
	}
	c["vocab_size"] = embeddings.shape[0]
	c["tie_word_embeddings"] = h.find("output.weight") == nil
	if h.find("blk.0.attn_output.bias") != nil {
		c["attention_bias"] = true
	}
	if _, ok := c["rope_theta"]; !ok && architecture != "gemma3" { // llama.cpp's default, whatever the class's is
		c["rope_theta"] = 10000
	}
	if err := h.ends(c); err != nil {
		return checkpoint.Config{}, err
	}
	if err := h.rotary(architecture, c); err != nil {
		return checkpoint.Config{}, err
	}
	if f.every > 0 {
		if err := h.windows(architecture, f, c); err != nil {
			return checkpoint.Config{}, err
		}
	}
	if f.imply != nil {
		if err := f.imply(c, h); err != nil {
			return checkpoint.Config{}, err
		}
	}
	text, err := json.Marshal(c)
	if err != nil { // a number that is none
		return checkpoint.Config{}, fmt.Errorf("metadata of %s: %w", architecture, err)
	}
	config, err := checkpoint.ParseConfig(text)
	if err != nil {
		return config, fmt.Errorf("metadata of %s, as a %w", architecture, err)
	}
	return config, nil
}

// shown is a value of the metadata as an error shows it.
func shown(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("%.60q", v)
	case []int, []float32, []string:
		return "a list"
	}
	return fmt.Sprint(value)
}

// uniform is the one value of a key that may differ from layer to layer.
func uniform(name string, value any) (any, error) {
	list, ok := value.([]int)
	if !ok {
		return value, nil
	}
	if len(list) == 0 || slices.Min(list) != slices.Max(list) {
		return nil, fmt.Errorf("metadata %q differs from layer to layer, which no model that is computed here does", name)
	}
	return list[0], nil
}

// ends adds the tokens that begin and end a text.
func (h *header) ends(c map[string]any) error {
	for name, key := range map[string]string{"bos_token_id": keyBOS, "eos_token_id": keyEOS} {
		id, ok, err := h.token(key)
		if err != nil {
			return err
		}
		if ok {
			c[name] = id
		}
	}
	return nil
}

// rotary adds what the metadata say of the rotary embedding beside its base.
func (h *header) rotary(architecture string, c map[string]any) error {
	heads, _ := c["num_attention_heads"].(int)
	width, _ := c["hidden_size"].(int)
	if heads < 1 || width < 1 {
		return fmt.Errorf("metadata %q or %q is missing or no positive number", architecture+".attention.head_count",
			architecture+".embedding_length")
	}
	if _, ok := c["head_dim"]; !ok {
		c["head_dim"] = width / heads
	}
	whole, ok := c["head_dim"].(int)
	if !ok {
		key := architecture + ".attention.key_length"
		return fmt.Errorf("metadata %q is %s; expected a number of dimensions", key, shown(h.metadata[key]))
	}
	length, turns := architecture+".attention.value_length", architecture+".rope.dimension_count"
	if value, ok := h.metadata[length]; ok && value != whole {
		return fmt.Errorf("metadata %q is %s, and heads have %d dimensions; expected the same", length, shown(value), whole)
	}
	if value, ok := h.metadata[turns]; ok && value != whole {
		turned, isInt := value.(int)
		if !isInt {
			return fmt.Errorf("metadata %q is %s; expected a number of dimensions", turns, shown(value))
		}
		c["partial_rotary_factor"] = float64(turned) / float64(max(whole, 1))
	}
	p := architecture + ".rope.scaling."
	kind := "linear" // llama.cpp's default where there is a factor
	switch value := h.metadata[p+"type"].(type) {
	case nil:
		if f, ok := h.metadata[p+"factor"]; !ok || f == float32(0) || f == float32(1) {
			return nil
		}
	case string:
		kind = value
	default:
		return fmt.Errorf("metadata %q is %s; expected the name of a scaling", p+"type", shown(value))
	}
	if kind == "none" {
		return nil
	}
	scaling := map[string]any{"rope_type": kind}
	for name, key := range map[string]string{"factor": "factor",
		"original_context_length": "original_max_position_embeddings"} {
		if value, ok := h.metadata[p+name]; ok {
			scaling[key] = value
		}
	}
	c["rope_scaling"] = scaling
	return nil
}

// windows adds which layers have a sliding window: where the metadata do not say, those that llama.cpp takes for
// granted.
func (h *header) windows(architecture string, f family, c map[string]any) error {
	layers, _ := c["num_hidden_layers"].(int)
	if _, ok := c["sliding_window"]; !ok {
		return fmt.Errorf("metadata %q is missing, and a %s model has it", architecture+".attention.sliding_window",
			architecture)
	}
	switch pattern := h.metadata[architecture+"."+keyPattern].(type) {
	case nil:
		c["layer_types"] = layerTypes(layers, f.every)
	case int:
		if pattern < 1 {
			return fmt.Errorf("metadata %q is %d; expected a number of layers", architecture+"."+keyPattern, pattern)
		}
		c["layer_types"] = layerTypes(layers, pattern)
	case []int: // whether each layer has a window
		types := make([]string, len(pattern))
		for i, window := range pattern {
			types[i] = checkpoint.FullAttention
			if window != 0 {
				types[i] = checkpoint.SlidingAttention
			}
		}
		c["layer_types"] = types
	default:
		return fmt.Errorf("metadata %q is %s; expected a number of layers", architecture+"."+keyPattern, shown(pattern))
	}
	return nil
}

// find returns the tensor of that name, or nil.
func (h *header) find(name string) *entry {
	for i := range h.tensors {
		if h.tensors[i].name == name {
			return &h.tensors[i]
		}
	}
	return nil
}

// familyOf returns the architecture that the file is of.
func (h *header) familyOf() (string, family, error) {
	name, _ := h.metadata["general.architecture"].(string)
	kind, _ := h.metadata["general.type"].(string)
	switch {
	case kind == "adapter":
		return name, family{}, fmt.Errorf("it is a LoRA adapter, metadata %q says; merge it into its model by llama.cpp's "+
			"llama-export-lora and take the result", "general.type")
	case kind == "mmproj" || name == "clip":
		return name, family{}, fmt.Errorf("it is the part of a model that reads images or sound; take the file of its " +
			"language model")
	case name == "":
		return name, family{}, fmt.Errorf("metadata %q is missing; take a file made by llama.cpp's converter",
			"general.architecture")
	case cmp.Or(kind, "model") != "model":
		return name, family{}, fmt.Errorf("metadata %q is %q; expected a model", "general.type", kind)
	case len(h.tensors) == 0:
		return name, family{}, fmt.Errorf("it has no tensors: it holds a vocabulary alone; take the file of a whole model")
	}
	f, ok := families[name]
	if !ok {
		return name, f, fmt.Errorf("its architecture %q is not computed here; expected one of %s", name,
			strings.Join(slices.Sorted(maps.Keys(families)), ", "))
	}
	return name, f, nil
}
