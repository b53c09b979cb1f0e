package lidr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr/durable"
)

// What was edited or deleted by hand since it was written is made anew, said, and an edited file is kept. A model that was
// changed stops the run.
func TestEditedOutputs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "own")
	if err := tiny(dir, 4); err != nil {
		t.Fatal(err)
	}
	want := hashes(t, filepath.Dir(dir))
	edited, deleted := filepath.Join(dir, "M0", "pairs.jsonl"), filepath.Join(dir, "M0", "responses", "de.jsonl")
	if err := os.WriteFile(edited, []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(deleted); err != nil {
		t.Fatal(err)
	}
	var notes []string
	run, err := Reopen(dir, WithProgress(func(e Event) {
		if e.Note != "" {
			notes = append(notes, e.Note)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	m0, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Iterate(t.Context(), run, m0); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(notes, "\n")
	if len(notes) != 2 || !strings.Contains(all, deleted+" is gone since it was written") || !strings.Contains(all, edited+" was changed since it was written") {
		t.Errorf("told %q, want one note for each file", notes)
	}
	if err := os.WriteFile(edited, []byte("mine again\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Iterate(t.Context(), run, m0); err != nil {
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

	other := UseModel("another", instant{})
	if _, err := Iterate(t.Context(), run, other); err == nil || !strings.Contains(err.Error(), "was made from another M0 than another") {
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
	if _, err := Iterate(t.Context(), run, m0); err == nil || !strings.Contains(err.Error(), "was changed after its training; delete") {
		t.Errorf("changed weights: %v", err)
	}
}

// Annotations and reports too are kept where they were edited. New verdicts change both, which is no edit, and old ones write
// nothing, so that a finished judging needs no writable folder.
func TestEditedReport(t *testing.T) {
	server, dir := newJudgeServer(t, true, 0), filepath.Join(t.TempDir(), "run")
	var notes []string
	reported := func(change func(*JudgeSettings)) string {
		t.Helper()
		if _, err := judged(dir, server.URL, change); err != nil {
			t.Fatal(err)
		}
		run, err := Reopen(dir, WithProgress(func(e Event) { notes = append(notes, e.Note) }))
		if err == nil {
			_, err = Report(t.Context(), run)
		}
		text, err2 := os.ReadFile(filepath.Join(dir, "report.md"))
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		return string(text)
	}
	first := reported(func(*JudgeSettings) {})
	second := reported(bothOrders)
	if edited, err := filepath.Glob(filepath.Join(dir, "*.edited")); first == second || len(edited)+len(notes) > 0 {
		t.Errorf("new verdicts left the report as it was (%t), or were taken for edits: %v, %q, %v", first == second, edited, notes, err)
	}

	files := []string{"report.md", "report.html", "plots/judged-M1-M0-M1-M0.svg", "judged/M1-M0/annotations/de.json"}
	durable.Before = func(operation, path string) error {
		for _, file := range files {
			if strings.HasPrefix(path, filepath.Join(dir, file)) {
				t.Errorf("%s %s, although it is as it was", operation, path)
			}
		}
		return nil
	}
	defer func() { durable.Before = nil }()
	reported(bothOrders)
	durable.Before = nil

	want := hashes(t, dir)
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("mine\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	reported(bothOrders)
	for _, file := range files {
		if kept, err := os.ReadFile(filepath.Join(dir, file+".edited")); err != nil || string(kept) != "mine\n" {
			t.Errorf("%s: %q is kept, %v", file, kept, err)
		}
		if err := os.Remove(filepath.Join(dir, file+".edited")); err != nil {
			t.Error(err)
		}
	}
	if len(notes) != 3 { // what judged edits out is told to its own run
		t.Errorf("told %q, want a note for each file of the report", notes)
	}
	crasher{t: t}.same(dir, want, "edited files")
}
