package main

import (
	"testing"

	"lidrlab/lidr"
	"lidrlab/lidr/checkpoint"
)

// A model that is not the miniature gets the paper's settings: it knows nothing of the miniature's prompts, and its
// answers are longer.
func TestPresetFor(t *testing.T) {
	miniature, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	trained, other := t.TempDir(), t.TempDir()
	ck := *miniature.Checkpoint()
	if err := checkpoint.Save(trained, &ck, "F32"); err != nil {
		t.Fatal(err)
	}
	ck.Config.RopeTheta *= 2
	if err := checkpoint.Save(other, &ck, "F32"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"miniature": "miniature", trained: "miniature", other: "paper"} {
		m, err := lidr.LoadModel(path)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := presetFor(m); err != nil || s.Preset != want {
			t.Errorf("%s has the settings of preset %s, %v, expected %s", path, s.Preset, err, want)
		}
	}
}
