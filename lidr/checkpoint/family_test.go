package checkpoint

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A published configuration is read, and survives being written.
func TestFamilies(t *testing.T) {
	for name, text := range published {
		want, err := ParseConfig([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		written, err := want.encode(want.TorchDType)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseConfig(written)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: written and read again: %v, %s\n%s", name, err, diff, written)
		}
	}
}

// What the families resolve from their keys and their classes' defaults.
func TestDesign(t *testing.T) {
	design := func(name string) (Config, Design) {
		c, err := ParseConfig([]byte(published[name]))
		if err != nil {
			t.Fatal(err)
		}
		return c, c.Design()
	}
	c, d := design("gemma-3-1b-it")
	full := 0
	for i, layer := range d.Layers {
		want, window := Rotary{Theta: 1e4, Dim: 256, Scale: 1}, 512
		if i%6 == 5 {
			want, window, full = Rotary{Theta: 1e6, Dim: 256, Scale: 1}, 0, full+1
		}
		if *layer.Rotary != want || layer.Window != window {
			t.Errorf("layer %d is %v of window %d, expected %v of %d", i, *layer.Rotary, layer.Window, want, window)
		}
	}
	if !c.TieWordEmbeddings || full != 4 || d.ScoreScale != 1.0/16 ||
		d.EmbeddingScale < 33.94 || d.EmbeddingScale > 33.95 {
		t.Errorf("gemma-3-1b-it: %+v, %+v", c, d)
	}
	_, d = design("gemma-2-2b-it")
	if d.Layers[0].Window != 4096 || d.Layers[1].Window != 0 || d.ScoreCap != 50 || d.LogitCap != 30 || d.QKNorm {
		t.Errorf("gemma-2-2b-it: %+v", d)
	}
	_, d = design("granite-3.1-2b-instruct")
	if d.EmbeddingScale != 12 || d.ResidualScale != 0.22 || d.ScoreScale != 1.0/64 || d.LogitScale != 0.125 {
		t.Errorf("granite-3.1-2b-instruct: %+v", d)
	}
	_, d = design("SmolLM3-3B")
	if d.Layers[3].Rotary != nil || d.Layers[2].Rotary == nil || d.Layers[3].Window != 0 {
		t.Errorf("SmolLM3-3B: %+v", d)
	}
	_, d = design("Phi-3-mini-4k-instruct")
	if r := d.Layers[0].Rotary; !d.Fused || d.Layers[31].Window != 2047 || r.Dim != 96 || r.Scale != 1 {
		t.Errorf("Phi-3-mini-4k-instruct: %+v, %+v", d, r)
	}
	// √(1 + ln(131072/4096)/ln 4096) is √(1 + 5/12).
	_, d = design("Phi-4-mini-instruct")
	if r := d.Layers[0].Rotary; r.Dim != 2 || math.Abs(r.Scale-math.Sqrt(17.0/12)) > 1e-12 {
		t.Errorf("Phi-4-mini-instruct: %+v", r)
	}
	_, d = design("aya-expanse-8b")
	if r := d.Layers[0].Rotary; !d.Parallel || !d.CentredNorm || !r.Interleaved || d.LogitScale != 0.125 {
		t.Errorf("aya-expanse-8b: %+v", d)
	}
	_, d = design("c4ai-command-r7b-12-2024")
	if l := d.Layers; l[2].Window != 4096 || l[2].Rotary == nil || l[3].Window != 0 || l[3].Rotary != nil {
		t.Errorf("c4ai-command-r7b-12-2024: %+v", d)
	}
	_, d = design("Qwen1.5 with its window in use")
	if l := d.Layers; l[2].Window != 0 || l[3].Window != 16384 || l[4].Window != 16384 {
		t.Errorf("Qwen1.5: %+v", d)
	}
}

func TestFamiliesRefuse(t *testing.T) {
	for name, c := range map[string]struct{ from, old, new, want string }{
		"activation": {"gemma-3-270m", `"gelu_pytorch_tanh"`, `"silu"`, `hidden_activation "silu"`},
		"encoder": {"gemma-3-270m", `"use_bidirectional_attention":false`, `"use_bidirectional_attention":true`,
			"use_bidirectional_attention"},
		"cap": {"gemma-2-2b-it", `"attn_logit_softcapping":50.0`, `"attn_logit_softcapping":-1`,
			"attn_logit_softcapping is -1"},
		"scaled gemma 2": {"gemma-2-2b-it", `"use_cache":true`, `"rope_scaling":{"rope_type":"linear","factor":2}`,
			`rope_scaling type "linear" is not supported; expected none`},
		"multiplier":     {"granite-3.1-2b-instruct", `"logits_scaling":8.0`, `"logits_scaling":0`, "logits_scaling is 0"},
		"no rotary":      {"SmolLM3-3B", `[1,1,1,0]`, `[1,1,1]`, "no_rope_layers has 3 entries"},
		"half rotary":    {"SmolLM3-3B", `[1,1,1,0]`, `[1,1,1,2]`, "no_rope_layers has 2"},
		"interval":       {"SmolLM3-3B", `4,"no_rope_layers":[1,1,1,0]`, `0`, "no_rope_layer_interval is 0"},
		"odd rotary":     {"Phi-3-mini-4k-instruct", `"resid_pdrop":0.0`, `"partial_rotary_factor":0.58`, "turns 55 numbers"},
		"head bias":      {"Phi-4-mini-instruct", `"lm_head_bias":false`, `"lm_head_bias":true`, "lm_head_bias is true"},
		"factors":        {"Phi-4-mini-instruct", `[1.5]`, `[1.5,2]`, "long_factor of 1 and 2 numbers; expected 1"},
		"factor 0":       {"Phi-4-mini-instruct", `[1.5]`, `[0]`, "has a factor 0"},
		"original":       {"Phi-4-mini-instruct", `embeddings":4096`, `embeddings":1`, "original_max_position_embeddings 1"},
		"yarn as it is":  {"Phi-4-mini-instruct", `"longrope"`, `"dynamic"`, `rope_scaling type "dynamic"`},
		"query norm":     {"aya-expanse-8b", `"use_qk_norm":false`, `"use_qk_norm":true`, "use_qk_norm is true"},
		"no rotary base": {"aya-expanse-8b", `"rope_theta":10000,`, ``, "rope_theta is 0"},
		"logit scale":    {"aya-expanse-8b", `"logit_scale":0.125`, `"logit_scale":0`, "logit_scale is 0"},
		"layer order": {"c4ai-command-r7b-12-2024", `"local_attn_first"`, `"global_attn_first"`,
			"order_of_interleaved_layers"},
		"head size": {"c4ai-command-r7b-12-2024", `"head_dim":128`, `"head_dim":64`, "head_dim is 64"},
		"cap of scores": {"gemma-3-270m", `"attn_logit_softcapping":null`, `"attn_logit_softcapping":50.0`,
			"attn_logit_softcapping is 50"},
		"scalar": {"gemma-3-270m", `"query_pre_attn_scalar":256`, `"query_pre_attn_scalar":0`,
			"query_pre_attn_scalar is 0"},
		"no window": {"gemma-3-270m", `"sliding_window":512`, `"sliding_window":null`, "sliding_window is none"},
		"window 0": {"Phi-3-mini-4k-instruct", `"sliding_window":2047`, `"sliding_window":0`,
			"sliding_window is 0; expected a number"},
		"window": {"gemma-3-270m", `"sliding_window":512`, `"sliding_window":-1`, "sliding_window is -1"},
		"pattern": {"gemma-3-1b-it", `"sliding_window_pattern":6`, `"sliding_window_pattern":0`,
			"sliding_window_pattern is 0"},
		"layer count": {"gemma-3-270m", `"num_hidden_layers":6`, `"num_hidden_layers":7`, "layer_types has 6 entries"},
		"layer kind":  {"gemma-3-270m", `"full_attention"]`, `"chunked_attention"]`, `layer_types has "chunked_attention"`},
		"flat rotary": {"gemma-3-270m", `"rope_scaling":null`, `"rope_parameters":{"rope_type":"default"}`,
			`rope_parameters has key "rope_type"`},
		"scaled locally": {"gemma-3-270m", `"rope_scaling":null`,
			`"rope_parameters":{"sliding_attention":{"rope_type":"linear","factor":2}}`, `rope_type "linear"; expected default`},
		"scaling": {"gemma-3-270m", `"rope_scaling":null`, `"rope_scaling":{"rope_type":"yarn"}`,
			`rope_scaling type "yarn"`},
		"factor":   {"gemma-3-270m", `"rope_scaling":null`, `"rope_scaling":{"rope_type":"linear"}`, "factor 0"},
		"absurd":   {"gemma-3-1b-it", `"num_hidden_layers":26`, `"num_hidden_layers":2000000000`, "num_hidden_layers"},
		"no heads": {"gemma-3-1b-it", `"num_key_value_heads":1,`, ``, "num_key_value_heads is missing"},
	} {
		text := strings.Replace(published[c.from], c.old, c.new, 1)
		if text == published[c.from] {
			t.Fatalf("%s: nothing to replace", name)
		}
		if _, err := ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v; expected one line with %q", name, err, c.want)
		}
	}
}

// Of two spellings of a rotary embedding, that counts which transformers 5 reads; where versions differ, none does.
func TestTwoRotarySpellings(t *testing.T) {
	c, err := ParseConfig([]byte(strings.Replace(published["gemma-3-270m"], `"rope_scaling":null`,
		`"rope_local_base_freq":300,"rope_parameters":{"full_attention":{"rope_type":"default","rope_theta":7000},`+
			`"sliding_attention":{"rope_type":"default"}}`, 1)))
	if err != nil || c.RopeTheta != 7000 || c.RopeLocalTheta != 300 {
		t.Errorf("bases %g and %g, %v; expected 7000 and 300", c.RopeTheta, c.RopeLocalTheta, err)
	}
	c, err = ParseConfig([]byte(strings.Replace(llama3, `"rope_theta"`,
		`"rope_parameters":{"rope_type":"default","rope_theta":777},"rope_theta"`, 1)))
	if err == nil || !strings.Contains(err.Error(), "rope_scaling and rope_parameters differ") {
		t.Errorf("bases %g, %v; expected an error", c.RopeTheta, err)
	}
}

// The sliding_window_pattern of layer types is found, and none where there is none.
func TestPattern(t *testing.T) {
	for kinds, want := range map[string]int{"ssfssf": 3, "ssfss": 3, "ffff": 1, "ssss": 5, "sfss": 0, "fs": 0, "sffs": 0} {
		c := Config{}
		for _, kind := range kinds {
			c.LayerTypes = append(c.LayerTypes, map[rune]string{'s': SlidingAttention, 'f': FullAttention}[kind])
		}
		if got := c.pattern(); got != want {
			t.Errorf("%s has pattern %d, expected %d", kinds, got, want)
		}
	}
}

// A small checkpoint of every family is written and read as the same.
func TestFamiliesSaveAndLoad(t *testing.T) {
	for name, text := range published {
		var keys map[string]any
		if err := json.Unmarshal([]byte(text), &keys); err != nil {
			t.Fatal(err)
		}
		keys["hidden_size"], keys["head_dim"], keys["intermediate_size"], keys["vocab_size"] = 12, 4, 10, 7
		keys["num_attention_heads"], keys["num_key_value_heads"] = 2, 1
		keys["bos_token_id"], keys["eos_token_id"] = nil, 1
		if keys["model_type"] == "cohere2" {
			keys["hidden_size"] = 8
		}
		smaller, err := json.Marshal(keys)
		if err != nil {
			t.Fatal(err)
		}
		ck, dir := small(t, string(smaller)), filepath.Join(t.TempDir(), "model")
		if err := Save(dir, ck, "F32"); err != nil {
			t.Fatal(err)
		}
		got, err := Load(os.DirFS(dir))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := *ck
		want.Config.TorchDType, got.Sources = "float32", nil
		if diff := cmp.Diff(&want, got, sameTensors); diff != "" || hashOf(t, got) != hashOf(t, ck) {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
