package transformer

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	. "github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"lidrlab/lidr/checkpoint"
)

// savedAs returns what is loaded of a checkpoint that was saved, and its file of weights.
func savedAs(t *testing.T, ck *checkpoint.Checkpoint, dtype string) (*checkpoint.Checkpoint, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if ck.Config.Architectures == nil {
		ck.Config.Architectures = []string{"LlamaForCausalLM"}
	}
	if err := checkpoint.Save(dir, ck, dtype); err != nil {
		t.Fatal(err)
	}
	stored, err := checkpoint.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return stored, filepath.Join(dir, "model.safetensors")
}

// Weights that are read where they are stored give the bits of the same weights widened beforehand, in every type:
// log-probabilities, gradients of an adapter, and decoding, but for keys and values in bfloat16.
func TestStored(t *testing.T) {
	b := backends(t)[0]
	for variant, config := range variants(t) {
		ck, err := hashed(t, config).Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		dtypes := []string{"BF16", "F16"}
		if variant == "tiny" {
			dtypes = append(dtypes, "F32")
		}
		for _, dtype := range dtypes {
			ck, _ := savedAs(t, ck, dtype)
			stored, err := NewStored(ck, b)
			if err != nil {
				t.Fatal(err)
			}
			widened, err := New(ck)
			if err != nil {
				t.Fatal(err)
			}
			want := gradients(t, b, withHashedAdapter(t, widened), batch(3, 17, 67))
			for i, got := range gradients(t, b, withHashedAdapter(t, stored), batch(3, 17, 67)) {
				if !slices.Equal(got, want[i]) {
					t.Errorf("%s %s: result %d differs from that of widened weights", variant, dtype, i)
				}
			}
			if stored.CacheType() != widened.CacheType() {
				continue
			}
			prompts := [][]int32{{5}, {7, 11, 13, 2, 3}}
			decoded := decodeGreedy(t, b, stored, prompts, 8, 32, 8)
			if !slices.EqualFunc(decoded, decodeGreedy(t, b, widened, prompts, 8, 32, 8), slices.Equal) {
				t.Errorf("%s %s: greedy continuations differ from those of widened weights", variant, dtype)
			}
		}
	}
}

// large has 25 million parameters, most of them in matrices.
func large() checkpoint.Config {
	c := tiny()
	c.HiddenSize, c.IntermediateSize, c.VocabSize, c.NumHiddenLayers = 512, 2048, 8192, 5
	c.NumAttentionHeads, c.NumKeyValueHeads, c.HeadDim = 8, 8, 64
	return c
}

// Loading a model in half precision, hashing it and computing with it takes little memory beside the file's: a fifth of
// it in all, whatever is freed in between. What is trained is a copy.
func TestStoredWeightsTakeNoMemory(t *testing.T) {
	b := backends(t)[0]
	ck, err := Init(large(), 1).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	_, path := savedAs(t, ck, "BF16")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if ck, err = checkpoint.Load(os.DirFS(filepath.Dir(path))); err != nil {
		t.Fatal(err)
	}
	if _, err := ck.Hash(); err != nil {
		t.Fatal(err)
	}
	m, err := NewStored(ck, b)
	if err != nil {
		t.Fatal(err)
	}
	exec := model.MustNewExec(b, m.Store, func(scope *model.Scope, tokens *Node) *Node {
		return m.TokenLogprobs(scope, tokens)
	})
	logprobs := func() ([]float32, error) {
		out, err := exec.Call(batch(1, 9, 8192))
		if err != nil {
			return nil, err
		}
		return tensors.CopyFlatData[float32](out[0])
	}
	got, err := logprobs()
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if taken := int64(after.TotalAlloc - before.TotalAlloc); taken > info.Size()/5 && filepath.Separator == '/' {
		t.Errorf("%d bytes were allocated for a model of %d", taken, info.Size())
	}
	if math.IsNaN(float64(got[0])) {
		t.Error("the model computes no numbers")
	}
	if _, err := m.Trained(); err == nil {
		t.Error("the weights of a file can be trained")
	}
	copied, err := m.Clone()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := copied.Trained(); err != nil {
		t.Error(err)
	}
	// A file that is cut while it is in use is an error.
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	if _, err := logprobs(); filepath.Separator == '/' && (err == nil || !strings.Contains(err.Error(), path)) {
		t.Errorf("error %v", err)
	}
}

// Weights that are read once, to be copied, rounded, hashed or merged, do not stay in memory as their file's pages.
func TestReadWeightsLeave(t *testing.T) {
	if _, err := os.Stat("/proc/self/smaps"); err != nil {
		t.Skip("the system does not say what a process holds of a file")
	}
	config := tiny()
	config.VocabSize = 1 << 16 // 8 MB, of which a chunk is a small part
	source, err := Init(config, 1).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	ck, file := savedAs(t, source, "F32")
	b := backends(t)[0]
	adapter, err := InitAdapter(config, 4, 8, []string{"q_proj"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	resident := func() (kB int) {
		maps, err := os.ReadFile("/proc/self/smaps")
		if err != nil {
			t.Fatal(err)
		}
		_, mapping, found := strings.Cut(string(maps), file+"\n")
		if _, size, ok := strings.Cut(mapping, "\nRss:"); !found || !ok {
			t.Fatalf("%s is not mapped", file)
		} else if _, err := fmt.Sscan(size, &kB); err != nil {
			t.Fatal(err)
		}
		return kB
	}
	for name, read := range map[string]func() error{
		"float32":  func() error { _, err := New(ck); return err },
		"bfloat16": func() error { _, err := NewBFloat16(ck, b); return err },
		"q8":       func() error { _, err := NewQuantized(ck, b, "q8"); return err },
		"hash":     func() error { _, err := ck.Hash(); return err },
		"merge": func() error {
			merged, err := adapter.Merge(ck)
			if err != nil {
				return err
			}
			return checkpoint.Save(filepath.Join(t.TempDir(), "merged"), merged, "F32")
		},
	} {
		if err := read(); err != nil {
			t.Fatal(err)
		}
		if kB := resident(); kB > 800 {
			t.Errorf("%s: %d kB of the file are still in memory", name, kB)
		}
	}
}
