package lidr

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"strings"

	"lidrlab/lidr/backend"
	"lidrlab/lidr/ledger"
	"lidrlab/lidr/report"
)

// settingSources lists the settings of a report. Source says where the value of the paper preset comes from: the paper,
// its reference code, its published run names, or our choice where none of them states one.
var settingSources = []struct {
	group, name string
	value       func(Settings) any
	source      string
}{
	{"data", "dominant language", func(s Settings) any { return s.Dominant }, "paper"},
	{"data", "trained languages", func(s Settings) any { return strings.Join(s.Trained, " ") }, "paper"},
	{"data", "prompts a round", func(s Settings) any { return s.Prompts.N }, "reference code"},
	{"data", "prompts in later rounds", func(s Settings) any { return map[bool]string{true: "the same", false: "the next"}[s.Prompts.Reuse] }, "our choice: the reference code holds traces of both"},
	{"data", "rounds", func(s Settings) any { return s.Rounds }, "paper"},
	{"data", "stop when saturated", func(s Settings) any { return s.StopWhenSaturated }, "our choice: the paper's rounds are fixed"},
	{"answers", "temperature", func(s Settings) any { return s.Generate.Sampling.Temperature }, "reference code"},
	{"answers", "repetition penalty", func(s Settings) any { return s.Generate.Sampling.RepetitionPenalty }, "reference code"},
	{"answers", "new tokens, at most", func(s Settings) any { return s.Generate.Sampling.MaxTokens }, "reference code"},
	{"translations", "temperature", func(s Settings) any { return s.Translate.Sampling.Temperature }, "reference code"},
	{"translations", "new tokens, at most", func(s Settings) any { return s.Translate.Sampling.MaxTokens }, "reference code"},
	{"translations", "instruction", func(s Settings) any { return s.Translate.Template }, "own words, tags of the reference code"},
	{"pairs", "mode", func(s Settings) any { return s.Pairs.Mode }, "paper, the authors' review answers"},
	{"training", "objective", func(s Settings) any { return s.Train.Objective }, "paper"},
	{"training", "β", func(s Settings) any { return s.Train.Beta }, "published run names (0.1, 0.5)"},
	{"training", "α", func(s Settings) any { return s.Train.Alpha }, "published run names"},
	{"training", "NLL normalisation", func(s Settings) any { return s.Train.NLL }, "LLaMA-Factory"},
	{"training", "learning rate", func(s Settings) any { return s.Train.LR }, "one published run name"},
	{"training", "schedule", func(s Settings) any { return s.Train.Schedule }, "LLaMA-Factory's examples"},
	{"training", "pairs a step", func(s Settings) any { return s.Train.BatchPairs }, "one published run name"},
	{"training", "epochs", func(s Settings) any { return s.Train.Epochs }, "our choice: not stated"},
	{"training", "AdamW β₂", func(s Settings) any { return s.Train.AdamBeta2 }, "Transformers' default"},
	{"training", "gradient norm, at most", func(s Settings) any { return s.Train.ClipNorm }, "Transformers' default"},
	{"training", "replayed translations a step", func(s Settings) any { return s.Train.Replay }, "paper: none"},
	{"training", "LoRA", func(s Settings) any { return s.Train.LoRA.describe() }, "our choice: the paper does not say full or LoRA"},
	{"training", "weights held as", func(s Settings) any { return cmp.Or(s.Train.DType, "float32") }, "our choice: not stated"},
	{"training", "gradient checkpointing", func(s Settings) any { return s.Train.Checkpointing }, "our choice: changes no result"},
	{"training", "labels", func(s Settings) any { return s.Train.Labels }, "paper"},
	{"evaluation", "problems a language", func(s Settings) any { return s.Evaluate.N }, "all of the file"},
	{"evaluation", "worked examples before a problem", func(s Settings) any { return s.Evaluate.Shots }, "paper: zero-shot"},
	{"evaluation", "seed of the problems", func(s Settings) any { return s.Evaluate.Seed }, "reference code's seed"},
	{"run", "seed", func(s Settings) any { return s.Seed }, "reference code's seed"},
}

// settingRows names the source of each value: the paper preset's, the miniature preset's, or this run's own.
func settingRows(s Settings) []report.Setting {
	paper, miniature := Paper(), Miniature()
	rows := make([]report.Setting, len(settingSources))
	for i, def := range settingSources {
		value, source := fmt.Sprint(def.value(s)), "set for this run"
		switch value {
		case fmt.Sprint(def.value(paper)):
			source = def.source
		case fmt.Sprint(def.value(miniature)):
			source = "miniature preset"
		}
		rows[i] = report.Setting{Group: def.group, Name: def.name, Value: value, Source: source}
	}
	return rows
}

// record is run.json: what a run was made of. It holds no time.
type record struct {
	Settings     Settings          `json:"settings"`
	Go           string            `json:"go"`
	Modules      map[string]string `json:"modules"`
	Backend      string            `json:"backend"`
	Fingerprints map[string]string `json:"fingerprints"` // of the models
}

// versionFields lists versions and content hashes for a report, from run.json.
func versionFields(run *Run) ([]report.Field, error) {
	var r record
	if err := ledger.ReadJSON(run.path("run.json"), &r); err != nil {
		return nil, fmt.Errorf("%w; Evaluate writes it", err)
	}
	fields := []report.Field{{Name: "Go", Value: r.Go}, {Name: "backend", Value: r.Backend}}
	for _, path := range []string{"github.com/gomlx/gomlx", "github.com/gomlx/compute"} {
		fields = append(fields, report.Field{Name: path, Value: r.Modules[path]})
	}
	for round := range len(r.Fingerprints) {
		name := modelName(round)
		fields = append(fields, report.Field{Name: "SHA-256 of " + name, Value: r.Fingerprints[name]})
	}
	return fields, nil
}

// sameBase is an error if the run started from another M0.
func sameBase(run *Run, m *Model, r record) error {
	if before := r.Fingerprints["M0"]; m.Name == "M0" && before != "" && before != m.Fingerprint() {
		return fmt.Errorf("%s was made from another M0 than %s (fingerprint %.12s there, %.12s now); choose another run folder, or delete this one", run.Dir, m.Path, before, m.Fingerprint())
	}
	return nil
}

// recordModel adds a model that was measured to run.json.
func recordModel(run *Run, m *Model) error {
	var before record
	if err := ledger.ReadJSON(run.path("run.json"), &before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := sameBase(run, m, before); err != nil {
		return err
	}
	r := record{Settings: run.Settings, Go: runtime.Version(), Modules: map[string]string{}, Backend: "a server's", Fingerprints: map[string]string{m.Name: m.Fingerprint()}}
	for name, fingerprint := range before.Fingerprints {
		if name != m.Name {
			r.Fingerprints[name] = fingerprint
		}
	}
	if m.engine != nil {
		r.Backend = backend.Name(m.engine)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			r.Modules[module.Path] = module.Version
		}
	}
	return writeJSON(run, run.path("run.json"), r)
}
