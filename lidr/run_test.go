package lidr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenRefusesOtherSettings(t *testing.T) {
	dir := t.TempDir() + "/run"
	s := MiniatureSettings()
	if _, err := Open(dir, s); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, s); err != nil {
		t.Errorf("the same settings again: %v", err)
	}
	other := s
	other.Seed = 2
	if _, err := Open(dir, other); err != nil {
		t.Errorf("other settings before anything was made: %v", err)
	}
	if _, err := Open(dir, s); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/M0", 0o755); err != nil {
		t.Fatal(err)
	}
	s.Train.Beta = 0.2
	_, err := Open(dir, s)
	if err == nil || !strings.Contains(err.Error(), "train.beta: 0.1 there, 0.2 now") {
		t.Errorf("error %v, want one that names train.beta and both values", err)
	}
}

// A run folder is named, and the store is beside it also where its name is "." or "..".
func TestNamesOfTheRunFolder(t *testing.T) {
	if _, err := Open("", MiniatureSettings()); err == nil || !strings.Contains(err.Error(), "run folder is empty") {
		t.Errorf("a run folder without a name: %v", err)
	}
	root := t.TempDir()
	run, err := Open(filepath.Join(root, "a"), MiniatureSettings())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, "a"))
	again, err := Open(".", MiniatureSettings())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(run.Store().Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if there, err := os.Stat(again.Store().Dir); err != nil || filepath.Base(again.Store().Dir) != "store" {
		t.Errorf("the store of . is %s, %v", again.Store().Dir, err)
	} else if here, err := os.Stat(run.Store().Dir); err != nil || !os.SameFile(here, there) {
		t.Errorf("the store of . is %s, of the same folder by its name %s", again.Store().Dir, run.Store().Dir)
	}
}

// More problems than anybody waits for are refused before the first is drawn.
func TestTooManyProblems(t *testing.T) {
	for field, set := range map[string]func(*Settings){
		"prompts.n":             func(s *Settings) { s.Prompts.N = 999_999_999 },
		"prompts.n ":            func(s *Settings) { s.Prompts.N, s.Rounds = 600_000, 2 },
		"evaluate.n":            func(s *Settings) { s.Evaluate.N = 999_999_999 },
		"evaluate.translations": func(s *Settings) { s.Evaluate.Translations = 999_999_999 },
	} {
		s := MiniatureSettings()
		set(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "field "+strings.TrimSpace(field)+" is") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// A prompt of the training that is an evaluation prompt too is a warning, whatever its case, white space and accents.
func TestPromptsThatAreEvaluatedToo(t *testing.T) {
	s := small()
	s.Trained, s.Unseen, s.Prompts.N = []string{"de"}, nil, 2
	s.Prompts.Source, s.Evaluate.Source, s.Evaluate.N, s.Evaluate.Translations = t.TempDir(), t.TempDir(), 0, 0
	for path, text := range map[string]string{
		s.Prompts.Source + "/en.jsonl": `{"id": "1", "lang": "en", "prompt": "How many are 2 and 3?", "answer": "5"}
{"id": "2", "lang": "en", "prompt": "How many are 2 and 4?", "answer": "6"}`,
		s.Prompts.Source + "/de.jsonl": `{"id": "1", "lang": "de", "prompt": "Wie viel f\u00fcr 2 und 3?", "answer": "5"}
{"id": "2", "lang": "de", "prompt": "Wie viel ist 2 und 4?", "answer": "6"}`,
		s.Evaluate.Source + "/en.jsonl": `{"id": "a", "lang": "en", "prompt": "HOW many\tare 2 and 3? ", "answer": "5"}
{"id": "b", "lang": "en", "prompt": "How many are 7 and 4?", "answer": "11"}`,
		s.Evaluate.Source + "/de.jsonl": `{"id": "a", "lang": "de", "prompt": "wie viel fu\u0308r 2 und 3?", "answer": "5"}
{"id": "b", "lang": "de", "prompt": "Wie viel ist 7 und 4?", "answer": "11"}`,
	} {
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var notes []string
	run, err := Open(t.TempDir()+"/run", s, WithProgress(func(e Event) { notes = append(notes, e.Note) }))
	if err != nil {
		t.Fatal(err)
	}
	m0, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Prompts(t.Context(), run, m0); err != nil {
		t.Fatal(err)
	}
	const want = "2 of the 4 prompts of M1's training are evaluation prompts too (de 1, en 1; the first is 1 in en)"
	if len(notes) != 1 || !strings.HasPrefix(notes[0], want) {
		t.Errorf("notes %q, expected %q", notes, want)
	}
	apart := []Prompt{{ID: "2", Lang: "en", Prompt: "How many are 2 and 4?"}}
	if got := run.alsoEvaluated("M1", apart); got != "" {
		t.Errorf("another prompt is found: %s", got)
	}
}
