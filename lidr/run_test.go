package lidr

import (
	"os"
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
