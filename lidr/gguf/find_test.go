package gguf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/tokenizer"
)

// putFile writes a file, with the folders above it.
func putFile(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A name means a file, a blob or a model of Ollama; what it has no right to be is an error that says what to do.
func TestFind(t *testing.T) {
	models := t.TempDir()
	t.Setenv("OLLAMA_MODELS", models)
	t.Chdir(t.TempDir())
	pairs, tensors := tiny()
	file := fileOf(t, pairs, tensors)
	sum := sha256.Sum256(file)
	hash := hex.EncodeToString(sum[:])
	blob := putFile(t, filepath.Join(models, "blobs", "sha256-"+hash), file)
	manifest := func(layers string) []byte {
		return fmt.Appendf(nil, `{"schemaVersion":2,"layers":[{"mediaType":"application/vnd.ollama.image.license",`+
			`"digest":"sha256:%064d"}%s]}`, 1, layers)
	}
	layer := func(kind, digest string) string {
		return fmt.Sprintf(`,{"mediaType":"application/vnd.ollama.image.%s","digest":"%s"}`, kind, digest)
	}
	for name, layers := range map[string]string{
		"library/tiny/latest": layer("model", "sha256:"+hash), "library/tiny/1b": layer("model", "sha256:"+hash),
		"anna/tiny/v1":      layer("model", "sha256:"+hash),
		"library/lora/1":    layer("model", "sha256:"+hash) + layer("adapter", "sha256:"+hash),
		"library/two/1":     layer("model", "sha256:"+hash) + layer("model", "sha256:"+hash),
		"library/out/1":     layer("model", "sha256:../../../x"),
		"library/gone/1":    layer("model", "sha256:"+strings.Repeat("a", 64)),
		"library/missing/1": "",
	} {
		putFile(t, filepath.Join(models, "manifests/registry.ollama.ai", name), manifest(layers))
	}
	putFile(t, filepath.Join(models, "manifests/registry.ollama.ai/library/odd/1"), []byte("{"))
	for _, tag := range []string{"latest", "Q4_0"} {
		putFile(t, filepath.Join(models, "manifests/hf.co/anna/tiny-GGUF", tag), manifest(layer("model", "sha256:"+hash)))
	}
	putFile(t, "model.gguf", file)
	putFile(t, "notes.txt", []byte("Dear diary"))
	putFile(t, "folder/config.json", []byte("{}"))
	for name, want := range map[string]string{
		"tiny": blob, "tiny:latest": blob, "tiny:1b": blob, "anna/tiny:v1": blob, blob: blob, "model.gguf": "model.gguf",
		"hf.co/anna/tiny-GGUF": blob, "hf.co/anna/tiny-GGUF:Q4_0": blob, "hf.co/anna/tiny-GGUF:Q8_0": "", "hf.co/tiny": "",
		"folder": "", "anna/tiny": "", "tiny:2b": "", "../tiny": "", "org/name@main": "", "none.gguf": "", "a:b:c": "",
	} {
		if got, err := Find(name); err != nil || got != want {
			t.Errorf("%s: %q, %v, expected %q", name, got, err, want)
		}
	}
	for name, want := range map[string]string{
		"notes.txt": "does not begin with GGUF", "lora:1": "has an adapter", "two:1": "expected one layer",
		"odd:1": "ollama pull",
		"out:1": "expected one layer", "gone:1": "no such file", "missing:1": "is not on this disk",
	} {
		if got, err := Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, expected %s", name, got, err, want)
		}
	}
}

// A split model is read by the name of any of its files, and a lost or foreign part is named.
func TestSplit(t *testing.T) {
	pairs, tensors := tiny()
	whole, _, err := Load(putFile(t, filepath.Join(t.TempDir(), "a.gguf"), fileOf(t, pairs, tensors)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := func(i int) string { return filepath.Join(dir, fmt.Sprintf("m-%05d-of-00002.gguf", i)) }
	split := func(pairs []pair, no int) []pair {
		return with(with(pairs, "split.no", uint32(no)), "split.count", uint32(2))
	}
	putFile(t, name(1), fileOf(t, split(pairs, 0), tensors[:3]))
	if _, _, err := Load(name(1)); err == nil || !strings.Contains(err.Error(), "m-00002-of-00002.gguf is not there") {
		t.Errorf("a part is missing: %v", err)
	}
	putFile(t, name(2), fileOf(t, split(nil, 1), tensors[3:]))
	for i := 1; i <= 2; i++ {
		ck, _, err := Load(name(i))
		if err != nil {
			t.Fatal(err)
		}
		if hashOfModel(t, ck) != hashOfModel(t, whole) {
			t.Errorf("part %d: another model than in one file", i)
		}
	}
	putFile(t, name(2), fileOf(t, split(nil, 0), tensors[3:]))
	if _, _, err := Load(name(1)); err == nil || !strings.Contains(err.Error(), "do not fit its name") {
		t.Errorf("a part of another model: %v", err)
	}
	putFile(t, name(2), fileOf(t, split(nil, 1), tensors[2:]))
	if _, _, err := Load(name(1)); err == nil || !strings.Contains(err.Error(), "is in another file too") {
		t.Errorf("a tensor twice: %v", err)
	}
	alone := putFile(t, filepath.Join(dir, "b.gguf"), fileOf(t, split(pairs, 0), tensors[:3]))
	if _, _, err := Load(alone); err == nil || !strings.Contains(err.Error(), "llama-gguf-split --merge") {
		t.Errorf("a part by another name: %v", err)
	}
}

// An imported folder is the model in bfloat16, with a card that names the file; a blob that is not what its name says
// is refused.
func TestImport(t *testing.T) {
	pairs, tensors := tiny()
	for i, data := 0, lidrtest.Values(t, tensors[0].data); i < len(data); i++ {
		data[i] = float32(i%64) / 8
	}
	pairs = append(pairs, pair{"general.name", "A | <b>tiny</b>\nmodel"}, pair{"general.license", "apache-2.0"})
	file := fileOf(t, pairs, tensors)
	sum := sha256.Sum256(file)
	hash := hex.EncodeToString(sum[:])
	dir := t.TempDir()
	blob := putFile(t, filepath.Join(dir, "sha256-"+hash), file)
	if err := Import(blob, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	folder := os.DirFS(filepath.Join(dir, "out"))
	got, err := checkpoint.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := Load(blob)
	if err != nil {
		t.Fatal(err)
	}
	sameWeights(t, want, got) // eighths are the same in bfloat16
	if _, err := tokenizer.Load(folder); err != nil {
		t.Error(err)
	}
	card := string(got.Files["README.md"])
	for _, part := range []string{"license: apache-2.0\n", "# A b tiny /b model\n", "F32 (11)", "| sha256-" + hash +
		" | " + hash} {
		if !strings.Contains(card, part) {
			t.Errorf("the card lacks %q:\n%s", part, card)
		}
	}
	if err := Import(blob, filepath.Join(dir, "out")); err != nil {
		t.Errorf("a second time: %v", err)
	}
	putFile(t, filepath.Join(dir, "out", "README.md"), []byte("# My own model"))
	if err := Import(blob, filepath.Join(dir, "out")); err == nil || !strings.Contains(err.Error(), "is not replaced") {
		t.Errorf("over another model: %v", err)
	}
	file[len(file)-1] = 1
	putFile(t, blob, file)
	if err := Import(blob, filepath.Join(dir, "changed")); err == nil ||
		!strings.Contains(err.Error(), "not that of its name") {
		t.Errorf("a changed blob: %v", err)
	}
}
