// Package lidrtest is what tests of several packages share.
package lidrtest

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"lidrlab/lidr/checkpoint"
)

// Hashes returns the SHA-256 of every file below dir but timing.jsonl, by its path there.
func Hashes(t testing.TB, dir string) map[string][32]byte {
	t.Helper()
	found := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == "timing.jsonl" {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[name] = sha256.Sum256(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Values returns a tensor's values, which are its own memory where that is in memory of this process.
func Values(t testing.TB, tensor checkpoint.Tensor) []float32 {
	t.Helper()
	values, err := tensor.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return values
}
