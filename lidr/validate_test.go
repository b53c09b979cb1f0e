package lidr

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// anyValue are the fields of Settings, by their path in settings.json, that take every value of their type: free text,
// seeds and switches. A new field that is checked by nothing fails the test until it is checked or stands here.
var anyValue = map[string]bool{
	"preset": true, "seed": true, "train.seed": true, "evaluate.seed": true,
	"generate.sampling.seed": true, "translate.sampling.seed": true,
	"generate.system": true, "translate.system": true, "translate.prefill": true,
	"generate.sampling.stop": true, "translate.sampling.stop": true, // checked below
}

// badValues are values that no checked field of their type takes.
func badValues(field reflect.Value) []any {
	switch field.Kind() {
	case reflect.Float64:
		return []any{math.NaN(), math.Inf(1), math.Inf(-1), -1.0}
	case reflect.Int:
		return []any{-1, math.MaxInt}
	case reflect.String:
		return []any{"no such value\x00"}
	case reflect.Slice:
		return []any{[]string{"no such value\x00"}}
	}
	return nil
}

// Every field of every settings struct refuses what cannot work, when the run is opened, by its name.
func TestEveryFieldIsChecked(t *testing.T) {
	checked := 0
	var walk func(path string, at func(*Settings) reflect.Value)
	walk = func(path string, at func(*Settings) reflect.Value) {
		example := reflect.TypeFor[Settings]()
		var zero Settings
		field := at(&zero)
		if field.Kind() == reflect.Struct {
			for i := range field.NumField() {
				name, _, _ := strings.Cut(field.Type().Field(i).Tag.Get("json"), ",")
				inner := strings.TrimPrefix(path+"."+name, ".")
				if name == "" { // embedded
					inner = path
				}
				walk(inner, func(s *Settings) reflect.Value { return at(s).Field(i) })
			}
			return
		}
		for _, bad := range badValues(field) {
			s := MiniatureSettings()
			s.Train.LoRA = LoRASettings{Rank: 4, Alpha: 8}
			s.Evaluate.Shots, s.Evaluate.Exemplars = 1, t.TempDir()
			at(&s).Set(reflect.ValueOf(bad).Convert(field.Type()))
			dir := t.TempDir() + "/run"
			run, err := Open(dir, s)
			if anyValue[path] {
				if err != nil && path != "generate.sampling.stop" {
					t.Errorf("%s = %v is refused, and listed as taking any value: %v", path, bad, err)
				} else if err == nil {
					run.Close()
				}
				continue
			}
			checked++
			last := path[strings.LastIndex(path, ".")+1:]
			if err == nil {
				t.Errorf("%s of %s = %v is accepted", path, example, bad)
				run.Close()
			} else if !strings.Contains(err.Error(), last) &&
				!(strings.Contains(err.Error(), "languages") && strings.Contains(fmt.Sprint(bad), "no such")) {
				t.Errorf("%s = %v: the error does not name the field: %v", path, bad, err)
			}
		}
	}
	walk("", func(s *Settings) reflect.Value { return reflect.ValueOf(s).Elem() })
	if checked < 80 { // 2026: 24 numbers with a point, 20 whole ones, 12 texts and lists
		t.Errorf("only %d values were tried; does the walk still reach every struct?", checked)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	for want, change := range map[string]func(*Settings){
		"field prompts.n is 0":                            func(s *Settings) { s.Prompts.N = 0 },
		"field trained is [en], expected languages other": func(s *Settings) { s.Trained = []string{"en"} },
		`field unseen is "de", which is in trained`:       func(s *Settings) { s.Unseen = []string{"de"} },
		`field pairs.mode is "both", expected paper`:      func(s *Settings) { s.Pairs.Mode = "both" },
		`field train.labels is "none"`:                    func(s *Settings) { s.Train.Labels = "none" },
		`field unseen is "xx", expected a code`:           func(s *Settings) { s.Unseen = []string{"xx"} },
		"objective":                                       func(s *Settings) { s.Train.Objective = "dpo-nll" },
		"schedule":                                        func(s *Settings) { s.Train.Schedule = "cosin" },
		"nll":                                             func(s *Settings) { s.Train.NLL = "tokens" },
		"cut is \"longest\"":                              func(s *Settings) { s.Train.Cut = "longest" },
		"lr is -1":                                        func(s *Settings) { s.Train.LR = -1 },
		"batch_pairs is 0":                                func(s *Settings) { s.Train.BatchPairs = 0 },
		"max_tokens is 0":                                 func(s *Settings) { s.Generate.Sampling.MaxTokens = 0 },
		"field train.beta is NaN, expected a finite":      func(s *Settings) { s.Train.Beta = math.NaN() },
		"generate.template never uses {{.Prompt}}":        func(s *Settings) { s.Generate.Template = "Say hello." },
		"translate.template never uses {{.Text}}": func(s *Settings) {
			s.Translate.Template = "Translate into " +
				"{{.To}}."
		},
		"replay":        func(s *Settings) { s.Train.Replay = 1 << 40 },
		`stop[0] is ""`: func(s *Settings) { s.Generate.Sampling.Stop = []string{""} },
		`"ja", which the language identifier of miniature`: func(s *Settings) { s.Unseen = []string{"ja"} },
		`field prompts.source is "nowhere"`:                func(s *Settings) { s.Prompts.Source = "nowhere" },
		"evaluate.n is 1":                                  func(s *Settings) { s.Evaluate.N = 1 },
	} {
		s := MiniatureSettings()
		change(&s)
		_, err := Open(t.TempDir()+"/run", s)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "settings: ") {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for _, s := range []Settings{MiniatureSettings(), MiniatureSettings().Tiny()} {
		if run, err := Open(t.TempDir()+"/run", s); err != nil {
			t.Errorf("the preset is refused: %v", err)
		} else {
			run.Close()
		}
	}
	paper := PaperSettings()
	paper.Prompts.Source, paper.Evaluate.Source = t.TempDir(), t.TempDir()
	if _, err := Open(t.TempDir()+"/run", paper); err != nil {
		t.Errorf("the paper's preset is refused: %v", err)
	}
	// On an existing run folder NaN panicked.
	run, _ := openTest(t, MiniatureSettings())
	nan := run.Settings
	nan.Train.Beta = math.NaN()
	if _, err := Open(run.Dir, nan); err == nil || !strings.Contains(err.Error(), "train.beta") {
		t.Errorf("NaN on an existing run: %v", err)
	}
}
