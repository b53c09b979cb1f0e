package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// saved writes a checkpoint, an hour ago as its files say.
func saved(t *testing.T, dtype string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := Save(dir, small(t, qwen3), dtype); err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, weightsFile), before, before); err != nil {
		t.Fatal(err)
	}
	return dir
}

func loaded(t *testing.T, dir string) *Checkpoint {
	t.Helper()
	ck, err := Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	ck.Remember = true
	return ck
}

// A checkpoint is the same, in the type that it is stored in, whether its file is mapped, streamed from an archive, or
// left at an odd place by a writer that does not align.
func TestMappedStreamedAndUnaligned(t *testing.T) {
	for name, stored := range map[string]*Type{"F32": F32, "F16": F16, "BF16": BF16} {
		dir := saved(t, name)
		mapped := loaded(t, dir)
		var archive bytes.Buffer
		z := zip.NewWriter(&archive)
		if err := z.AddFS(os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		files, err := zip.NewReader(bytes.NewReader(archive.Bytes()), int64(archive.Len()))
		if err != nil {
			t.Fatal(err)
		}
		streamed, err := Load(files)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, weightsFile))
		if err != nil {
			t.Fatal(err)
		}
		length := int(binary.LittleEndian.Uint64(data))
		odd := bytes.TrimRight(data[8:8+length], " ")
		if len(odd)%2 == 0 {
			odd = append(bytes.Clone(odd), ' ')
		}
		other := saved(t, name)
		moved := file(string(odd), string(data[8+length:]))
		if err := os.WriteFile(filepath.Join(other, weightsFile), moved, 0o644); err != nil {
			t.Fatal(err)
		}
		unaligned := loaded(t, other)
		for i, want := range mapped.Tensors {
			raw, _ := want.Raw()
			for how, ck := range map[string]*Checkpoint{"streamed": streamed, "unaligned": unaligned} {
				if got := ck.Tensors[i]; got.Type != stored || want.Type != stored || !bytes.Equal(got.raw, raw) {
					t.Errorf("%s %s: %s is of type %s, or other values", name, how, got.Name, got.Type.Name)
				}
			}
		}
		if want := hashOf(t, small(t, qwen3)); hashOf(t, mapped) != want || hashOf(t, streamed) != want ||
			hashOf(t, unaligned) != want {
			t.Errorf("%s: the fingerprint depends on how the weights are read", name)
		}
	}
}

// A fingerprint is remembered of the very files that were hashed: not of those at another path, of another size, time
// or inode, nor beside another tokenizer, and not from a damaged cache.
func TestFingerprintIsRemembered(t *testing.T) {
	defer func(size int) { worthwhile = size }(worthwhile)
	worthwhile = 0
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	t.Setenv("LocalAppData", cache)
	fingerprint := func(ck *Checkpoint) string {
		t.Helper()
		f, err := ck.Fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	// forge puts another fingerprint into the memory of a checkpoint, so that it shows whether it is remembered.
	forged := strings.Repeat("f", 64)
	forge := func(dir string) {
		place, key := loaded(t, dir).memory()
		if place == "" {
			t.Fatal("nothing is remembered")
		}
		remember(place, key, forged)
	}
	for name, change := range map[string]func(dir, weights string) (string, error){
		"nothing": func(dir, _ string) (string, error) { return dir, nil },
		"path": func(dir, _ string) (string, error) {
			return dir + "-moved", os.Rename(dir, dir+"-moved")
		},
		"size": func(dir, weights string) (string, error) {
			info, err := os.Stat(weights)
			if err == nil {
				err = Save(dir, small(t, qwen3), "BF16")
			}
			if err == nil {
				err = os.Chtimes(weights, info.ModTime(), info.ModTime())
			}
			return dir, err
		},
		"time": func(dir, weights string) (string, error) {
			then := time.Now().Add(-time.Minute)
			return dir, os.Chtimes(weights, then, then)
		},
		"inode": func(dir, weights string) (string, error) {
			info, err := os.Stat(weights)
			data, failed := os.ReadFile(weights)
			if err == nil && failed == nil {
				err = os.WriteFile(weights+".new", data, 0o644)
			}
			if err == nil {
				err = os.Chtimes(weights+".new", info.ModTime(), info.ModTime())
			}
			if err == nil {
				err = os.Rename(weights+".new", weights)
			}
			return dir, err
		},
		"tokenizer": func(dir, _ string) (string, error) {
			return dir, os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), []byte(`{"a":1}`), 0o644)
		},
		"cache": func(dir, _ string) (string, error) {
			place, _ := loaded(t, dir).memory()
			text, err := os.ReadFile(place)
			if err == nil {
				text[3]++
				err = os.WriteFile(place, text, 0o644)
			}
			return dir, err
		},
	} {
		dir := saved(t, "F32")
		forge(dir)
		dir, err := change(dir, filepath.Join(dir, weightsFile))
		if err != nil {
			t.Fatal(err)
		}
		ck := loaded(t, dir)
		if name == "inode" && (os.PathSeparator != '/') {
			continue // the system tells no inodes
		}
		if got := fingerprint(ck); (got == forged) != (name == "nothing") || got != forged && got != hashOf(t, ck) {
			t.Errorf("after another %s the fingerprint is %s", name, got)
		}
		ck.Remember = false
		if got := fingerprint(ck); got != hashOf(t, ck) {
			t.Errorf("%s: a fingerprint was remembered although it may not", name)
		}
	}

	// What is hashed once is remembered, and a wrong memory is corrected.
	dir := saved(t, "F32")
	want := fingerprint(loaded(t, dir))
	forge(dir)
	if corrected, err := loaded(t, dir).Correct(); corrected != want || err != nil {
		t.Errorf("corrected to %s, error %v", corrected, err)
	}
	if got := fingerprint(loaded(t, dir)); got != want {
		t.Errorf("%s is remembered after it was corrected", got)
	}
}

// A file that is cut after it was loaded is an error of whatever reads it next.
func TestWeightsAreCut(t *testing.T) {
	if os.PathSeparator != '/' {
		t.Skip("files are read here")
	}
	dir := saved(t, "BF16")
	ck := loaded(t, dir)
	ck.Remember = false
	if err := os.Truncate(filepath.Join(dir, weightsFile), 100); err != nil {
		t.Fatal(err)
	}
	_, hashed := ck.Fingerprint()
	written := Save(filepath.Join(t.TempDir(), "copy"), ck, "F32")
	for _, err := range []error{hashed, written} {
		if err == nil || !strings.Contains(err.Error(), weightsFile+" was written to") {
			t.Errorf("error %v", err)
		}
	}
}
