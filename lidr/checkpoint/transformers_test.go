package checkpoint

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"lidrlab/lidr/tokenizer"
)

// Folders that transformers of five versions saved load: configuration, weights and tokenizer.
// testdata/transformers/configs.py wrote them.
func TestFoldersOfTransformers(t *testing.T) {
	const root = "testdata/transformers"
	versions := []string{"4.44.2", "4.51.3", "4.57.3", "5.0.0", "5.23.0"}
	count := 0
	for _, version := range versions {
		configs, err := filepath.Glob(filepath.Join(root, version, "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range configs {
			family := strings.TrimSuffix(filepath.Base(path), ".json")
			count++
			t.Run(version+"/"+family, func(t *testing.T) {
				folder := savedFolder(t, path)
				ck, err := Load(folder)
				if err != nil {
					t.Fatal(err)
				}
				c := ck.Config
				if c.TorchDType != "bfloat16" || c.BOSTokenID != 0 || !slices.Equal(c.EOSTokenIDs, []int{1}) {
					t.Errorf("the configuration is %+v", c)
				}
				tok, err := tokenizer.Load(folder)
				if err != nil {
					t.Fatal(err)
				}
				if got := tok.Decode(tok.Encode("the cat")); got != "the cat" {
					t.Errorf("the tokenizer reads %q", got)
				}
				const want = "<|user|>Hello<|end|><|assistant|>"
				got, err := tok.RenderChat([]tokenizer.Message{{Role: "user", Content: "Hello"}}, true)
				if err != nil || got != want {
					t.Errorf("the chat is %q (%v), expected %q", got, err, want)
				}
			})
		}
	}
	if count != 63 {
		t.Errorf("%d folders were read, expected the 63 of %v", count, versions)
	}
}

// savedFolder returns a saved model's folder around a config.json: weights of its shapes, and the version's tokenizer.
func savedFolder(t *testing.T, path string) fs.FS {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config, err := ParseConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	var tensors []Tensor
	want := ExpectedTensors(config)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		n := 1
		for _, size := range want[name] {
			n *= size
		}
		tensors = append(tensors, NewTensor(name, want[name], make([]float32, n)))
	}
	folder := fstest.MapFS{"config.json": {Data: data}, weightsFile: weights(t, tensors...)}
	for name := range companions {
		data, err := os.ReadFile(filepath.Join(filepath.Dir(path), "tokenizer", name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		folder[name] = &fstest.MapFile{Data: data}
	}
	return folder
}
