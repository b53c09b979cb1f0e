package checkpoint

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// small makes a checkpoint with the given configuration whose values are exact in every dtype.
func small(t testing.TB, config string) *Checkpoint {
	t.Helper()
	c, err := ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	ck := &Checkpoint{Config: c, Files: map[string][]byte{"tokenizer.json": []byte("{}"), "README.md": []byte("# card\n")}}
	want := ExpectedTensors(c)
	for i, name := range slices.Sorted(maps.Keys(want)) {
		n := 1
		for _, s := range want[name] {
			n *= s
		}
		data := make([]float32, n)
		for k := range data {
			data[k] = float32((k+i)%17-8) / 8
		}
		ck.Tensors = append(ck.Tensors, NewTensor(name, want[name], data))
	}
	return ck
}

const (
	sizes = `"hidden_size":8,"num_hidden_layers":2,"num_attention_heads":2,"num_key_value_heads":1,` +
		`"intermediate_size":12,"vocab_size":10,"max_position_embeddings":64`
	llama3 = `{"architectures":["LlamaForCausalLM"],"model_type":"llama",` + sizes +
		`,"head_dim":6,"rms_norm_eps":1e-5,"rope_theta":500000.0,"rope_scaling":{"factor":32.0,"low_freq_factor":1.0,` +
		`"high_freq_factor":4.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},"tie_word_embeddings":true,` +
		`"torch_dtype":"bfloat16","bos_token_id":1,"eos_token_id":[2,3],"mlp_bias":false,"use_cache":true}`
	qwen2 = `{"architectures":["Qwen2ForCausalLM"],"model_type":"qwen2",` + sizes +
		`,"rope_theta":1000000.0,"eos_token_id":4,"use_sliding_window":false,"sliding_window":32,"max_window_layers":21}`
	qwen3 = `{"architectures":["Qwen3ForCausalLM"],"model_type":"qwen3",` + sizes +
		`,"rope_parameters":{"rope_type":"default","rope_theta":1000000},"dtype":"float32","attention_bias":false,` +
		`"sliding_window":null,"layer_types":["full_attention","full_attention"]}`
	mistral = `{"architectures":["MistralForCausalLM"],"model_type":"mistral",` + sizes + `,"sliding_window":null}`
)

func TestParseConfig(t *testing.T) {
	base := Config{HiddenSize: 8, NumHiddenLayers: 2, NumAttentionHeads: 2, NumKeyValueHeads: 1, HeadDim: 4,
		IntermediateSize: 12, VocabSize: 10,
		MaxPositionEmbeddings: 64, RMSNormEps: 1e-6, RopeTheta: 10000, BOSTokenID: -1, TorchDType: "float32"}
	want := map[string]Config{}
	c := base
	c.Architectures, c.ModelType = []string{"LlamaForCausalLM"}, "llama"
	c.HeadDim, c.RMSNormEps, c.TieWordEmbeddings = 6, 1e-5, true
	c.RopeTheta, c.RopeScaling = 500000, &RopeScaling{RopeType: "llama3", Factor: 32, LowFreqFactor: 1,
		HighFreqFactor: 4, OriginalMaxPositionEmbeddings: 8192}
	c.BOSTokenID, c.EOSTokenIDs, c.TorchDType = 1, []int{2, 3}, "bfloat16"
	want[llama3] = c
	c = base
	c.Architectures, c.ModelType, c.RopeTheta, c.EOSTokenIDs = []string{"Qwen2ForCausalLM"}, "qwen2", 1e6, []int{4}
	want[qwen2] = c
	c = base
	c.Architectures, c.ModelType, c.RopeTheta, c.HeadDim = []string{"Qwen3ForCausalLM"}, "qwen3", 1e6, 128
	want[qwen3] = c
	c = base
	c.Architectures, c.ModelType = []string{"MistralForCausalLM"}, "mistral"
	want[mistral] = c
	for text, w := range want {
		got, err := ParseConfig([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	for name, c := range map[string]struct{ from, old, new, want string }{
		"architecture":    {llama3, "LlamaForCausalLM", "LlamaForSequenceClassification", "architectures"},
		"model":           {llama3, `"llama",`, `"gemma",`, `model_type "gemma"`},
		"rope":            {llama3, `"rope_type":"llama3"`, `"rope_type":"yarn"`, `"yarn"`},
		"rope key":        {llama3, `"rope_type"`, `"mscale":1,"rope_type"`, `rope_scaling: unknown key "mscale"`},
		"rope incomplete": {llama3, `"factor":32.0,`, ``, "incomplete"},
		"activation":      {llama3, `"use_cache":true`, `"hidden_act":"gelu"`, `hidden_act "gelu"`},
		"mlp bias":        {llama3, `"mlp_bias":false`, `"mlp_bias":true`, "mlp_bias"},
		"quantized": {llama3, `"use_cache":true`, `"quantization_config":{"bits":4}`,
			"quantization_config {\"bits\":4}: quantized weights are not read"},
		"attention bias": {mistral, `"sliding_window":null`, `"sliding_window":null,"attention_bias":true`,
			"attention_bias"},
		"mrope":     {qwen2, `"eos_token_id":4`, `"use_mrope":true`, "use_mrope"},
		"null head": {qwen3, `"attention_bias":false`, `"head_dim":null`, "head_dim is null"},
		"older yarn": {qwen2, `"eos_token_id":4`,
			`"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":32768}`, `rope_scaling type "yarn"`},
		"linear": {llama3, `"rope_type":"llama3"`, `"rope_type":"linear"`, `rope_scaling type "linear"`},
		"multi-modal rope": {qwen2, `"eos_token_id":4`, `"rope_scaling":{"type":"mrope","mrope_section":[16,24,24]}`,
			`rope_scaling type "mrope"`},
		"partial rotary": {llama3, `"use_cache":true`, `"partial_rotary_factor":0.5`, "partial_rotary_factor 0.5"},
		"softcap":        {llama3, `"use_cache":true`, `"final_logit_softcapping":30`, `"final_logit_softcapping"`},
		"heads":          {llama3, `"num_key_value_heads":1`, `"num_key_value_heads":3`, "multiple"},
		"type":           {llama3, `"hidden_size":8`, `"hidden_size":"8"`, "hidden_size"},
		"absurd":         {llama3, `"num_hidden_layers":2`, `"num_hidden_layers":2000000000`, "num_hidden_layers"},
		"missing":        {llama3, `"vocab_size":10,`, ``, "vocab_size is 0"},
		"eos":            {llama3, `[2,3]`, `[2,10]`, "eos_token_id is 10"},
		"sliding":        {llama3, `"use_cache":true`, `"use_sliding_window":true,"sliding_window":32`, "no sliding window"},
		"layer types":    {qwen3, `"full_attention"]`, `"sliding_attention"]`, "sliding_attention"},
		"no json":        {qwen2, `{`, ``, "config.json"},
		"unknown":        {llama3, `"use_cache":true`, `"residual_scale":0.5`, `unknown key "residual_scale" (0.5) may`},
		"two unknown": {llama3, `"use_cache":true`, `"b":[1],"a":{"c":"d"}`,
			`unknown keys "a" ({"c":"d"}), "b" ([1]) may`},
		"pruned": {llama3, `"use_cache":true`, `"pruned_heads":{"0":[1]}`, `"pruned_heads" ({"0":[1]})`},
		"layers": {llama3, `"use_cache":true`, `"per_layer_config":{"1":{}}`, `"per_layer_config"`},
		"mlx":    {llama3, `"use_cache":true`, `"quantization":{"bits":4}`, "quantized weights are not read"},
	} {
		text := strings.Replace(c.from, c.old, c.new, 1)
		if text == c.from {
			t.Fatalf("%s: nothing to replace", name)
		}
		if _, err := ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %q; expected one line with %q", name, err, c.want)
		}
	}
}

// Weights beyond a size are written as shards with an index and read as the same checkpoint; either form replaces the
// other.
func TestSaveShards(t *testing.T) {
	ck := small(t, llama3)
	dir := filepath.Join(t.TempDir(), "model")
	for _, limit := range []int{1 << 20, 600, 1, 1 << 20} {
		if err := save(dir, ck, "BF16", limit); err != nil {
			t.Fatal(err)
		}
		got, err := Load(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		if hashOf(t, got) != hashOf(t, ck) {
			t.Errorf("limit %d: another checkpoint", limit)
		}
		shards, err := filepath.Glob(filepath.Join(dir, "model-0*"))
		if err != nil {
			t.Fatal(err)
		}
		_, indexed := os.Stat(filepath.Join(dir, indexFile))
		if limit == 1<<20 {
			if len(shards) > 0 || indexed == nil {
				t.Errorf("limit %d: shards %v", limit, shards)
			}
			continue
		}
		total := 0
		for _, shard := range shards {
			tensors, _, err := readFile(os.DirFS(dir), filepath.Base(shard))
			if err != nil {
				t.Fatal(err)
			}
			size := 0
			for _, tensor := range tensors {
				size += 2 * tensor.Len()
			}
			if total += size; size > limit && len(tensors) > 1 {
				t.Errorf("limit %d: %s holds %d bytes of %d tensors", limit, shard, size, len(tensors))
			}
		}
		if limit == 1 && len(shards) != len(ck.Tensors) {
			t.Errorf("%d shards for %d tensors", len(shards), len(ck.Tensors))
		}
		var index struct {
			Metadata map[string]int
			Map      map[string]string `json:"weight_map"`
		}
		b, err := os.ReadFile(filepath.Join(dir, indexFile))
		if err == nil {
			err = json.Unmarshal(b, &index)
		}
		if err != nil || index.Metadata["total_size"] != total || len(index.Map) != len(ck.Tensors) {
			t.Errorf("limit %d: index %s (%v), expected %d bytes in all", limit, b, err, total)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	for _, config := range []string{llama3, qwen2, qwen3, mistral} {
		ck := small(t, config)
		dir := filepath.Join(t.TempDir(), "run", "model")
		for dtype, torch := range torchNames { // each replaces the one before
			if err := Save(dir, ck, dtype); err != nil {
				t.Fatal(err)
			}
			first := tree(t, filepath.Dir(dir))
			got, err := Load(os.DirFS(dir))
			if err != nil {
				t.Fatal(err)
			}
			want := *ck
			want.Config.TorchDType, got.Sources = torch, nil
			if diff := cmp.Diff(&want, got, sameTensors); diff != "" {
				t.Error(diff)
			}
			if hashOf(t, got) != hashOf(t, ck) {
				t.Error("the fingerprint changed on the way")
			}
			if err := Save(dir, got, dtype); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(first, tree(t, filepath.Dir(dir))); diff != "" {
				t.Errorf("saved again, differs: %s", diff)
			}
		}
	}
}

// tree returns the content of every file below dir.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFingerprintSeesEverything(t *testing.T) {
	seen := map[string]string{}
	for name, change := range map[string]func(*Checkpoint){
		"as it is":  func(*Checkpoint) {},
		"weight":    func(c *Checkpoint) { valuesOf(t, c.Tensors[3])[1] += 0x1p-20 },
		"config":    func(c *Checkpoint) { c.Config.RopeTheta++ },
		"tokenizer": func(c *Checkpoint) { c.Files["tokenizer.json"] = []byte("{ }") },
		"template":  func(c *Checkpoint) { c.Files["chat_template.jinja"] = nil },
	} {
		ck := small(t, llama3)
		change(ck)
		f := hashOf(t, ck)
		if other, ok := seen[f]; ok || len(f) != 64 {
			t.Errorf("%s and %s share the fingerprint %s", name, other, f)
		}
		seen[f] = name
	}
	ck := small(t, llama3)
	before := hashOf(t, ck)
	ck.Files["README.md"], ck.Config.TorchDType = nil, "float32"
	if hashOf(t, ck) != before {
		t.Error("the model card or the stored dtype counts")
	}
}

// folder returns a saved checkpoint as a map that a test can change.
func folder(t *testing.T, ck *Checkpoint) fstest.MapFS {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := Save(dir, ck, "F32"); err != nil {
		t.Fatal(err)
	}
	m := fstest.MapFS{}
	for name, s := range tree(t, dir) {
		m[name] = &fstest.MapFile{Data: []byte(s)}
	}
	return m
}

func weights(t *testing.T, tensors ...Tensor) *fstest.MapFile {
	t.Helper()
	var b bytes.Buffer
	if err := WriteSafetensors(&b, tensors, "F32", nil); err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: b.Bytes()}
}

func TestShardsAndTiedHead(t *testing.T) {
	ck := small(t, llama3)
	embed := *ck.Tensor("model.embed_tokens.weight")
	m := folder(t, ck)
	delete(m, weightsFile)
	// Two shards, one with the copy of the head and the table that older conversions store.
	half := len(ck.Tensors) / 2
	shards := [][]Tensor{ck.Tensors[:half:half], ck.Tensors[half:]}
	shards[0] = append(shards[0], NewTensor("lm_head.weight", embed.Shape, valuesOf(t, embed)),
		NewTensor("model.layers.0.self_attn.rotary_emb.inv_freq", []int{1}, []float32{1}))
	index := map[string]string{}
	for i, name := range []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"} {
		m[name] = weights(t, shards[i]...)
		for _, tensor := range shards[i] {
			index[tensor.Name] = name
		}
	}
	put := func() {
		b, err := json.Marshal(map[string]any{"weight_map": index})
		if err != nil {
			t.Fatal(err)
		}
		m[indexFile] = &fstest.MapFile{Data: b}
	}
	put()
	got, err := Load(m)
	if err != nil {
		t.Fatal(err)
	}
	if hashOf(t, got) != hashOf(t, ck) {
		t.Error("shards give another checkpoint")
	}
	for name, c := range map[string]struct {
		change func()
		want   string
	}{
		"wrong shard": {func() { index["model.norm.weight"] = "model-00001-of-00002.safetensors" },
			`"model.norm.weight" is not listed`},
		"not there": {
			func() { delete(index, "model.norm.weight"); index["model.extra"] = "model-00001-of-00002.safetensors" }, "model.",
		},
		"path": {func() { index["model.norm.weight"] = "../x.safetensors" }, "without a path"},
	} {
		kept := maps.Clone(index)
		c.change()
		put()
		if _, err := Load(m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; expected %q", name, err, c.want)
		}
		index = kept
	}
	shards[0][half] = NewTensor("lm_head.weight", embed.Shape, make([]float32, embed.Len()))
	m["model-00001-of-00002.safetensors"] = weights(t, shards[0]...)
	put()
	if _, err := Load(m); err == nil || !strings.Contains(err.Error(), "tie_word_embeddings") {
		t.Errorf("a head of its own beside a tied one: error %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m fstest.MapFS, tensors []Tensor)
		want   string
	}{
		"missing tensor": {func(m fstest.MapFS, ts []Tensor) { m[weightsFile] = weights(t, ts[1:]...) },
			`tensor "lm_head.weight" is missing`},
		"extra tensor": {func(m fstest.MapFS, ts []Tensor) {
			m[weightsFile] = weights(t, append(ts, NewTensor("x", nil, []float32{1}))...)
		}, `tensor "x"`},
		"wrong shape": {func(m fstest.MapFS, ts []Tensor) {
			ts[0].Shape = []int{8, 10}
			m[weightsFile] = weights(t, ts...)
		}, `"lm_head.weight" has shape [8 10]; config.json calls for [10 8]`},
		"cut":        {func(m fstest.MapFS, _ []Tensor) { m[weightsFile].Data = m[weightsFile].Data[:3000] }, weightsFile},
		"no weights": {func(m fstest.MapFS, _ []Tensor) { delete(m, weightsFile) }, "neither"},
		"no config":  {func(m fstest.MapFS, _ []Tensor) { delete(m, "config.json") }, "config.json is missing"},
	} {
		ck := small(t, qwen2)
		m := folder(t, ck)
		c.change(m, ck.Tensors)
		if _, err := Load(m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; expected %q", name, err, c.want)
		}
	}
}

func TestSaveLeavesNoHalves(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "model")
	ck := small(t, llama3)
	if err := Save(dir, ck, "F32"); err != nil {
		t.Fatal(err)
	}
	before := tree(t, parent)
	valuesOf(t, ck.Tensors[len(ck.Tensors)-1])[0] = 1e6 // fails at the last tensor of the file
	if err := Save(dir, ck, "F16"); err == nil {
		t.Fatal("1e6 was written as F16")
	}
	ck = small(t, llama3)
	ck.Files["../escape"] = nil
	if err := Save(dir, ck, "F32"); err == nil {
		t.Fatal("a file with a path was written")
	}
	if diff := cmp.Diff(before, tree(t, parent)); diff != "" {
		t.Errorf("a failed Save changed files: %s", diff)
	}
	// A folder that is no checkpoint is not replaced.
	mine := filepath.Join(parent, "mine")
	if err := os.Mkdir(mine, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(mine, "diary.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := Save(mine, small(t, llama3), "F32"); err == nil || !strings.Contains(err.Error(), "is not replaced") {
		t.Errorf("error %v; expected a refusal", err)
	}
}

// An accepted configuration survives being written and read.
func FuzzParseConfig(f *testing.F) {
	for _, s := range append(slices.Collect(maps.Values(published)), llama3, qwen2, qwen3, mistral) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseConfig(b)
		if err != nil {
			return
		}
		text, err := c.encode(c.TorchDType)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseConfig(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.EOSTokenIDs) == 0 { // an empty list is written as null
			c.EOSTokenIDs = nil
		}
		if diff := cmp.Diff(c, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

// sameTensors compares tensors by their values, in whatever type they are stored.
var sameTensors = cmp.Comparer(func(a, b Tensor) bool {
	same, err := sameValues(a, b)
	return err == nil && same && a.Name == b.Name && slices.Equal(a.Shape, b.Shape)
})

// valuesOf returns a tensor's values, which are its own memory where it was made here.
func valuesOf(t testing.TB, tensor Tensor) []float32 {
	t.Helper()
	values, err := tensor.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func hashOf(t testing.TB, c *Checkpoint) string {
	t.Helper()
	hash, err := c.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
