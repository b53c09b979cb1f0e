package lidr

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/lm"
)

// A model under a wrong name destroys nothing: the gate refuses it before a byte is written, and says which one it is.
func TestGateKeepsModelsApart(t *testing.T) {
	ctx := t.Context()
	run, m0 := openTest(t, smallMiniature())
	m1, _, err := Iterate(ctx, run, m0)
	if err != nil {
		t.Fatal(err)
	}
	if m1.Name() != "M1" || m1.Round != 1 || m1.From != m0.Fingerprint() || m0.From != "" {
		t.Errorf("Iterate returns %s, made of %.12s; M0 is %.12s", m1.Name(), m1.From, m0.Fingerprint())
	}
	same := func() string {
		var all strings.Builder
		err := filepath.WalkDir(run.Dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				all.WriteString(path + hashOf([]byte(readFile(t, path))) + "\n")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all.String()
	}
	before := same()
	loaded, err := LoadModel(run.Path("M1", "model"))
	if err != nil {
		t.Fatal(err)
	}
	prompts, err := Prompts(ctx, run, m0)
	if err != nil {
		t.Fatal(err)
	}
	pairs := datasets.Frame([]Pair{{ID: "1", Lang: "de", Prompt: "x", Chosen: "a", Rejected: "b", Source: "en>de"}})
	other := UseModel("a server", &counting{})
	for name, step := range map[string]func(m *Model) error{
		"Prompts":        func(m *Model) error { _, err := Prompts(ctx, run, m); return err },
		"Generate":       func(m *Model) error { _, err := Generate(ctx, run, m, prompts); return err },
		"Evaluate":       func(m *Model) error { _, err := Evaluate(ctx, run, m); return err },
		"RewardAccuracy": func(m *Model) error { _, err := RewardAccuracy(ctx, run, m, pairs); return err },
		"Iterate":        func(m *Model) error { _, _, err := Iterate(ctx, run, m); return err },
	} {
		if err := step(loaded); err == nil || !strings.Contains(err.Error(), `run.Model("M1")`) {
			t.Errorf("%s of M1's folder, loaded as a model of no run: %v", name, err)
		}
		if err := step(other); err == nil || !strings.Contains(err.Error(), "another M0") {
			t.Errorf("%s of another model: %v", name, err)
		}
	}
	if after := same(); after != before {
		t.Errorf("refused steps changed the folder:\n%s\nwas\n%s", after, before)
	}

	again, err := run.Model("M1")
	if err != nil || again.Fingerprint() != m1.Fingerprint() || again.Name() != "M1" {
		t.Fatalf("run.Model gives %v, %v", again, err)
	}
	if _, err := Evaluate(ctx, run, again); err != nil {
		t.Errorf("M1 from its folder: %v", err)
	}
	base, err := run.Model("M0")
	if err != nil || base.Fingerprint() != m0.Fingerprint() || base.Path != "miniature" {
		t.Errorf("run.Model(M0): %v, %v", base, err)
	}
	if _, err := run.Model("M2"); err == nil || !strings.Contains(err.Error(), `no model "M2", it has M0, M1`) {
		t.Errorf("a model that was not made: %v", err)
	}
	served, err := run.Use("M1", &counting{})
	if err != nil || served.Name() != "M1" {
		t.Fatalf("run.Use: %v", err)
	}
	if err := run.Enter(served); err != nil {
		t.Errorf("M1 behind a server: %v", err)
	}
	elsewhere, err := Open(filepath.Join(t.TempDir(), "run"), run.Settings)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Evaluate(ctx, elsewhere, m1); err == nil || !strings.Contains(err.Error(), "is no model of the run") {
		t.Errorf("a model of another run: %v", err)
	}
}

// Other prompts than before make a round's answers anew, with a note, until a model was trained on them.
func TestGateKeepsARoundTogether(t *testing.T) {
	ctx, s := t.Context(), smallMiniature()
	var notes []string
	run, err := Open(filepath.Join(t.TempDir(), "run"), s, WithProgress(func(e Event) {
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
	prompts, err := Prompts(ctx, run, m0)
	if err != nil {
		t.Fatal(err)
	}
	few := prompts.Subset([]int{0, 3, 6, 9, 12}) // the first prompt in each language
	if _, err := Generate(ctx, run, m0, few); err != nil {
		t.Fatal(err)
	}
	if _, err := Generate(ctx, run, m0, prompts); err != nil || len(notes) != 1 ||
		!strings.Contains(notes[0], "given other inputs before") {
		t.Errorf("all prompts after some: %v, notes %q", err, notes)
	}
	if _, err := Round(ctx, run, m0); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, run.Path("M0", "responses", "de.jsonl"))
	if _, err := Generate(ctx, run, m0, few); err == nil ||
		!strings.Contains(err.Error(), "M1 was trained on what it made") {
		t.Errorf("other prompts after the training: %v", err)
	}
	if readFile(t, run.Path("M0", "responses", "de.jsonl")) != before {
		t.Error("the refused step replaced M0's answers")
	}
	if _, err := Round(ctx, run, m0); err != nil {
		t.Errorf("the same round again: %v", err)
	}

	// A model that something was made with is not replaced by one of other pairs; one that nothing was made with is.
	pairs := datasets.Frame([]Pair{{ID: "1", Lang: "de", Prompt: "x", Chosen: "a", Rejected: "b", Source: "en>de"}})
	if err := os.MkdirAll(run.Path("judged", "M0-M1"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _, err = Train(ctx, run, m0, pairs)
	if err == nil || !strings.Contains(err.Error(), "M0-M1 was made with it") {
		t.Errorf("other pairs for a model that was judged: %v", err)
	}
	if err := os.RemoveAll(run.Path("judged")); err != nil {
		t.Fatal(err)
	}
	if _, _, err = Train(ctx, run, m0, pairs); err != nil ||
		!strings.Contains(strings.Join(notes, "\n"), "it is trained anew") {
		t.Errorf("other pairs for a model that nothing was made with: %v, notes %q", err, notes)
	}
}

// A closed run takes no step, and another one may open its folder; nor does one whose settings were changed after Open.
func TestCloseAndChangedSettings(t *testing.T) {
	run, m0 := openTest(t, smallMiniature())
	run.Settings.Train.Beta = 0.2
	if _, err := Prompts(t.Context(), run, m0); err == nil ||
		!strings.Contains(err.Error(), "train.beta: 0.1 there, 0.2 now") {
		t.Errorf("changed settings: %v", err)
	}
	run.Settings.Train.Beta = 0.1
	if _, err := Prompts(t.Context(), run, m0); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := run.Close(); err != nil {
			t.Error(err)
		}
	}
	for name, err := range map[string]error{
		"Prompts": func() error { _, err := Prompts(t.Context(), run, m0); return err }(),
		"Ask": func() error {
			_, err := Ask(t.Context(), run, m0, "ask", nil, lm.Sampling{MaxTokens: 1},
				0)
			return err
		}(),
	} {
		if err == nil || !strings.Contains(err.Error(), "is closed") {
			t.Errorf("%s of a closed run: %v", name, err)
		}
	}
	if again, err := Reopen(run.Dir); err != nil {
		t.Errorf("opened again: %v", err)
	} else if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// A run folder of an older form is refused with one line that says what to do, and nothing in it changes.
func TestOlderFormats(t *testing.T) {
	folders, err := filepath.Glob("testdata/formats/*")
	if err != nil || len(folders) != Format-1 {
		t.Fatalf("testdata/formats holds %v, expected a folder of each of the %d older forms; %v", folders, Format-1, err)
	}
	for _, folder := range folders {
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
			t.Fatal(err)
		}
		_, err := Reopen(dir)
		want := "is a run folder of format " + strings.TrimPrefix(filepath.Base(folder), "format")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, expected one line with %q", folder, err, want)
		}
	}
}

// What depends on the model is refused before its first request.
func TestSettingsThatTheModelCannotTake(t *testing.T) {
	for want, change := range map[string]func(*Settings){
		"generate.sampling.max_tokens is 2048":  func(s *Settings) { s.Generate.Sampling.MaxTokens = 2048 },
		"translate.sampling.max_tokens is 9999": func(s *Settings) { s.Translate.Sampling.MaxTokens = 9999 },
		"train.lora.rank is 4096":               func(s *Settings) { s.Train.LoRA = LoRASettings{Rank: 4096, Alpha: 1} },
	} {
		s := smallMiniature()
		change(&s)
		run, m0 := openTest(t, s)
		if _, _, err := Iterate(context.Background(), run, m0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
		if _, err := os.Stat(run.Path("M0")); err == nil {
			t.Errorf("%s: something was written", want)
		}
	}
}

// The narrowest weight of grouped attention is that of its keys and values, unless an adapter leaves them as they are.
func TestNarrowest(t *testing.T) {
	config := checkpoint.Config{HiddenSize: 64, NumHiddenLayers: 1, NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 16,
		IntermediateSize: 96, VocabSize: 300}
	for want, targets := range map[int][]string{32: {"q_proj", "k_proj"}, 64: {"q_proj", "up_proj"}} {
		if got := narrowest(config, targets); got != want {
			t.Errorf("%v: %d, expected %d", targets, got, want)
		}
	}
}

// An empty list is no other setting than none, and opening a folder again loses no model; settings.json, edited by
// hand, and a run.json that is gone are found.
func TestRecordKeepsItsModels(t *testing.T) {
	s := smallMiniature()
	s.Generate.Sampling.Stop, s.Train.LoRA.Targets = []string{}, []string{}
	run, m0 := openTest(t, s)
	if _, err := Evaluate(t.Context(), run, m0); err != nil {
		t.Fatal(err)
	}
	again, err := Open(run.Dir, s)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := again.Model("M0"); err != nil || m.Fingerprint() != m0.Fingerprint() {
		t.Errorf("opened again, M0 is %v, %v", m, err)
	}
	settings := readFile(t, run.Path("settings.json"))
	edited := strings.Replace(settings, `"beta": 0.1`, `"beta": 0.7`, 1)
	if err := os.WriteFile(run.Path("settings.json"), []byte(edited), 0o644); err != nil || edited == settings {
		t.Fatal(err)
	}
	if _, err := Reopen(run.Dir); err == nil || !strings.Contains(err.Error(), "train.beta: 0.1 there, 0.7 now") {
		t.Errorf("edited settings: %v", err)
	}
	if err := os.Remove(run.Path("run.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := Evaluate(t.Context(), run, m0); err == nil || !strings.Contains(err.Error(), "run.json") {
		t.Errorf("without run.json: %v", err)
	}
	if _, err := Open(run.Dir, s); err == nil || !strings.Contains(err.Error(), "no run.json") {
		t.Errorf("opened without run.json: %v", err)
	}
}

// A training that is refused, or fails, replaces nothing that belongs to the model that is there.
func TestRefusedTrainingReplacesNothing(t *testing.T) {
	run, m0 := openTest(t, smallMiniature())
	if _, _, err := Iterate(t.Context(), run, m0); err != nil {
		t.Fatal(err)
	}
	before := readFile(t, run.Path("M0", "pairs.rewards.json"))
	pairs := datasets.Frame([]Pair{{ID: "1", Lang: "de", Prompt: "x", Chosen: "a", Rejected: "b", Source: "en>de"}})
	if _, _, err := Train(t.Context(), run, m0, pairs); err == nil || !strings.Contains(err.Error(), "was made with it") {
		t.Errorf("other pairs: %v", err)
	}
	if _, err := RewardAccuracy(t.Context(), run, m0, pairs); err == nil ||
		!strings.Contains(err.Error(), "other inputs") {
		t.Errorf("reward accuracy of other pairs: %v", err)
	}
	if err := os.Remove(run.Path("M1", "training.json")); err != nil { // as a training that failed left it
		t.Fatal(err)
	}
	if _, _, err := Train(t.Context(), run, m0, pairs); err == nil || !strings.Contains(err.Error(), "was made with it") {
		t.Errorf("other pairs where an evaluation is left: %v", err)
	}
	if readFile(t, run.Path("M0", "pairs.rewards.json")) != before {
		t.Error("the reward accuracy of M0's pairs was replaced")
	}
}

// Models that were asked different problems are not compared, whatever their number.
func TestCompareWantsTheSameProblems(t *testing.T) {
	run, _ := openTest(t, small())
	for _, model := range []string{"M0", "M1"} {
		for _, lang := range run.Settings.AllLanguages() {
			verdicts := []Verdict{{ID: "a" + model, Lang: lang}, {ID: "b", Lang: lang}}
			if err := run.WriteLines(run.Path(model, "eval", "problems", lang+".jsonl"), verdicts); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := Compare(t.Context(), run, "M0", "M1"); err == nil ||
		!strings.Contains(err.Error(), "different problems in en") {
		t.Errorf("other problems: %v", err)
	}
}
