package plots_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// A figure is saved into folders that are made for it, over an old one, and where it cannot be saved nothing is left.
func TestSave(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	path, taken := filepath.Join(folder, "bars.svg"), filepath.Join(folder, "taken.svg")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o755); err != nil { // cannot be replaced by a file
		t.Fatal(err)
	}
	figure := hard(85)
	want, err := figure.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := figure.Save(path); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes were saved (%v), expected the %d of SVG", len(got), err, len(want))
		}
	}
	if err := figure.Save(taken); err == nil {
		t.Error("a folder was replaced by a figure")
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v (%v), expected bars.svg and taken.svg", entries, err)
	}
}
