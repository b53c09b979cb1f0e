package lidr_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/ledger"
)

// What a step can make anew is made anew, said, and kept where it was edited; what would cost a training, and whatever
// a command that only reads comes upon, is an error that names the file and what to do.
func TestEditsOfEveryKind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs")
	if _, err := experiment(dir, lidr.WithProgress(func(lidr.Event) {})); err != nil {
		t.Fatal(err)
	}
	files := readAll(dir)
	replace := func(old, new string) func([]byte) []byte {
		return func(data []byte) []byte { return bytes.Replace(data, []byte(old), []byte(new), 1) }
	}
	emptied := func([]byte) []byte { return []byte{} }
	deleted := func([]byte) []byte { return nil }
	last := func(data []byte) []byte { data[len(data)-1] ^= 1; return data }
	otherM1 := func(data []byte) []byte {
		path, run := filepath.Join(t.TempDir(), "run.json"), map[string]any{}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := ledger.ReadSealed(path, &run); err != nil {
			t.Fatal(err)
		}
		run["fingerprints"].(map[string]any)["M1"] = strings.Repeat("0", 64)
		if err := ledger.WriteSealed(path, run); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	again, report, serve, compare := actions[0], actions[1], actions[4], actions[5]
	for _, c := range []struct {
		file string
		edit func([]byte) []byte
		then action
		want string // an error, or a note where the step makes it anew
	}{
		{"M1/train.jsonl", replace(`"loss":`, `"loss":9`), again, ""},
		{"M1/train.jsonl", emptied, again, ""},
		{"M1/train.jsonl", deleted, again, ""},
		{"M1/train.jsonl", replace(`"loss":`, `"loss":9`), report, "changed since it was written"},
		{"M1/train.jsonl", emptied, report, "changed since it was written"},
		{"M2/train.jsonl", deleted, report, "gone since it was written"},
		{"M1/training.json", replace(`"base": "`, `"base": "0`), again, ""},
		{"M1/training.json", replace(`"key"`, `"Key"`), again, ""},
		{"M1/training.json", deleted, again, ""},
		{"M1/training.json", replace(`"pairs": `, `"pairs": 1`), compare, "changed since it was written"},
		{"M1/model/README.md", replace(`loss`, `gain`), again, ""},
		{"M1/model/README.md", deleted, again, ""},
		{"M1/model/config.json", replace(`}`, ` }`), again, "was changed after its training; delete"},
		{"M1/model/config.json", replace(`}`, ` }`), serve, "was changed after its training; delete"},
		{"M1/model/model.safetensors", last, again, "was changed after its training; delete"},
		{"M2/model/tokenizer.json", last, actions[2], "was changed after its training; delete"},
		{"M2/model/tokenizer_config.json", last, actions[3], "was changed after its training; delete"},
		{"M1/adapter/adapter_model.safetensors", last, again, "was changed after its training; delete"},
		{"M1/adapter/adapter_config.json", deleted, again, "was deleted after its training; delete"},
		{"M1/adapter/adapter_config.json", replace(`"r": `, `"r": 1`), serve, "was changed after its training; delete"},
		{"M1/eval/scores.json", replace(`"value": 0`, `"value": 0.99`), report, "changed since it was written"},
		{"M2/eval/scores.json", deleted, report, "gone since it was written"},
		{"M1/eval/problems/es.jsonl", replace(`"correct"`, `"Correct"`), compare, "changed since it was written"},
		{"M1/measures/judged-M1-M0.json", deleted, report, "gone since it was written"},
		{"judged/M1-M0/usage.json", replace(`"questions": `, `"questions": 1`), compare, "changed since it was written"},
		{"judged/M1-M0/scores.json", emptied, again, ""},
		{"M0/eval/choices/m_arc.jsonl", replace(`"gold":`, `"Gold":`), compare, "changed since it was written"},
		{"settings.json", replace(`"rounds": 2`, `"rounds": 3`), report, "rounds: 2 there, 3 now"},
		{"settings.json", replace(`"rounds": 2`, `"rounds": 3`), again, ""},
		{"run.json", replace(`"go": "go`, `"go": "gp`), report, "put it back"},
		{"run.json", otherM1, serve, "one of them was replaced"},
		{"files.json", last, report, "damaged or edited"},
		{"files.json", replace(`"M1/`, `"M3/`), again, ""},
		{"M0/inputs.json", last, again, "put it back, or delete it with"},
	} {
		restore(dir, files)
		path := filepath.Join(dir, "r", c.file)
		edited := c.edit(bytes.Clone(files["r/"+c.file]))
		err := os.Remove(path)
		if err == nil && edited != nil {
			err = os.WriteFile(path, edited, 0o644)
		}
		if err != nil || bytes.Equal(edited, files["r/"+c.file]) {
			t.Fatalf("%s was not edited: %v", c.file, err)
		}
		got := c.then.do(dir)
		if c.want != "" {
			if got.err == nil || !strings.Contains(got.err.Error(), c.want) || !strings.Contains(got.err.Error(), c.file) {
				t.Errorf("%s, then %s: error %v, expected one that names it and says %q", c.file, c.then.name, got.err, c.want)
			}
			continue
		}
		if got.err != nil || !strings.Contains(strings.Join(got.notes, "\n"), c.file) {
			t.Errorf("%s, then %s: error %v, notes %q, expected a note of it", c.file, c.then.name, got.err, got.notes)
		}
		for name, data := range files {
			if !unread(name) && !bytes.Equal(got.files[name], data) {
				t.Errorf("%s, then %s: %s is another one", c.file, c.then.name, name)
			}
		}
		if kept := got.files["r/"+c.file+".edited"]; edited != nil && !bytes.Equal(kept, edited) {
			t.Errorf("%s is kept as %.100q, expected the edited one", c.file, kept)
		}
	}
}

// Files of two runs in one folder are no run: what only reads refuses them, and the command makes files.json anew.
func TestFilesOfTwoRuns(t *testing.T) {
	root := t.TempDir()
	var notes []string
	note := lidr.WithProgress(func(e lidr.Event) { notes = append(notes, e.Note) })
	s := lidr.MiniatureSettings()
	for _, name := range []string{"a", "b"} {
		run, err := lidr.Open(filepath.Join(root, name), s, note)
		if err != nil {
			t.Fatal(err)
		}
		if err := run.WriteJSON(run.Path("M0", "pairs.stats.json"), []int{}); err != nil {
			t.Fatal(err)
		}
		if err := run.Close(); err != nil {
			t.Fatal(err)
		}
		s.Seed++
	}
	s.Seed -= 2
	files := readAll(root)
	for _, taken := range [][]string{{"run.json", "settings.json"}, {"files.json"}} {
		restore(root, files)
		for _, name := range taken {
			if err := os.WriteFile(filepath.Join(root, "a", name), files["b/"+name], 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := lidr.Reopen(filepath.Join(root, "a"), note); err == nil || !strings.Contains(err.Error(), "two runs") {
			t.Errorf("with %q of another run, it is opened with error %v", taken, err)
		}
	}
	run, err := lidr.Open(filepath.Join(root, "a"), s, note)
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	kept := readAll(root)["a/files.json.edited"]
	if !bytes.Equal(kept, files["b/files.json"]) || !strings.Contains(strings.Join(notes, "\n"), "files.json.edited") {
		t.Errorf("kept %q, notes %q", kept, notes)
	}
}
