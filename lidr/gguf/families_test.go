package gguf

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/tokenizer"
	"lidrlab/lidr/transformer"
)

// small is what the configurations of the tests share; those of the families come over it.
var small = map[string]any{"hidden_size": 64, "num_hidden_layers": 8, "num_attention_heads": 4,
	"num_key_value_heads": 2,
	"head_dim":            16, "intermediate_size": 96, "vocab_size": 1024, "max_position_embeddings": 512,
	"rope_theta":   10000,
	"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}

// published is a configuration of each architecture in the form of config.json.
var published = map[string]map[string]any{
	"gemma2": {"model_type": "gemma2", "architectures": []string{"Gemma2ForCausalLM"}, "query_pre_attn_scalar": 16,
		"sliding_window": 128, "rms_norm_eps": 1e-6},
	"gemma3": {"model_type": "gemma3_text", "architectures": []string{"Gemma3ForCausalLM"}, "query_pre_attn_scalar": 16,
		"sliding_window": 128, "rms_norm_eps": 1e-6, "rope_theta": 1000000,
		"rope_scaling": map[string]any{"rope_type": "linear", "factor": 8.0}},
	"smollm3": {"model_type": "smollm3", "architectures": []string{"SmolLM3ForCausalLM"}, "rms_norm_eps": 1e-6},
	"granite": {"model_type": "granite", "architectures": []string{"GraniteForCausalLM"}, "rms_norm_eps": 1e-5,
		"attention_multiplier": 0.015625, "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "logits_scaling": 8.0},
	"olmo2": {"model_type": "olmo2", "architectures": []string{"Olmo2ForCausalLM"}, "rms_norm_eps": 1e-6},
	"command-r": {"model_type": "cohere", "architectures": []string{"CohereForCausalLM"}, "layer_norm_eps": 1e-5,
		"logit_scale": 0.0625},
	"cohere2": {"model_type": "cohere2", "architectures": []string{"Cohere2ForCausalLM"}, "layer_norm_eps": 1e-5,
		"logit_scale": 0.25, "sliding_window": 128},
	"phi3": {"model_type": "phi3", "architectures": []string{"Phi3ForCausalLM"}, "rms_norm_eps": 1e-5,
		"partial_rotary_factor": 0.75, "original_max_position_embeddings": 128, "sliding_window": nil,
		"rope_scaling": map[string]any{"type": "longrope", "short_factor": []float64{1, 1.05, 1.1, 1.2, 1.3, 1.4},
			"long_factor": []float64{1, 1.5, 2.25, 3, 4.5, 7}}},
}

// parse reads the configuration of an architecture, with some keys changed.
func parse(t *testing.T, architecture string, changed map[string]any) checkpoint.Config {
	t.Helper()
	keys := maps.Clone(small)
	maps.Copy(keys, published[architecture])
	maps.Copy(keys, changed)
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.ParseConfig(text)
	if err != nil {
		t.Fatalf("%s: %v", architecture, err)
	}
	return c
}

// random returns a random model of a configuration with a tokenizer. Its values are multiples of 2⁻¹⁰, so that 1 can be
// added and taken away.
func random(t *testing.T, c checkpoint.Config) (*checkpoint.Checkpoint, *tokenizer.Tokenizer) {
	t.Helper()
	fsys := os.DirFS(tokenizers + "qwen2")
	tok, err := tokenizer.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	ck, err := transformer.Init(c, 1).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	for i := range ck.Tensors {
		for j, values := 0, lidrtest.Values(t, ck.Tensors[i]); j < len(values); j++ {
			values[j] = float32((i*7+j*13)%199) / 1024
		}
	}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		if ck.Files[name], err = fs.ReadFile(fsys, name); err != nil {
			t.Fatal(err)
		}
	}
	return ck, tok
}

// A model of every family that is written and read again is the same.
func TestFamilies(t *testing.T) {
	for architecture := range published {
		t.Run(architecture, func(t *testing.T) {
			ck, tok := random(t, parse(t, architecture, nil))
			var b bytes.Buffer
			if err := Write(&b, ck, tok, "M1", "f32"); err != nil {
				t.Fatal(err)
			}
			metadata, _ := read(t, b.Bytes())
			if metadata["general.architecture"] != architecture {
				t.Errorf("the architecture is %v", metadata["general.architecture"])
			}
			got, err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
			if err != nil {
				t.Fatal(err)
			}
			sameWeights(t, ck, got)
			sameConfig(t, ck.Config, got.Config)
		})
	}
	tested := slices.Concat(slices.Collect(maps.Keys(published)), []string{"llama", "qwen2", "qwen3"}) // TestRoundTrip
	for architecture := range families {
		if !slices.Contains(tested, architecture) {
			t.Errorf("%s is in no test", architecture)
		}
	}
}

// What llama.cpp takes for granted of an architecture and a model has otherwise is not written.
func TestInexpressible(t *testing.T) {
	for want, test := range map[string]struct {
		architecture string
		changed      map[string]any
	}{
		"query_pre_attn_scalar 32": {"gemma3", map[string]any{"query_pre_attn_scalar": 32}},
		"final_logit_softcapping":  {"gemma3", map[string]any{"final_logit_softcapping": 30.0}},
		"every 6th layer":          {"gemma3", map[string]any{"layer_types": slices.Repeat([]string{"full_attention"}, 8)}},
		"attn_logit_softcapping":   {"gemma2", map[string]any{"attn_logit_softcapping": nil}},
		"no_rope_layers":           {"smollm3", map[string]any{"no_rope_layers": []int{1, 1, 1, 1, 1, 1, 1, 1}}},
		"attention_bias":           {"olmo2", map[string]any{"attention_bias": true}},
		"tie_word_embeddings":      {"cohere2", map[string]any{"tie_word_embeddings": false}},
		"sliding_window 64":        {"phi3", map[string]any{"sliding_window": 64}},
	} {
		ck, tok := random(t, parse(t, test.architecture, test.changed))
		if err := Write(io.Discard, ck, tok, "M1", "f32"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %s", test.architecture, err, want)
		}
	}
}
