package lidr

import (
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"

	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/langid"
	"lidrlab/lidr/lm"
)

// Whole numbers beyond these are mistakes: a run would not end, or not fit into any memory.
const (
	maxNumber  = 1_000_000_000
	maxDrawn   = 1_000_000 // problems of the miniature world, whose drawing takes 20 seconds
	maxRounds  = 100
	maxShots   = 1000
	maxReplay  = 4096 // sequences a step
	maxSamples = 1000
)

// keepable are the faults of answers that have a text all the same.
var keepable = []string{lm.FaultCut, lm.FaultModel}

// Validate returns an error naming the field that cannot work, and what was expected. [Open] calls it, and looks for
// the files that the settings name.
func (s Settings) Validate() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("settings: field %s is %v, expected %s", field, value, expected)
	}
	in := func(path string, err error) error { // "field max_tokens is …" of the struct at path
		if err == nil {
			return nil
		}
		return fmt.Errorf("settings: field %s.%s", path, strings.TrimPrefix(err.Error(), "field "))
	}
	if err := reasonable("", reflect.ValueOf(s)); err != nil {
		return err
	}
	switch {
	case s.Rounds < 0 || s.Rounds > maxRounds:
		return bad("rounds", s.Rounds, fmt.Sprintf("0 to %d", maxRounds))
	case s.Prompts.N < 1:
		return bad("prompts.n", s.Prompts.N, "at least 1")
	case s.Prompts.Source == miniatureSource && s.Prompts.N > maxDrawn/max(1, s.Rounds):
		return bad("prompts.n", s.Prompts.N, fmt.Sprintf("at most %d: the miniature world draws up to %d problems in %d "+
			"rounds", maxDrawn/max(1, s.Rounds), maxDrawn, max(1, s.Rounds)))
	case s.Prompts.Source == "":
		return bad("prompts.source", `""`, `"miniature" or a folder of prompts`)
	case s.Pairs.Mode != "paper" && s.Pairs.Mode != released:
		return bad("pairs.mode", fmt.Sprintf("%q", s.Pairs.Mode), "paper or released")
	case s.Pairs.MaxLengthRatio != 0 && s.Pairs.MaxLengthRatio < 1:
		return bad("pairs.max_length_ratio", s.Pairs.MaxLengthRatio, "0 (off), or 1 or more")
	case !(s.Pairs.MaxCopied >= 0 && s.Pairs.MaxCopied < 1):
		return bad("pairs.max_copied", s.Pairs.MaxCopied, "0 (off), or a share below 1 such as 0.15")
	case !(s.Generate.MaxRefused >= 0 && s.Generate.MaxRefused <= 1):
		return bad("generate.max_refused", s.Generate.MaxRefused, fmt.Sprintf("above 0 to 1, or 0 for %g", maxRefused))
	case slices.ContainsFunc(s.Pairs.KeepFaulty, func(fault string) bool { return !slices.Contains(keepable, fault) }):
		return bad("pairs.keep_faulty", fmt.Sprintf("%q", s.Pairs.KeepFaulty), fmt.Sprintf("names among %q", keepable))
	case s.Train.Replay > 0 && s.Generate.Samples > 1:
		return bad("train.replay", s.Train.Replay, "0 with generate.samples: it rehearses the translation of one answer to "+
			"a prompt")
	case s.Evaluate.N < 0 || s.Evaluate.N == 1:
		return bad("evaluate.n", s.Evaluate.N, "0 (all of a file's), or at least 2: one problem gives no standard error")
	case s.Evaluate.Source == miniatureSource && s.Evaluate.N > maxDrawn:
		return bad("evaluate.n", s.Evaluate.N, fmt.Sprintf("at most %d problems of the miniature world", maxDrawn))
	case s.Evaluate.Translations > maxDrawn:
		return bad("evaluate.translations", s.Evaluate.Translations, fmt.Sprintf("at most %d", maxDrawn))
	case s.Evaluate.Source == miniatureSource && s.Evaluate.N == 0:
		return bad("evaluate.n", 0, "at least 2: the miniature world has no end")
	case s.Evaluate.Translations < 0 || s.Evaluate.Translations == 1:
		return bad("evaluate.translations", s.Evaluate.Translations, "0 (none), or at least 2: one gives no standard error")
	case s.Evaluate.Shots < 0 || s.Evaluate.Shots > maxShots:
		return bad("evaluate.shots", s.Evaluate.Shots, fmt.Sprintf("0 to %d", maxShots))
	case s.Evaluate.Shots > 0 && s.Evaluate.Exemplars == "":
		return bad("evaluate.exemplars", `""`, "a folder of worked examples for evaluate.shots")
	}
	for field, samples := range map[string]int{"generate.samples": s.Generate.Samples,
		"evaluate.samples": s.Evaluate.Samples} {
		if samples < 0 || samples > maxSamples {
			return bad(field, samples, fmt.Sprintf("0 (one) to %d", maxSamples))
		}
		if samples > 1 && s.Generate.Sampling.Temperature == 0 {
			return bad(field, samples, "1 at generate.sampling.temperature 0, where all answers to a prompt are equal")
		}
	}
	if _, err := s.Generate.parsed(); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if _, err := s.Translate.parsed(); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return errors.Join(s.validateLanguages(), s.Train.validate(),
		in("generate.sampling", s.Generate.Sampling.Validate()), in("translate.sampling", s.Translate.Sampling.Validate()))
}

// findSources looks for the files and the language identifier that the settings name.
func (s Settings) findSources(own Task) error {
	if err := s.findFiles(own); err != nil {
		return err
	}
	if _, err := os.Stat(s.Evaluate.Exemplars); err != nil && s.Evaluate.Exemplars != "" {
		return fmt.Errorf("settings: field evaluate.exemplars is %q, expected a file or folder that can be read: %w",
			s.Evaluate.Exemplars, err)
	}
	return s.identifiable()
}

// findFiles looks for the sources of prompts, but for those of the task that the run was opened with.
func (s Settings) findFiles(own Task) error {
	for _, named := range []struct{ field, path string }{
		{"prompts.source", s.Prompts.Source}, {"evaluate.source", s.Evaluate.Source},
	} {
		if named.path == "" || named.path == miniatureSource || own != nil && named.path == own.Name() {
			continue
		}
		if _, err := os.Stat(named.path); err != nil {
			return fmt.Errorf("settings: field %s is %q, expected \"miniature\" or a file or folder that can be read, "+
				"in a form of package datasets: %w", named.field, named.path, err)
		}
	}
	return nil
}

func (s Settings) validateLanguages() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("settings: field %s is %v, expected %s", field, value, expected)
	}
	switch {
	case s.Dominant == "":
		return bad("dominant", `""`, "a language code such as en")
	case len(s.Trained) == 0:
		return bad("trained", "empty", "at least one language code")
	case slices.Contains(s.Trained, s.Dominant):
		return bad("trained", s.Trained, "languages other than the dominant one, "+s.Dominant)
	}
	seen := map[string]string{} // the field of each code
	for _, list := range []struct {
		field string
		codes []string
	}{{"dominant", []string{s.Dominant}}, {"trained", s.Trained}, {"unseen", s.Unseen}} {
		for _, code := range list.codes {
			if LanguageName(code) == "" {
				return bad(list.field, fmt.Sprintf("%q", code), "a code of a language, such as de or pt-BR")
			}
			if before := seen[code]; before != "" {
				return bad(list.field, fmt.Sprintf("%q, which is in %s", code, before), "each language once in all three")
			}
			seen[code] = list.field
		}
	}
	return nil
}

func (s TrainSettings) validate() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("settings: field train.%s is %v, expected %s", field, value, expected)
	}
	switch {
	case !slices.Contains([]string{"pairs", "random", "own"}, s.Labels):
		return bad("labels", fmt.Sprintf("%q", s.Labels), "pairs, random or own")
	case !slices.Contains([]string{"", "llama-factory", "trl"}, s.Cut):
		return bad("cut", fmt.Sprintf("%q", s.Cut), `"" (longer pairs are refused), "llama-factory" or "trl"`)
	case s.Cut != "" && s.MaxLength == 0:
		return bad("cut", fmt.Sprintf("%q", s.Cut), `"" where max_length is 0: say how long pairs may be`)
	case s.LanguageTemperature != 0 && !(s.LanguageTemperature >= 1) || math.IsInf(s.LanguageTemperature, 1):
		return bad("language_temperature", s.LanguageTemperature, "0 (off) or a finite number of at least 1")
	case !slices.Contains([]string{"", "margin", "accuracy"}, s.Curriculum):
		return bad("curriculum", fmt.Sprintf("%q", s.Curriculum), `"" (drawn by seed), "margin" or "accuracy"`)
	case s.LoRA.Rank < 0:
		return bad("lora.rank", s.LoRA.Rank, "0 (all weights are trained) or more")
	case s.LoRA.Rank > 0 && !(s.LoRA.Alpha > 0):
		return bad("lora.alpha", s.LoRA.Alpha, "more than 0, such as twice the rank")
	case s.Replay > maxReplay:
		return bad("replay", s.Replay, fmt.Sprintf("0 to %d sequences a step", maxReplay))
	case s.LoRA.Rank == 0 && (s.LoRA.Alpha != 0 || len(s.LoRA.Targets) > 0):
		return bad("lora.rank", 0, "at least 1 where alpha or targets are set")
	case !slices.Contains([]string{"", "float32", "bfloat16"}, s.DType):
		return bad("dtype", fmt.Sprintf("%q", s.DType), "float32 or bfloat16")
	case s.DType == "bfloat16" && s.LoRA.Rank == 0:
		return bad("dtype", s.DType, "float32 where all weights are trained: bfloat16 is too coarse for an optimizer's "+
			"steps; train with lora")
	case !slices.Contains([]string{"", "float32", "bfloat16"}, s.Products):
		return bad("products", fmt.Sprintf("%q", s.Products), "float32 or bfloat16")
	case s.Products == "bfloat16" && s.DType != "bfloat16" && s.LoRA.Rank > 0:
		return bad("products", s.Products, "float32 where the weights below an adapter are not held as dtype bfloat16")
	}
	for i, target := range s.LoRA.Targets {
		if !slices.Contains(checkpoint.AdapterTargets(), target) || slices.Contains(s.LoRA.Targets[:i], target) {
			return bad("lora.targets", s.LoRA.Targets, "each at most once of "+strings.Join(checkpoint.AdapterTargets(), ", "))
		}
	}
	if err := s.Settings.Validate(); err != nil {
		return fmt.Errorf("settings: field train.%s", strings.TrimPrefix(err.Error(), "field "))
	}
	return nil
}

// reasonable refuses NaN, infinities and whole numbers above maxNumber in every field, by its path in settings.json.
// Seeds are int64, and any number.
func reasonable(path string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("settings: field %s is %v, expected a finite number", path, f)
		} else if math.Abs(f) > maxNumber {
			return fmt.Errorf("settings: field %s is %v, expected at most %d", path, f, maxNumber)
		}
	case reflect.Int:
		if n := v.Int(); n > maxNumber {
			return fmt.Errorf("settings: field %s is %d, expected at most %d", path, n, maxNumber)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			inner := strings.TrimPrefix(path+"."+name, ".")
			if name == "" { // embedded
				inner = path
			}
			if err := reasonable(inner, v.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// identifiable is an error for a language identifier that this program lacks.
func (s Settings) identifiable() error {
	if _, err := langid.Named(s.Evaluate.Identifier); err != nil {
		return fmt.Errorf("settings: field evaluate.identifier: %w", err)
	}
	return nil
}
