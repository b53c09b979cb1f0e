package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func adapterConfigFor() Config {
	return Config{
		Architectures: []string{"LlamaForCausalLM"}, ModelType: "llama", HiddenSize: 4, NumHiddenLayers: 1,
		NumAttentionHeads: 2, NumKeyValueHeads: 1, HeadDim: 2, IntermediateSize: 6, VocabSize: 5,
		MaxPositionEmbeddings: 8, RMSNormEps: 1e-5, RopeTheta: 1e4, TieWordEmbeddings: true, BOSTokenID: -1,
	}
}

func smallAdapter() *Adapter {
	a := &Adapter{Base: "base", Rank: 2, Alpha: 3, Targets: []string{"down_proj", "k_proj"}}
	shapes := a.ExpectedTensors(adapterConfigFor())
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		t := NewTensor(name, shapes[name], make([]float32, shapes[name][0]*shapes[name][1]))
		for i := range t.Len() {
			binary.LittleEndian.PutUint32(t.raw[4*i:], math.Float32bits(float32(i)-1.5))
		}
		a.Tensors = append(a.Tensors, t)
	}
	return a
}

// Names and keys are those of PEFT's documentation ("PEFT checkpoint format"), for LoraConfig(r=2, lora_alpha=3,
// target_modules=["k_proj", "down_proj"]) on a Llama of these sizes.
func TestAdapterFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "adapter")
	want := smallAdapter()
	if err := SaveAdapter(dir, want); err != nil {
		t.Fatal(err)
	}
	shapes := map[string][]int{}
	data, err := os.ReadFile(filepath.Join(dir, "adapter_model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	tensors, metadata, err := ReadSafetensors(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range tensors {
		shapes[tensor.Name] = tensor.Shape
	}
	if diff := cmp.Diff(map[string][]int{
		"base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight": {2, 4},
		"base_model.model.model.layers.0.self_attn.k_proj.lora_B.weight": {2, 2},
		"base_model.model.model.layers.0.mlp.down_proj.lora_A.weight":    {2, 6},
		"base_model.model.model.layers.0.mlp.down_proj.lora_B.weight":    {4, 2},
	}, shapes); diff != "" || metadata["format"] != "pt" {
		t.Errorf("metadata %v, tensors (-PEFT +got):\n%s", metadata, diff)
	}
	var config map[string]any
	text, err := os.ReadFile(filepath.Join(dir, "adapter_config.json"))
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]any{
		"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "base", "r": 2.0, "lora_alpha": 3.0,
		"bias": "none", "lora_dropout": 0.0, "fan_in_fan_out": false, "target_modules": []any{"down_proj", "k_proj"},
	} {
		if diff := cmp.Diff(value, config[key]); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
	got, err := LoadAdapter(os.DirFS(dir), adapterConfigFor())
	if diff := cmp.Diff(want, got, sameTensors); diff != "" || err != nil {
		t.Errorf("error %v, loaded adapter (-saved +loaded):\n%s", err, diff)
	}
}

// Two elements of W + (alpha/r)·B·A, worked by hand: A of k_proj is [-1.5 -0.5 0.5 1.5; 2.5 3.5 4.5 5.5], B is
// [-1.5 -0.5; 0.5 1.5], the scale 1.5.
func TestAdapterMerge(t *testing.T) {
	c, a := &Checkpoint{Config: adapterConfigFor()}, smallAdapter()
	shapes := ExpectedTensors(c.Config)
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		size := 1
		for _, d := range shapes[name] {
			size *= d
		}
		c.Tensors = append(c.Tensors, NewTensor(name, shapes[name], slices.Repeat([]float32{10}, size)))
	}
	before := hashOf(t, c)
	merged, err := a.Merge(c)
	if err != nil {
		t.Fatal(err)
	}
	if hashOf(t, c) != before {
		t.Error("merging changed the base")
	}
	k := valuesOf(t, *merged.Tensor("model.layers.0.self_attn.k_proj.weight"))
	if first, last := float32(10+1.5*(1.5*1.5-0.5*2.5)), float32(10+1.5*(0.5*1.5+1.5*5.5)); k[0] != first || k[7] != last {
		t.Errorf("merged k_proj is %v, expected %g first and %g last", k, first, last)
	}
	for _, w := range merged.Tensors {
		same := slices.Equal(valuesOf(t, w), valuesOf(t, *c.Tensor(w.Name)))
		if target := strings.Contains(w.Name, "k_proj") || strings.Contains(w.Name, "down_proj"); same == target {
			t.Errorf("%s is unchanged: %v", w.Name, same)
		}
	}
}

// A merged matrix that is read in parts, which begin within its rows, has the values of the formula, summed in the
// order of the ranks, to the bit, also over an adapter below it, and the hash of one that is stored.
func TestMergeInParts(t *testing.T) {
	const out, in = 200, 1000
	noise := rand.New(rand.NewPCG(1, 2))
	values := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = noise.Float32() - 0.5
		}
		return v
	}
	matrix := values(out * in)
	merged, want := NewTensor("w", []int{out, in}, matrix), slices.Clone(matrix)
	for _, rank := range []int{6, 3} {
		l := &lowRank{matrix: merged, a: values(rank * in), b: values(out * rank), rank: rank, scale: 0.75}
		merged = Tensor{Name: "w", Shape: []int{out, in}, Type: computed, sum: l}
		for i := range want {
			for r := range rank {
				want[i] += l.scale * l.b[i/in*rank+r] * l.a[r*in+i%in]
			}
		}
	}
	got, err := merged.Float32s()
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("all at once: %v; equal %v", err, slices.Equal(got, want))
	}
	parts := 0
	err = merged.Each(func(from int, part []float32) error {
		if parts++; !slices.Equal(part, want[from:from+len(part)]) {
			t.Errorf("the part from %d on differs", from)
		}
		return nil
	})
	if err != nil || parts < 2 {
		t.Errorf("%d parts, %v", parts, err)
	}
	one := Checkpoint{Tensors: []Tensor{merged}}
	hash, err := one.Hash()
	one.Tensors[0] = NewTensor("w", []int{out, in}, want)
	if stored, failed := one.Hash(); err != nil || failed != nil || hash != stored {
		t.Errorf("hashes %s and %s, %v, %v", hash, stored, err, failed)
	}
}

func TestBadAdapters(t *testing.T) {
	dir := t.TempDir()
	if err := SaveAdapter(dir, smallAdapter()); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(dir, AdapterConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	weights, err := os.ReadFile(filepath.Join(dir, AdapterWeightsFile))
	if err != nil {
		t.Fatal(err)
	}
	edited := func(old, new string) []byte {
		if !bytes.Contains(config, []byte(old)) {
			t.Fatalf("the configuration has no %s", old)
		}
		return bytes.Replace(config, []byte(old), []byte(new), 1)
	}
	damaged := func(damage func(a *Adapter)) []byte {
		a, folder := smallAdapter(), t.TempDir()
		damage(a)
		if err := SaveAdapter(folder, a); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(folder, AdapterWeightsFile))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for want, files := range map[string][2][]byte{
		"adapter_config.json is missing": {nil, weights},
		"adapter_model.bin is not read":  {config, nil},
		"peft_type is IA3":               {edited(`"LORA"`, `"IA3"`), weights},
		`key "use_dora" is true`:         {edited(`"use_dora": false`, `"use_dora": true`), weights},
		`key "use_rslora" is true`:       {edited(`"use_rslora": false`, `"use_rslora": true`), weights},
		`key "bias" is all`:              {edited(`"none"`, `"all"`), weights},
		`key "init_lora_weights" is pissa`: {
			edited(`"init_lora_weights": true`, `"init_lora_weights": "pissa"`), weights,
		},
		`key "rank_pattern" is map[k_proj:4]`: {edited(`"rank_pattern": {}`, `"rank_pattern": {"k_proj": 4}`),
			weights},
		`key "new_variant" is true`:    {edited(`{`, `{"new_variant": true,`), weights},
		`target_modules has "lm_head"`: {edited(`"k_proj"`, `"lm_head"`), weights},
		"target_modules is all-linear, expected a list": {
			bytes.Replace(edited(`"down_proj",`, ``), []byte("[\n    \n    \"k_proj\"\n  ]"), []byte(`"all-linear"`), 1),
			weights,
		},
		"r is 0, expected 1 to 6":                     {edited(`"r": 2`, `"r": 0`), weights},
		`k_proj.lora_B.weight" is missing (1 missing`: {config, damaged(func(a *Adapter) { a.Tensors = a.Tensors[:3] })},
		`k_proj.lora_A.weight" has shape [4 2], expected`: {
			config, damaged(func(a *Adapter) { a.Tensors[2].Shape = []int{4, 2} }),
		},
		`layers.7.lora_A.weight" does not belong`: {
			config, damaged(func(a *Adapter) { a.Tensors[3].Name = "z.layers.7.lora_A.weight" }),
		},
		"are too few for a safetensors file": {config, []byte("x")},
	} {
		folder := fstest.MapFS{}
		for i, name := range []string{AdapterConfigFile, AdapterWeightsFile} {
			if files[i] != nil {
				folder[name] = &fstest.MapFile{Data: files[i]}
			}
		}
		if _, err := LoadAdapter(folder, adapterConfigFor()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, expected one with %q", err, want)
		}
	}
}

func FuzzAdapterConfig(f *testing.F) {
	f.Add([]byte(`{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"], "bias": "none"}`))
	f.Add([]byte(`{"peft_type": "LORA", "target_modules": [1], "layers_to_transform": []}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if a, err := parseAdapterConfig(text); err == nil && a.Check(adapterConfigFor()) == nil {
			t.Error("an adapter without tensors fits a model")
		}
	})
}
