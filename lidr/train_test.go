package lidr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/durable"
	"lidrlab/lidr/ledger"
)

// A round that trains an adapter saves it in PEFT's form and merged, and both are one model: the adapter, loaded onto
// the weights that the round started from, gives M1 to the bit. Without an adapter the next training clears the folder.
func TestTrainAdapter(t *testing.T) {
	pairs := datasets.Frame([]Pair{
		{ID: "1", Lang: "de", Prompt: "Anna hat 3 Äpfel.", Chosen: "Anna hat 3 Äpfel.", Rejected: "Anna has 3 apples.",
			Source: "en>de"},
		{ID: "1", Lang: "en", Prompt: "Anna has 3 apples.", Chosen: "Anna has 3 apples.", Rejected: "Anna has apples.",
			Source: "de>en"},
	})
	s, ctx := MiniatureSettings(), context.Background()
	s.Rounds, s.Train.LR, s.Train.BatchPairs, s.Train.Epochs = 1, 1e-3, 2, 2
	s.Train.LoRA, s.Train.Checkpointing = LoRASettings{Rank: 4, Alpha: 8, Targets: []string{"q_proj", "down_proj"}}, true
	run, m0 := openTest(t, s)
	m1, steps, err := Train(ctx, run, m0, pairs)
	if err != nil {
		t.Fatal(err)
	}
	loss, nll := steps.Col("loss").Float()[0], steps.Col("nll").Float()[0]
	if want := math.Ln2 + s.Train.Alpha*nll; math.Abs(loss-want) > 1e-3 {
		t.Errorf("the first loss is %.5f, want ln 2 + α·NLL = %.5f", loss, want)
	}
	adapter, err := checkpoint.LoadAdapter(os.DirFS(run.Path("M1", "adapter")), m0.weights.Config)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := adapter.Merge(m0.checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := merged.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	if adapter.Base != "miniature" || whole != m1.Fingerprint() || m1.Fingerprint() == m0.Fingerprint() {
		t.Errorf("the adapter, trained on %q, merges into %s; M1 is %s and M0 %s", adapter.Base, whole,
			m1.Fingerprint(), m0.Fingerprint())
	}
	loaded, err := LoadModel(run.Path("M1", "adapter"))
	if err != nil || loaded.Fingerprint() != m1.Fingerprint() {
		t.Errorf("the adapter's folder is not M1: %v", err)
	}

	trained := func() *Model {
		t.Helper()
		run, _ = openTest(t, s)
		if err := os.MkdirAll(run.Path("M1", "adapter"), 0o755); err != nil { // of an earlier training that was killed
			t.Fatal(err)
		}
		m1, _, err := Train(ctx, run, m0, pairs)
		if err != nil {
			t.Fatal(err)
		}
		return m1
	}
	s.Train.DType = "bfloat16"
	coarse := trained()
	if coarse.Fingerprint() == m1.Fingerprint() {
		t.Error("rounding the weights below changed nothing")
	}
	s.Train.Products = "bfloat16"
	if trained().Fingerprint() == coarse.Fingerprint() {
		t.Error("rounding what meets the weights below changed nothing")
	}
	s.Train.LoRA, s.Train.DType = LoRASettings{}, ""
	coarse = trained()
	s.Train.Products = ""
	if trained().Fingerprint() == coarse.Fingerprint() {
		t.Error("rounding both sides of the products changed nothing")
	}
	if _, err := os.Stat(run.Path("M1", "adapter")); !os.IsNotExist(err) {
		t.Errorf("an adapter is left beside weights that were trained without one: %v", err)
	}
}

// A loss of pairs asks for the reference that it reads: DPO's and KTO's of the pairs, KTO's also of the mismatched
// ones, SimPO's of none.
func TestTrainReference(t *testing.T) {
	pairs := datasets.Frame([]Pair{
		{ID: "1", Lang: "de", Prompt: "Anna hat 3 Äpfel.", Chosen: "Anna hat 3 Äpfel.", Rejected: "Anna has 3 apples."},
		{ID: "2", Lang: "en", Prompt: "Anna has 3 apples.", Chosen: "Anna has 3 apples.", Rejected: "Anna has apples."},
	})
	for loss, want := range map[string]int{"sigmoid": 1, "kto": 2, "simpo": 0} {
		s := MiniatureSettings()
		s.Train.Loss, s.Train.BatchPairs = loss, 2
		run, m0 := openTest(t, s)
		_, steps, err := Train(t.Context(), run, m0, pairs)
		if err != nil {
			t.Fatalf("%s: %v", loss, err)
		}
		files, err := filepath.Glob(filepath.Join(run.store.Dir, "reference", "*.jsonl"))
		if err != nil || len(files) != want {
			t.Errorf("%s: the store holds %q, want %d references (error %v)", loss, files, want, err)
		}
		reward, kl := steps.Col("rewards/chosen").Float()[0], steps.Col("kl").Float()[0]
		if (want == 0) != (reward < -1e-3) || math.Abs(kl) > 1e-3 {
			t.Errorf("%s: the first step's reward is %v, its KL %v", loss, reward, kl)
		}
	}
}

// A curriculum by margin trains first on what the model finds right already, and languages are mixed by temperature:
// the rate is so low that every step shows the starting model's log-probabilities.
func TestTrainCourse(t *testing.T) {
	var rows []Pair
	for i, text := range []string{"Anna hat 3 Äpfel.", "Anna hat 12 Äpfel.", "Ben hat Bücher.", "Ben hat 7 Bücher."} {
		row := Pair{ID: fmt.Sprint(i), Lang: "de", Prompt: text, Chosen: text, Rejected: "apples " + text}
		if i == 2 {
			row.Lang, row.Chosen, row.Rejected = "es", row.Rejected, row.Chosen
		}
		rows = append(rows, row)
	}
	s := MiniatureSettings()
	s.Train.LR, s.Train.BatchPairs, s.Train.Curriculum, s.Train.LanguageTemperature = 1e-12, 1, "margin", 1e9
	run, m0 := openTest(t, s)
	_, steps, err := Train(t.Context(), run, m0, datasets.Frame(rows))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := TokenPairs(m0, s, rows)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := referenceLogprobs(t.Context(), run, m0, m0.weights, tokens)
	if err != nil {
		t.Fatal(err)
	}
	margins, logps := dpo.Margins(tokens, reference), steps.Col("logps/chosen").Float()
	var trained []float64
	for _, logp := range logps { // a pair is known by the chosen side's log-probability
		at := slices.IndexFunc(reference, func(r [2]float64) bool { return math.Abs(r[0]-logp) < 1e-3 })
		if at < 0 {
			t.Fatalf("a step has log-probability %v of no pair: %v", logp, reference)
		}
		trained = append(trained, -margins[at])
	}
	spanish := margins[2]
	if n := len(trained); n != 4 || !slices.IsSorted(trained) || trained[0] == trained[n-1] ||
		slices.Index(trained, -spanish) < 0 || trained[n-1] != -spanish || trained[n-2] != -spanish {
		t.Errorf("trained on margins %v, want half of them the Spanish pair's, %v, the largest first", trained, spanish)
	}
	rewards := []Reward{{Lang: "de", Value: 0.5, N: 9}, {Lang: "es", Value: 0.9, N: 9}}
	if order, err := curriculum(rows, nil, rewards); err != nil || !slices.Equal(order, []int{2, 0, 1, 3}) {
		t.Errorf("by accuracy %v, %v, want Spanish first", order, err)
	}
	if _, err := curriculum(rows, nil, []Reward{{Lang: "de"}}); err == nil {
		t.Error("a curriculum by an accuracy that nothing measured is no error")
	}
}

// A training on other pairs that finds damage in the store, or in the state that it would resume from, leaves the model
// that is there as it was; the error names the file, and without that the model is trained anew.
func TestDamageLeavesTheModel(t *testing.T) {
	rows := []Pair{
		{ID: "1", Lang: "de", Prompt: "Anna hat 3 Äpfel.", Chosen: "Anna hat 3 Äpfel.", Rejected: "Anna has 3 apples.",
			Source: "en>de"},
		{ID: "1", Lang: "en", Prompt: "Anna has 3 apples.", Chosen: "Anna has 3 apples.", Rejected: "Anna has apples.",
			Source: "de>en"},
	}
	s := MiniatureSettings()
	s.Rounds, s.Train.Epochs = 1, 20
	run, m0 := openTest(t, s)
	train := func(ctx context.Context, pairs []Pair) (*Model, error) {
		m, _, err := Train(ctx, run, m0, datasets.Frame(pairs))
		return m, err
	}
	first, err := train(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	run.progress = func(e Event) {
		if e.Step == "M0 train" && e.Done == 5 {
			cancel()
		}
	}
	if _, err := train(ctx, rows[:1]); !errors.Is(err, context.Canceled) {
		t.Fatalf("the training was not interrupted: %v", err)
	}
	run.progress = func(Event) {}
	if again, err := train(t.Context(), rows); err != nil || again.Fingerprint() != first.Fingerprint() {
		t.Fatalf("trained again, M1 is another: %v", err)
	}
	for _, pattern := range []string{filepath.Join(run.store.Dir, "reference", "*.jsonl"),
		run.Path("M1", "state-*", dpo.StateFile)} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no file is called %s, %v", pattern, err)
		}
		sound := map[string][]byte{}
		for _, path := range files {
			sound[path] = []byte(readFile(t, path))
			damaged := bytes.Clone(sound[path])
			damaged[len(damaged)-30] ^= 1
			if err := os.WriteFile(path, damaged, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := train(t.Context(), rows[:1]); err == nil || !strings.Contains(err.Error(), files[0]) &&
			!strings.Contains(err.Error(), files[len(files)-1]) {
			t.Errorf("the error is %v, expected one that names a file of %q", err, files)
		}
		if m, err := run.Model("M1"); err != nil || m.Fingerprint() != first.Fingerprint() {
			t.Errorf("M1 is gone: %v", err)
		}
		for path, data := range sound {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if m, err := train(t.Context(), rows[:1]); err != nil || m.Fingerprint() == first.Fingerprint() {
		t.Errorf("it is not trained anew: %v", err)
	}
}

// A run that goes on with other kernels says so once, and run.json names those that computed last.
func TestOtherKernels(t *testing.T) {
	var notes []string
	run, m0 := openTest(t, MiniatureSettings())
	run.progress = func(e Event) { notes = append(notes, e.Note) }
	if err := run.Enter(m0); err != nil {
		t.Fatal(err)
	}
	record, err := run.readRecord()
	if err != nil {
		t.Fatal(err)
	}
	here := record.Backend
	record.Backend = "cpu (of another kind)"
	if err := ledger.WriteSealed(run.Path("run.json"), record); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := run.Enter(m0); err != nil {
			t.Fatal(err)
		}
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "by cpu (of another kind) so far, and "+here+" computes here") {
		t.Errorf("notes %q, expected one that names both", notes)
	}
	if record, err := run.readRecord(); err != nil || record.Backend != here {
		t.Errorf("run.json names %q, expected %q; %v", record.Backend, here, err)
	}
}

func TestAdapterSettings(t *testing.T) {
	for want, change := range map[string]func(*TrainSettings){
		"field train.lora.rank is -1": func(s *TrainSettings) { s.LoRA.Rank = -1 },
		"field train.lora.rank is 0":  func(s *TrainSettings) { s.LoRA.Alpha = 16 },
		"field train.lora.alpha is 0": func(s *TrainSettings) { s.LoRA.Rank = 8 },
		"field train.lora.targets is [lm_head]": func(s *TrainSettings) {
			s.LoRA = LoRASettings{8, 16,
				[]string{"lm_head"}}
		},
		"field train.dtype is \"int8\"":           func(s *TrainSettings) { s.DType = "int8" },
		"field train.dtype is bfloat16, expected": func(s *TrainSettings) { s.DType = "bfloat16" },
		"field train.products is \"int8\"":        func(s *TrainSettings) { s.Products = "int8" },
		"field train.products is bfloat16": func(s *TrainSettings) {
			s.Products, s.LoRA = "bfloat16", LoRASettings{Rank: 4, Alpha: 8}
		},
	} {
		s := MiniatureSettings()
		change(&s.Train)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, expected one with %q", err, want)
		}
	}
}

// A disk without room for a model is named with what it lacks, and a model that is gone is spoken of before it is
// trained again.
func TestModelThatIsNotThere(t *testing.T) {
	var events []string
	s := smallMiniature()
	run, err := Open(filepath.Join(t.TempDir(), "run"), s, WithProgress(func(e Event) {
		events = append(events, e.Step+e.Note)
	}))
	if err != nil {
		t.Fatal(err)
	}
	m0, err := LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	durable.Before = func(operation, path string) error {
		if operation == "write" && strings.HasSuffix(path, ".safetensors") && strings.Contains(path, "M1") &&
			strings.Contains(path, "model") && !strings.Contains(path, "state") {
			return syscall.ENOSPC
		}
		return nil
	}
	_, _, err = Iterate(t.Context(), run, m0)
	durable.Before = nil
	if err == nil || !errors.Is(err, syscall.ENOSPC) || !regexp.MustCompile(regexp.QuoteMeta(run.Path("M1", "model"))+
		` takes [0-9]{7} bytes, and its disk has [0-9]+ bytes free; make room`).MatchString(err.Error()) {
		t.Errorf("no room: %v", err)
	}
	if _, _, err := Iterate(t.Context(), run, m0); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(run.Path("M1")); err != nil {
		t.Fatal(err)
	}
	events = nil
	if _, _, err := Iterate(t.Context(), run, m0); err != nil {
		t.Fatal(err)
	}
	said := slices.IndexFunc(events, func(e string) bool {
		return strings.Contains(e, run.Path("M1", "model")+" is gone since it was trained")
	})
	if trained := slices.Index(events, "M0 train"); said < 0 || trained < said {
		t.Errorf("the events are %q", events)
	}
}
