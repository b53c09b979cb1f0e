package lidr

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/transformer"
)

// A model is exported as a file that is named after it, with a Modelfile that names that file, and the same again.
func TestExportGGUF(t *testing.T) {
	m, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	var files [2][]byte
	for i := range files {
		folder := t.TempDir()
		path, err := ExportGGUF(m, folder, "q8_0")
		if err != nil {
			t.Fatal(err)
		}
		if files[i], err = os.ReadFile(path); err != nil || path != filepath.Join(folder, "miniature-q8_0.gguf") {
			t.Errorf("path %s: %v", path, err)
		}
		modelfile, err := os.ReadFile(filepath.Join(folder, "Modelfile"))
		if err != nil || !strings.Contains(string(modelfile), "\nFROM ./miniature-q8_0.gguf\n") {
			t.Errorf("%v, or no FROM in\n%s", err, modelfile)
		}
	}
	if !bytes.HasPrefix(files[0], []byte("GGUF\x03")) || !bytes.Equal(files[0], files[1]) {
		t.Error("it is no GGUF file, or two files of one model differ")
	}

	folder := t.TempDir()
	if _, err := ExportGGUF(m, folder, "q4_0"); err == nil ||
		!strings.Contains(err.Error(), "expected f32, f16, bf16 or q8_0") {
		t.Errorf("an unknown type: %v", err)
	}
	if _, err := ExportGGUF(UseModel("http://localhost", m.lm), folder, "f32"); err == nil ||
		!strings.Contains(err.Error(), "LoadModel") {
		t.Errorf("a model behind a server: %v", err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("failed exports leave %v, %v", left, err)
	}
}

// An adapter that leads back to itself, alone or by others, is an error and no endless loading.
func TestAdapterOfItself(t *testing.T) {
	root := t.TempDir()
	folder := func(name, base string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		config := fmt.Sprintf(`{"peft_type": "LORA", "base_model_name_or_path": %q, "r": 4, "lora_alpha": 8, `+
			`"target_modules": ["q_proj"]}`, base)
		if err := os.WriteFile(filepath.Join(path, "adapter_config.json"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	folder("there", "../back")
	for i := range 100 {
		folder(fmt.Sprint("chain", i), fmt.Sprint("../chain", i+1))
	}
	for _, path := range []string{
		folder("itself", "../itself"), folder("absolute", filepath.Join(root, "absolute")), folder("back", "../there"),
		filepath.Join(root, "chain0"),
	} {
		if _, err := LoadModel(path); err == nil || !strings.Contains(err.Error(), "lead back to one of them") ||
			len(err.Error()) > 300 {
			t.Errorf("%s: %v, expected an error about its base", path, err)
		}
	}
	if _, err := LoadModel(folder("two", "../chain99")); err == nil ||
		!strings.Contains(err.Error(), "chain100 is no folder and no file here") ||
		!strings.Contains(err.Error(), "the base of the adapter in "+filepath.Join(root, "two")) {
		t.Errorf("two adapters on nothing: %v", err)
	}
}

// The title is what people call the model: its folder, or in a run folder the round.
func TestTitle(t *testing.T) {
	for path, want := range map[string]string{"miniature": "miniature", "models/Llama-3.2-1B/": "Llama-3.2-1B",
		"runs/demo/M1/model": "M1"} {
		if got, err := (&Model{Path: path}).title(); err != nil || got != want {
			t.Errorf("%s: %q, %v, expected %q", path, got, err, want)
		}
	}
}

// A run on a model that computes in fewer bits knows it as the model that it is made of, and its trained models compute
// alike, with the last round's adapter beside the weights that the round started from.
func TestQuantizedRun(t *testing.T) {
	s, ctx := smallMiniature(), context.Background()
	s.Train.LoRA, s.Train.LR, s.Rounds = LoRASettings{Rank: 4, Alpha: 8}, 1e-3, 2
	run, m0 := openTest(t, s)
	if err := run.Enter(m0); err != nil {
		t.Fatal(err)
	}
	coarse, err := m0.Quantized("q8")
	if err != nil {
		t.Fatal(err)
	}
	if coarse.Fingerprint() == m0.Fingerprint() || coarse.known() != m0.known() {
		t.Errorf("the fingerprints are %s and %s, and the run knows %s", m0.Fingerprint(), coarse.Fingerprint(),
			coarse.known())
	}
	m2, _, err := iterate(ctx, run, coarse)
	if err != nil {
		t.Fatal(err)
	}
	var below [3]*checkpoint.Checkpoint
	for round := range below {
		loaded, err := run.Model(modelName(round))
		if err != nil {
			t.Fatal(err)
		}
		below[round] = loaded.checkpoint
		if round == 2 && (m2.known() != loaded.known() || m2.Fingerprint() == loaded.Fingerprint()) {
			t.Errorf("M2 is %s of %s, and run.Model's is %s", m2.Fingerprint(), m2.known(), loaded.Fingerprint())
		}
	}
	adapter, err := m2.weights.Adapter()
	if err != nil || adapter == nil || m2.weights.Quantization != "q8" {
		t.Errorf("M2 computes as %q with the adapter %v; %v", m2.weights.Quantization, adapter, err)
	}
	for round, m := range []*Model{coarse, m2} {
		base, err := m.weights.Base()
		if err != nil {
			t.Fatal(err)
		}
		got, _ := base.Hash()
		if want, err := below[round].Hash(); err != nil || got != want {
			t.Errorf("%s computes with the weights %s, expected those of %s, %s; %v", m.Name(), got, modelName(round), want,
				err)
		}
	}
	once, err := adapter.Merge(m0.checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := adapter.Merge(once)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transformer.NewQuantized(twice, m0.engine, "q8"); err != nil {
		t.Errorf("an adapter on an adapter: %v", err)
	}
	s.Train.LoRA, s.Rounds = LoRASettings{}, 1
	whole, _ := openTest(t, s)
	if m1, _, err := iterate(ctx, whole, coarse); err != nil || m1.weights.Quantization != "q8" {
		t.Errorf("all weights trained, M1 is %v; %v", m1, err)
	}
	record, err := run.readRecord()
	if err != nil || record.Quantized != "q8" {
		t.Errorf("run.json says %q; %v", record.Quantized, err)
	}
}
