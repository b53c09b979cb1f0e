package checkpoint

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

// Loading a folder takes no more memory than it has bytes, whatever its files say, and reads no files but its own.
func TestHostileFolder(t *testing.T) {
	weights := func(header string, data int) []byte {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		return append(append(b, header...), make([]byte, data)...)
	}
	length := func(n uint64) []byte { return append(binary.LittleEndian.AppendUint64(nil, n), "{}      "...) }
	config := `{"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":8,"num_hidden_layers":1,` +
		`"num_attention_heads":2,"num_key_value_heads":2,"intermediate_size":8,"vocab_size":16,"max_position_embeddings":16}`
	with := func(key, value string) string {
		at := strings.Index(config, `"`+key+`":`)
		rest := config[at:]
		return config[:at] + fmt.Sprintf("%q:%s", key, value) + rest[strings.IndexAny(rest, ",}"):]
	}
	for want, files := range map[string]map[string]string{
		"header of 18446744073709551615 bytes": {"model.safetensors": string(length(1<<64 - 1))},
		"header of 99999999 bytes":             {"model.safetensors": string(length(99_999_999))},
		"shape [1099511627776 1099511627776]": {
			"model.safetensors": string(
				weights(`{"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,4]}}`, 4)),
		},
		"needs 1099511627776": {
			"model.safetensors": string(weights(`{"a":{"dtype":"F32","shape":[274877906944],"data_offsets":[0,4]}}`, 4)),
		},
		"shape [-1]": {
			"model.safetensors": string(weights(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, 4)),
		},
		"lie outside": {
			"model.safetensors": string(weights(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775800,`+
				`9223372036854775804]}}`, 4)),
		},
		"without hole or overlap": {
			"model.safetensors": string(weights(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32",`+
				`"shape":[1],"data_offsets":[0,4]}}`, 4)),
		},
		"exceeded max depth": {
			"model.safetensors": string(weights(`{"__metadata__":`+strings.Repeat("[", 200_000), 0)),
		},
		"hidden_size is 9000000000000000000": {"config.json": with("hidden_size", "9000000000000000000")},
		"num_hidden_layers is 1000000000":    {"config.json": with("num_hidden_layers", "1000000000")},
		"vocab_size is -1":                   {"config.json": with("vocab_size", "-1")},
		"hidden_size is 1e99":                {"config.json": with("hidden_size", "1e99")},
		"is missing": {"config.json": with("num_hidden_layers", "4096"),
			"model.safetensors": string(weights(`{}`, 0))},
		`in "../secret.safetensors"`: {"model.safetensors.index.json": `{"weight_map":{"a":"../secret.safetensors"}}`},
		`in "/etc/passwd"`:           {"model.safetensors.index.json": `{"weight_map":{"a":"/etc/passwd"}}`},
		`in "..\\secret"`:            {"model.safetensors.index.json": `{"weight_map":{"a":"..\\secret"}}`},
		`in "sub/x.safetensors"`:     {"model.safetensors.index.json": `{"weight_map":{"a":"sub/x.safetensors"}}`},
		`in "C:x"`:                   {"model.safetensors.index.json": `{"weight_map":{"a":"C:x"}}`},
	} {
		folder := fstest.MapFS{"config.json": {Data: []byte(config)}}
		for name, content := range files {
			folder[name] = &fstest.MapFile{Data: []byte(content)}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Load(folder)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q", err, want)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > 64<<20 {
			t.Errorf("%s: %d MB were allocated for a folder of some KB", want, made>>20)
		}
	}
}

// Links may lead out of a folder, as in the hub's cache. Their targets are read as weights or refused, and no error
// shows a target's content.
func TestLinkToSecret(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("topsecret: a line that is no tensor"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "model.safetensors"} {
		path := filepath.Join(dir, name)
		if err := os.Symlink(secret, path); err != nil {
			t.Skip(err)
		}
		if _, err := Load(os.DirFS(dir)); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s linked to a file that is none: error %v", name, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		config := `{"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":8,"num_hidden_layers":1,` +
			`"num_attention_heads":2,"num_key_value_heads":2,"intermediate_size":8,"vocab_size":16,"max_position_embeddings":16}`
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A clone without its large files is told from a damaged model.
func TestPointersOfGitLFS(t *testing.T) {
	pointer := []byte("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
	for _, name := range []string{"config.json", "model.safetensors", "tokenizer.json"} {
		folder := t.TempDir()
		if err := Save(folder, small(t, qwen2), "F32"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), pointer, 0o644); err != nil {
			t.Fatal(err)
		}
		want := name + " is a pointer of Git LFS"
		if _, err := Load(os.DirFS(folder)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
		if _, err := WeightFiles(folder); name == "model.safetensors" && (err == nil ||
			!strings.Contains(err.Error(), want)) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}

// What is no model folder is said in words: a path that is nowhere, and a folder whose model is a GGUF file.
func TestLoadOfNoFolder(t *testing.T) {
	for want, folder := range map[string]fs.FS{
		"no such file or folder is there":            os.DirFS(filepath.Join(t.TempDir(), "none")),
		"the folder holds a.gguf, so name that file": fstest.MapFS{"a.gguf": {}},
	} {
		if _, err := Load(folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; expected %q", err, want)
		}
	}
}
