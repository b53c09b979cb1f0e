package lidr

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr/eval"
	"lidrlab/lidr/lm"
	"lidrlab/lidr/printable"
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
	{"data", "prompts in later rounds", laterPrompts, "our choice: the reference code holds traces of both"},
	{"data", "rounds", func(s Settings) any { return s.Rounds }, "paper"},
	{"data", "stop when saturated", func(s Settings) any { return s.StopWhenSaturated },
		"our choice: the paper's rounds are fixed"},
	{"answers", "temperature", func(s Settings) any { return s.Generate.Sampling.Temperature }, "reference code"},
	{"answers", "repetition penalty", func(s Settings) any { return s.Generate.Sampling.RepetitionPenalty },
		"reference code"},
	{"answers", "new tokens, at most", func(s Settings) any { return s.Generate.Sampling.MaxTokens }, "reference code"},
	{"answers", "system message", func(s Settings) any { return cmp.Or(s.Generate.System, "none") }, "reference code"},
	{"answers", "prompt in", func(s Settings) any { return s.Generate.Template }, "the prompt alone"},
	{"answers", "thinking before them", func(s Settings) any { return s.Generate.Thinking }, "paper: none"},
	{"answers", "share of requests that may be refused, at most", func(s Settings) any { return s.Generate.mayRefuse() },
		"our choice: not stated"},
	{"translations", "temperature", func(s Settings) any { return s.Translate.Sampling.Temperature }, "reference code"},
	{"translations", "new tokens, at most", func(s Settings) any { return s.Translate.Sampling.MaxTokens },
		"reference code"},
	{"translations", "instruction", func(s Settings) any { return s.Translate.Template },
		"own words, tags of the reference code"},
	{"pairs", "mode", func(s Settings) any { return s.Pairs.Mode }, "paper, the authors' review answers"},
	{"pairs", "also of answers cut by their length", func(s Settings) any { return s.Pairs.keeps(lm.FaultCut) },
		"our choice: the reference code does not look at finish reasons"},
	{"training", "objective", func(s Settings) any { return s.Train.Objective }, "paper"},
	{"training", "loss of a pair", func(s Settings) any { return s.Train.Loss }, "paper"},
	{"training", "labels taken for wrong, share", func(s Settings) any { return s.Train.LabelSmoothing }, "paper: none"},
	{"training", "target margin γ", func(s Settings) any { return s.Train.Gamma }, "SimPO's alone"},
	{"training", "β", func(s Settings) any { return s.Train.Beta }, "published run names (0.1, 0.5)"},
	{"training", "α", func(s Settings) any { return s.Train.Alpha }, "published run names"},
	{"training", "NLL normalisation", func(s Settings) any { return s.Train.NLL }, "LLaMA-Factory"},
	{"training", "learning rate", func(s Settings) any { return s.Train.LR }, "one published run name"},
	{"training", "warm-up, share of the steps", func(s Settings) any { return s.Train.Warmup },
		"LLaMA-Factory's examples"},
	{"training", "last learning rate, share of the highest", func(s Settings) any { return s.Train.FinalLR },
		"LLaMA-Factory's examples"},
	{"training", "schedule", func(s Settings) any { return s.Train.Schedule }, "LLaMA-Factory's examples"},
	{"training", "pairs a step", func(s Settings) any { return s.Train.BatchPairs }, "one published run name"},
	{"training", "epochs", func(s Settings) any { return s.Train.Epochs }, "our choice: not stated"},
	{"training", "AdamW β₂", func(s Settings) any { return s.Train.AdamBeta2 }, "Transformers' default"},
	{"training", "AdamW's moments held in", func(s Settings) any { return cmp.Or(s.Train.Moments, "float32") },
		"our choice: not stated"},
	{"training", "gradient norm, at most", func(s Settings) any { return s.Train.ClipNorm }, "Transformers' default"},
	{"training", "replayed translations a step", func(s Settings) any { return s.Train.Replay }, "paper: none"},
	{"training", "LoRA", func(s Settings) any { return s.Train.LoRA.describe() },
		"our choice: the paper does not say full or LoRA"},
	{"training", "weights held as", func(s Settings) any { return cmp.Or(s.Train.DType, "float32") },
		"our choice: not stated"},
	{"training", "gradient checkpointing", func(s Settings) any { return s.Train.Checkpointing },
		"our choice: changes no result"},
	{"training", "temperature of the languages' shares", func(s Settings) any { return s.Train.LanguageTemperature },
		"paper: none"},
	{"training", "order of the pairs", func(s Settings) any {
		return cmp.Or(s.Train.Curriculum, s.Train.Order, "drawn by seed")
	}, "our choice: not stated"},
	{"training", "pairs longer than the limit", func(s Settings) any {
		if s.Train.Cut == "" {
			return "refused"
		}
		return "cut as by " + s.Train.Cut
	}, "our choice: not stated"},
	{"training", "what the template writes behind an answer", func(s Settings) any {
		if s.Train.WithoutTail {
			return "left out"
		}
		return "trained on"
	}, "LLaMA-Factory"},
	{"training", "labels", func(s Settings) any { return s.Train.Labels }, "paper"},
	{"evaluation", "problems a language", func(s Settings) any { return s.Evaluate.N }, "all of the file"},
	{"evaluation", "worked examples before a problem", func(s Settings) any { return s.Evaluate.Shots },
		"paper: zero-shot"},
	{"evaluation", "seed of the problems", func(s Settings) any { return s.Evaluate.Seed }, "reference code's seed"},
	{"run", "seed", func(s Settings) any { return s.Seed }, "reference code's seed"},
}

func laterPrompts(s Settings) any {
	if s.Prompts.Reuse {
		return "the same"
	}
	return "the next"
}

// settingRows says what the run is made of, and names the source of each setting: the paper preset's, the miniature
// preset's, or this run's own.
func settingRows(run *Run) ([]report.Setting, error) {
	made, err := run.readRecord()
	if err != nil {
		return nil, err
	}
	s := run.Settings
	model := made.Base
	if fingerprint := made.Fingerprints["M0"]; fingerprint != "" {
		model = fmt.Sprintf("%s (fingerprint %.12s)", model, fingerprint)
	}
	if made.Quantized != "" {
		model += ", computed as " + made.Quantized
	}
	world, identifier := "the miniature world", identifierOf(run.evalTask())
	problems := cmp.Or(s.Evaluate.Source, world)
	var scores []eval.Score
	if err := run.ReadJSON(run.Path("M0", "eval", "scores.json"), &scores); err == nil && len(scores) > 0 {
		problems += fmt.Sprintf(" (%d in %s)", scores[0].N, LanguageName(scores[0].Lang))
	}
	rows := []report.Setting{
		{Group: "made of", Name: "M0", Value: cmp.Or(model, "none yet"), Source: "run.json"},
		{Group: "made of", Name: "prompts", Value: cmp.Or(s.Prompts.Source, world), Source: "run.json"},
		{Group: "made of", Name: "evaluation problems", Value: problems, Source: "run.json"},
		{Group: "made of", Name: "language identifier", Value: cmp.Or(identifier, "the task's own, exact"),
			Source: "run.json"},
	}
	return append(rows, sourcedSettings(s)...), nil
}

func sourcedSettings(s Settings) []report.Setting {
	paper := PaperSettings()
	miniature := MiniatureSettings()
	rows := make([]report.Setting, len(settingSources))
	for i, def := range settingSources {
		value := fmt.Sprint(def.value(s))
		source := "set for this run"
		switch {
		case def.name == "learning rate" && s.Train.LoRA.Rank > 0 && s.Train.LR == 5e-6:
			source = "LLaMA-Factory's example of DPO with LoRA"
		case value == fmt.Sprint(def.value(paper)):
			source = def.source
		case value == fmt.Sprint(def.value(miniature)):
			source = "miniature preset"
		}
		rows[i] = report.Setting{Group: def.group, Name: def.name, Value: value, Source: source}
	}
	return rows
}

// rerun returns the commands that make the run and its report again, from the current folder. A run of a script is made
// again by that.
func rerun(run *Run) ([]string, error) {
	made, err := run.readRecord()
	if err != nil {
		return nil, err
	}
	s, folder := run.Settings, folderHere(run.Dir)
	var again []string
	switch {
	case s.Preset == "miniature":
		again = []string{"lidr demo"}
	case strings.HasPrefix(s.Preset, "own, from "): // as lidr iterate calls its settings
		again = []string{"lidr iterate", "--prompts", printable.Word(s.Prompts.Source),
			"--eval", printable.Word(s.Evaluate.Source)}
		for _, flag := range []struct {
			name  string
			value any
			left  bool // out, as its default
		}{
			{"model", printable.Word(made.Base), made.Base == "" || made.Base == "miniature"},
			{"dominant", s.Dominant, s.Dominant == "en"},
			{"trained", strings.Join(s.Trained, ","), false}, {"unseen", strings.Join(s.Unseen, ","), len(s.Unseen) == 0},
			{"eval-n", s.Evaluate.N, s.Evaluate.N == 0}, {"shots", s.Evaluate.Shots, s.Evaluate.Shots == 0},
			{"exemplars", printable.Word(s.Evaluate.Exemplars), s.Evaluate.Exemplars == ""},
			{"identifier", s.Evaluate.Identifier, s.Evaluate.Identifier == ""},
			{"lora", s.Train.LoRA.Rank, s.Train.LoRA.Rank == 0},
		} {
			if !flag.left {
				again = append(again, fmt.Sprintf("--%s %v", flag.name, flag.value))
			}
		}
		if s.StopWhenSaturated {
			again = append(again, "--stop-when-saturated")
		}
	}
	if again != nil {
		set, err := changed(s)
		if err != nil {
			return nil, err
		}
		again = append(again, set...)
	}
	if name, small := strings.CutPrefix(s.Preset, "small recipe "); small { // so too
		name, _, _ = strings.Cut(name, ", from ")
		return []string{fmt.Sprintf("lidr recipe %s --small", printable.Word(name)), "lidr report " + folder}, nil
	}
	if strings.HasPrefix(s.Preset, "recipe, from ") { // as package recipe calls its settings
		return []string{fmt.Sprintf("lidr recipe %s/recipe.yaml --dir %[1]s", folder), "lidr report " + folder}, nil
	}
	var lines []string
	if again != nil {
		lines = []string{fmt.Sprintf("%s --n %d --rounds %d --seed %d --dir %s", strings.Join(again, " "), s.Prompts.N,
			s.Rounds, s.Seed, folder)}
	}
	return append(lines, "lidr report "+folder), nil
}

// flagged are the settings that have flags of their own.
var flagged = strings.Fields("preset dominant trained unseen rounds seed stop_when_saturated prompts.source " +
	"prompts.n evaluate.source evaluate.n evaluate.shots evaluate.exemplars evaluate.identifier train.lora.rank")

// changed are the flags --set of what a run's settings change in its preset.
func changed(s Settings) ([]string, error) {
	preset := MiniatureSettings()
	if strings.HasSuffix(s.Preset, "paper") {
		preset = PaperSettings()
	}
	preset.Train.LoRA.Alpha = 2 * float64(s.Train.LoRA.Rank) // of the flag of the rank
	before, err := fieldsOf(preset)
	if err != nil {
		return nil, err
	}
	after, err := fieldsOf(s)
	if err != nil {
		return nil, err
	}
	var set []string
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if after[path] != before[path] && !slices.Contains(flagged, path) {
			set = append(set, "--set "+printable.Word(path+"="+after[path]))
		}
	}
	return set, nil
}

// fieldsOf are settings by their paths, as train.beta, in JSON.
func fieldsOf(s Settings) (map[string]string, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	var add func(path string, data json.RawMessage)
	add = func(path string, data json.RawMessage) {
		var inner map[string]json.RawMessage
		if json.Unmarshal(data, &inner) != nil || inner == nil {
			fields[path] = string(data)
			return
		}
		for name, value := range inner {
			add(strings.TrimPrefix(path+"."+name, "."), value)
		}
	}
	add("", data)
	return fields, nil
}

// folderHere names a run folder from the current one, and one that is not below that from within, so that a report has
// the same bytes wherever its run lies.
func folderHere(dir string) string {
	here, err := os.Getwd()
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "."
	}
	inside, err := filepath.Rel(here, dir)
	if err != nil || !filepath.IsLocal(inside) {
		return ". # in the folder of this report"
	}
	return printable.Word(filepath.ToSlash(inside))
}

// versionFields lists versions and content hashes for a report, from run.json.
func versionFields(run *Run) ([]report.Field, error) {
	r, err := run.readRecord()
	if err != nil {
		return nil, err
	}
	fields := []report.Field{{Name: "lidr", Value: cmp.Or(r.Modules["lidrlab"], "not stamped")},
		{Name: "Go", Value: r.Go}, {Name: "backend", Value: r.Backend}}
	for _, path := range []string{"github.com/gomlx/gomlx", "github.com/gomlx/compute"} {
		fields = append(fields, report.Field{Name: path, Value: r.Modules[path]})
	}
	for _, name := range slices.SortedFunc(maps.Keys(r.Fingerprints), byRound) {
		fields = append(fields, report.Field{Name: "SHA-256 of " + name, Value: r.Fingerprints[name]})
	}
	return fields, nil
}
