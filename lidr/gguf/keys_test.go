package gguf

import (
	"bytes"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
)

// partsOfModel are the metadata and the tensors of a model of zeros, with the vocabulary of tiny.
func partsOfModel(t *testing.T, c checkpoint.Config) ([]pair, []tensor) {
	t.Helper()
	name, f, err := architectureOf(c)
	if err != nil {
		t.Fatal(err)
	}
	ck, want := &checkpoint.Checkpoint{Config: c}, checkpoint.ExpectedTensors(c)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		size := 1
		for _, d := range want[name] {
			size *= d
		}
		ck.Tensors = append(ck.Tensors, checkpoint.NewTensor(name, want[name], make([]float32, size)))
	}
	tensors, err := tensorsOf(ck, f, f32)
	if err != nil {
		t.Fatal(err)
	}
	pairs := append([]pair{{"general.architecture", name}}, hyperparameters(c, name, f)...)
	vocabulary, _ := tiny()
	for _, p := range vocabulary {
		if strings.HasPrefix(p.key, "tokenizer.") {
			pairs = append(pairs, p)
		}
	}
	return pairs, tensors
}

// Every key of an architecture's metadata counts: one of another type, or of a value that no model has, is an error or
// another configuration, and never as if it were not there.
func TestEveryKeyCounts(t *testing.T) {
	for architecture := range published {
		pairs, tensors := partsOfModel(t, parse(t, architecture, nil))
		data := fileOf(t, pairs, tensors)[len(headerBytes(pairs, tensors)):]
		readConfig := func(pairs []pair) (checkpoint.Config, error) {
			file := slices.Concat(headerBytes(pairs, tensors), data)
			h, err := readHeader(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				return checkpoint.Config{}, err
			}
			return h.configOf(architecture, families[architecture])
		}
		whole, err := readConfig(pairs)
		if err != nil {
			t.Fatalf("%s: %v", architecture, err)
		}
		for i, p := range pairs {
			if !strings.HasPrefix(p.key, architecture+".") || strings.HasSuffix(p.key, ".vocab_size") {
				continue // of the size, the embeddings tell
			}
			for _, value := range []any{"text", float32(math.NaN()), float32(-1), uint32(0), true, []int32{3, 4}} {
				changed := slices.Clone(pairs)
				changed[i].value = value
				got, err := readConfig(changed)
				if err == nil && reflect.DeepEqual(got, whole) || err != nil && strings.Contains(err.Error(), "\n") {
					t.Errorf("%s is %v in place of %v: %v, expected an error of one line, or another model", p.key, value,
						p.value, err)
				}
			}
		}
	}
}

// What llama.cpp takes where a key is missing is taken, or the key is asked for; the class of config.json may have
// another default.
func TestMissingKeys(t *testing.T) {
	for _, test := range []struct{ architecture, without, want string }{
		{"smollm3", "rope.freq_base", ""}, {"granite", "attention.scale", ""},
		{"gemma2", "context_length", `"gemma2.context_length" is missing`},
		{"granite", "logit_scale", `"granite.logit_scale" is missing`},
		{"command-r", "attention.layer_norm_epsilon", `layer_norm_epsilon" is missing`},
		{"phi3", "rope.scaling.original_context_length", `original_context_length" is missing`},
		{"phi3", longFactors, `tensor "rope_factors_long.weight" or`},
	} {
		pairs, tensors := partsOfModel(t, parse(t, test.architecture, nil))
		pairs = slices.DeleteFunc(pairs, func(p pair) bool { return p.key == test.architecture+"."+test.without })
		tensors = slices.DeleteFunc(tensors, func(t tensor) bool { return t.name == test.without })
		file := fileOf(t, pairs, tensors)
		ck, err := Read(bytes.NewReader(file), int64(len(file)))
		switch {
		case test.want != "":
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s without %s: %v, expected %s", test.architecture, test.without, err, test.want)
			}
		case err != nil:
			t.Errorf("%s without %s: %v", test.architecture, test.without, err)
		case test.architecture == "smollm3" && ck.Config.RopeTheta != 10000:
			t.Errorf("the rotary base is %g, expected 10000", ck.Config.RopeTheta)
		case test.architecture == "granite" && ck.Config.AttentionMultiplier != 0.25: // 1/√16
			t.Errorf("the factor of scores is %g, expected 0.25", ck.Config.AttentionMultiplier)
		}
	}
}
