package lidr

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lidrlab/lidr/lm"
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
	{"training", "gradient norm, at most", func(s Settings) any { return s.Train.ClipNorm }, "Transformers' default"},
	{"training", "replayed translations a step", func(s Settings) any { return s.Train.Replay }, "paper: none"},
	{"training", "LoRA", func(s Settings) any { return s.Train.LoRA.describe() },
		"our choice: the paper does not say full or LoRA"},
	{"training", "weights held as", func(s Settings) any { return cmp.Or(s.Train.DType, "float32") },
		"our choice: not stated"},
	{"training", "gradient checkpointing", func(s Settings) any { return s.Train.Checkpointing },
		"our choice: changes no result"},
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

// settingRows names the source of each value: the paper preset's, the miniature preset's, or this run's own.
func settingRows(s Settings) []report.Setting {
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

// versionFields lists versions and content hashes for a report, from run.json.
func versionFields(run *Run) ([]report.Field, error) {
	r, err := run.readRecord()
	if err != nil {
		return nil, err
	}
	fields := []report.Field{{Name: "Go", Value: r.Go}, {Name: "backend", Value: r.Backend}}
	for _, path := range []string{"github.com/gomlx/gomlx", "github.com/gomlx/compute"} {
		fields = append(fields, report.Field{Name: path, Value: r.Modules[path]})
	}
	for _, name := range slices.SortedFunc(maps.Keys(r.Fingerprints), byRound) {
		fields = append(fields, report.Field{Name: "SHA-256 of " + name, Value: r.Fingerprints[name]})
	}
	return fields, nil
}
