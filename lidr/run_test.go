package lidr

import (
	"os"
	"strings"
	"testing"
)

func TestOpenRefusesOtherSettings(t *testing.T) {
	dir := t.TempDir() + "/run"
	s := Miniature()
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

func TestValidateNamesTheField(t *testing.T) {
	for field, change := range map[string]func(*Settings){
		"prompts.n":    func(s *Settings) { s.Prompts.N = 0 },
		"trained":      func(s *Settings) { s.Trained = []string{"en"} },
		"pairs.mode":   func(s *Settings) { s.Pairs.Mode = "both" },
		"train.labels": func(s *Settings) { s.Train.Labels = "none" },
		"languages":    func(s *Settings) { s.Unseen = []string{"xx"} },
	} {
		s := Miniature()
		change(&s)
		if _, err := Open(t.TempDir(), s); err == nil || !strings.Contains(err.Error(), "field "+field) {
			t.Errorf("%s: error %v, want one that names the field", field, err)
		}
	}
	if _, err := Open(t.TempDir()+"/run", Miniature()); err != nil {
		t.Errorf("the preset is refused: %v", err)
	}
}
