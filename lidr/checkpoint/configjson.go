package checkpoint

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// ParseConfig reads config.json. Defaults are those of the configuration classes of Hugging Face transformers 4.51 and
// 5.23, which agree unless a family's file says otherwise. A key that could change the computation and is not known
// here is an error.
func ParseConfig(data []byte) (Config, error) {
	p := parser{}
	if err := json.Unmarshal(data, &p.keys); err != nil {
		return Config{}, fmt.Errorf("config.json: %w", err)
	}
	c := Config{BOSTokenID: -1, RMSNormEps: 1e-6, RopeTheta: 10000, TorchDType: "float32"}
	p.take("model_type", &c.ModelType)
	f, err := familyOf(c.ModelType)
	if err != nil {
		return Config{}, fmt.Errorf("config.json: %w", cmp.Or(p.err, err))
	}
	p.scalings = f.scalings
	if f.defaults != nil {
		f.defaults(&c)
	}
	p.take("architectures", &c.Architectures)
	p.take("hidden_size", &c.HiddenSize)
	p.take("num_hidden_layers", &c.NumHiddenLayers)
	p.take("num_attention_heads", &c.NumAttentionHeads)
	p.take("intermediate_size", &c.IntermediateSize)
	p.take("vocab_size", &c.VocabSize)
	p.take("max_position_embeddings", &c.MaxPositionEmbeddings)
	p.take("rms_norm_eps", &c.RMSNormEps)
	p.take("tie_word_embeddings", &c.TieWordEmbeddings)
	p.take("attention_bias", &c.AttentionBias)
	p.take("torch_dtype", &c.TorchDType)
	p.take("dtype", &c.TorchDType) // its name since transformers 4.56

	c.NumKeyValueHeads = c.NumAttentionHeads
	if _, ok := p.keys["num_key_value_heads"]; !ok && !f.ungrouped {
		p.fail("num_key_value_heads is missing") // the classes' defaults (8, 32) say nothing about this model
	}
	p.take("num_key_value_heads", &c.NumKeyValueHeads)
	if c.HeadDim == 0 && c.NumAttentionHeads > 0 {
		c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	}
	if f.read != nil {
		f.read(&p, &c)
	}
	p.take("head_dim", &c.HeadDim)

	if raw, ok := p.raw("bos_token_id"); ok {
		p.parse("bos_token_id", raw, &c.BOSTokenID)
	}
	if raw, ok := p.raw("eos_token_id"); ok {
		if bytes.HasPrefix(raw, []byte("[")) {
			p.parse("eos_token_id", raw, &c.EOSTokenIDs)
		} else {
			c.EOSTokenIDs = make([]int, 1)
			p.parse("eos_token_id", raw, &c.EOSTokenIDs[0])
		}
	}
	p.rope(&c)
	p.refuse(c)
	if p.err != nil {
		return Config{}, fmt.Errorf("config.json: %w", p.err)
	}
	if err := c.Validate(); err != nil {
		return Config{}, fmt.Errorf("config.json: %w", err)
	}
	return c, nil
}

// parser takes keys out of a JSON object one by one and keeps the first error. Keys match exactly, which decoding into
// a struct would not do.
type parser struct {
	keys     map[string]json.RawMessage
	scalings []string // the family's
	partial  *float64 // where the object of a rotary embedding may have partial_rotary_factor
	err      error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// raw takes a key's value; null counts as absent.
func (p *parser) raw(key string) (json.RawMessage, bool) {
	raw, ok := p.keys[key]
	delete(p.keys, key)
	return raw, ok && string(raw) != "null"
}

// only takes a key that may be absent but have no value other than want, as JSON.
func (p *parser) only(key, want string) {
	if raw, ok := p.raw(key); ok && string(raw) != want {
		p.fail("%s is %.60s; expected %s", key, raw, want)
	}
}

// drop takes a key whose value changes nothing.
func (p *parser) drop(key string) { delete(p.keys, key) }

func (p *parser) parse(key string, raw json.RawMessage, into any) {
	if err := json.Unmarshal(raw, into); err != nil {
		p.fail("%s is %.60s; expected %T", key, raw, into)
	}
}

func (p *parser) take(key string, into any) {
	if raw, ok := p.raw(key); ok {
		p.parse(key, raw, into)
	}
}

// rope reads the rotary embedding's keys in both spellings: rope_theta with rope_scaling, and the rope_parameters of
// transformers 5 that holds both.
func (p *parser) rope(c *Config) {
	p.take("rope_theta", &c.RopeTheta)
	older, isOlder := p.raw("rope_scaling")
	newer, isNewer := p.raw("rope_parameters")
	theta := c.RopeTheta
	if isOlder {
		p.rotary("rope_scaling", older, &c.RopeTheta, &c.RopeScaling)
	}
	if !isNewer {
		return
	}
	var scaling *RopeScaling
	p.rotary("rope_parameters", newer, &theta, &scaling)
	if isOlder && (theta != c.RopeTheta || !reflect.DeepEqual(scaling, c.RopeScaling)) {
		p.fail("rope_scaling and rope_parameters differ, and versions of transformers read one or the other; remove the " +
			"wrong one")
	}
	c.RopeTheta, c.RopeScaling = theta, cmp.Or(scaling, c.RopeScaling)
}

// rotary reads the object of one rotary embedding, the value of key.
func (p *parser) rotary(key string, raw json.RawMessage, theta *float64, scaling **RopeScaling) {
	in := parser{}
	if err := json.Unmarshal(raw, &in.keys); err != nil {
		p.fail("%s is %.60s; expected an object", key, raw)
		return
	}
	s := RopeScaling{RopeType: "default"}
	in.take("type", &s.RopeType) // the older name
	in.take("rope_type", &s.RopeType)
	in.take("rope_theta", theta)
	if p.partial != nil {
		in.take("partial_rotary_factor", p.partial)
	}
	if slices.Contains(p.scalings, "longrope") && (s.RopeType == "su" || s.RopeType == "yarn") {
		s.RopeType = "longrope" // older names, as configuration_phi3.py takes them
	}
	switch s.RopeType {
	case "longrope":
		in.take("factor", &s.Factor)
		in.take("attention_factor", &s.AttentionFactor)
		in.take("short_factor", &s.ShortFactor)
		in.take("long_factor", &s.LongFactor)
		in.take("original_max_position_embeddings", &s.OriginalMaxPositionEmbeddings)
	case "linear":
		in.take("factor", &s.Factor)
	case "llama3":
		in.take("factor", &s.Factor)
		in.take("low_freq_factor", &s.LowFreqFactor)
		in.take("high_freq_factor", &s.HighFreqFactor)
		in.take("original_max_position_embeddings", &s.OriginalMaxPositionEmbeddings)
	}
	if s.RopeType != "default" {
		*scaling = &s
	}
	if s.RopeType == "default" || slices.Contains(p.scalings, s.RopeType) { // Validate names any other type
		for _, k := range slices.Sorted(maps.Keys(in.keys)) {
			in.fail("unknown key %q", k)
		}
	}
	if in.err != nil {
		p.fail("%s: %w", key, in.err)
	}
}

// refuse fails on the keys that are left: first settings that our graph does not implement, then unknown keys.
func (p *parser) refuse(c Config) {
	for _, key := range []string{"quantization_config", "quantization"} { // the second is MLX's
		if raw, ok := p.raw(key); ok {
			p.fail("%s %.60s: quantized weights are not read; take the model's unquantized version, or its GGUF file",
				key, raw)
		}
	}
	act, mlpBias, rotary, mrope := "silu", false, 1.0, false
	p.take("hidden_act", &act)
	p.take("mlp_bias", &mlpBias)
	p.take("partial_rotary_factor", &rotary)
	p.take("use_mrope", &mrope)
	if act != "silu" {
		p.fail("hidden_act %q is not supported; expected silu", act)
	}
	if mlpBias {
		p.fail("mlp_bias true is not supported")
	}
	if mrope {
		p.fail("use_mrope true is not supported; the model takes images")
	}
	if rotary != 1 {
		p.fail("partial_rotary_factor %g is not supported; expected 1", rotary)
	}

	window, use := 0, false
	p.take("sliding_window", &window)
	p.take("use_sliding_window", &use)
	if use && window > 0 && window < c.MaxPositionEmbeddings {
		p.fail("use_sliding_window is true, and a %s model has no sliding window", c.ModelType)
	}
	var layers []string
	p.take("layer_types", &layers)
	for _, l := range layers {
		if l != "full_attention" {
			p.fail("layer_types has %q; only full_attention is supported", l)
		}
	}
	p.refuseUnknown()
}

// encode returns config.json with every key explicit, so that no program's defaults apply. dtype is torch_dtype.
func (c Config) encode(dtype string) ([]byte, error) {
	m := map[string]any{
		"architectures": c.Architectures, "model_type": c.ModelType, "torch_dtype": dtype, "hidden_act": "silu",
		"hidden_size": c.HiddenSize, "num_hidden_layers": c.NumHiddenLayers, "num_attention_heads": c.NumAttentionHeads,
		"num_key_value_heads": c.NumKeyValueHeads, "head_dim": c.HeadDim, "intermediate_size": c.IntermediateSize,
		"vocab_size": c.VocabSize, "max_position_embeddings": c.MaxPositionEmbeddings, "rms_norm_eps": c.RMSNormEps,
		"rope_theta": c.RopeTheta, "tie_word_embeddings": c.TieWordEmbeddings, "use_cache": true,
		"bos_token_id": nil, "eos_token_id": nil, "rope_scaling": nil,
	}
	if c.BOSTokenID >= 0 {
		m["bos_token_id"] = c.BOSTokenID
	}
	switch len(c.EOSTokenIDs) {
	case 0:
	case 1:
		m["eos_token_id"] = c.EOSTokenIDs[0]
	default:
		m["eos_token_id"] = c.EOSTokenIDs
	}
	if s := c.RopeScaling; s != nil {
		m["rope_scaling"] = s.keys()
	}
	f := families[c.ModelType]
	if f.padded {
		m["pad_token_id"] = nil // the class's own may be beyond the vocabulary
	}
	if f.write != nil {
		f.write(c, m)
	}
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// keys are those of the object rope_scaling.
func (s *RopeScaling) keys() map[string]any {
	switch s.RopeType {
	case "linear":
		return map[string]any{"rope_type": s.RopeType, "factor": decimal(s.Factor)}
	case "longrope": // configuration_phi3.py of transformers 4 accepts "type" and the lists and no other
		m := map[string]any{"type": s.RopeType, "short_factor": s.ShortFactor, "long_factor": s.LongFactor}
		if s.Factor != 0 {
			m["factor"] = decimal(s.Factor)
		}
		if s.AttentionFactor != 0 {
			m["attention_factor"] = decimal(s.AttentionFactor)
		}
		return m
	}
	return map[string]any{"rope_type": s.RopeType, "factor": s.Factor, "low_freq_factor": s.LowFreqFactor,
		"high_freq_factor": s.HighFreqFactor, "original_max_position_embeddings": s.OriginalMaxPositionEmbeddings}
}

// decimal is a number that is written with a point, as transformers 5 demands of values that are declared float.
type decimal float64

func (d decimal) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(float64(d))
	if err == nil && !bytes.ContainsAny(b, ".e") {
		b = append(b, ".0"...)
	}
	return b, err
}
