package lidr_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/lidrtest"
)

// What was edited or deleted by hand since it was written is made anew, said, and an edited file is kept. A model that
// was changed stops the run.
func TestEditedOutputs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "own")
	if err := tiny(dir, 4); err != nil {
		t.Fatal(err)
	}
	want := lidrtest.Hashes(t, filepath.Dir(dir))
	edited, deleted := filepath.Join(dir, "M0", "pairs.jsonl"), filepath.Join(dir, "M0", "responses", "de.jsonl")
	if err := os.WriteFile(edited, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(deleted); err != nil {
		t.Fatal(err)
	}
	var notes []string
	run, err := lidr.Reopen(dir, lidr.WithProgress(func(e lidr.Event) {
		if e.Note != "" {
			notes = append(notes, e.Note)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	m0, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := lidr.Iterate(t.Context(), run, m0); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(notes, "\n")
	if len(notes) != 2 || !strings.Contains(all, deleted+" is gone since it was written") ||
		!strings.Contains(all, edited+" was changed since it was written") {
		t.Errorf("told %q, want one note for each file", notes)
	}
	if err := os.WriteFile(edited, []byte("mine again\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := lidr.Iterate(t.Context(), run, m0); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{edited + ".edited": "mine\n", edited + ".edited.2": "mine again\n"} {
		if kept, err := os.ReadFile(name); err != nil || string(kept) != text {
			t.Errorf("%s, the edited file that was kept, holds %q, %v", name, kept, err)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	crasher{t: t}.same(filepath.Dir(dir), want, "edited and deleted files")

	other := lidr.UseModel("another", instant{})
	if _, _, err := lidr.Iterate(t.Context(), run, other); err == nil ||
		!strings.Contains(err.Error(), "was made from another M0 than another") {
		t.Errorf("another M0: %v", err)
	}

	weights := filepath.Join(dir, "M1", "model", "model.safetensors")
	data, err := os.ReadFile(weights)
	if err == nil {
		data[len(data)-1] ^= 1
		err = os.WriteFile(weights, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := lidr.Iterate(t.Context(), run, m0); err == nil ||
		!strings.Contains(err.Error(), "was changed after its training; delete") {
		t.Errorf("changed weights: %v", err)
	}
}
