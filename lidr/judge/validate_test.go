package judge_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lidrlab/datasets"
	"lidrlab/lidr"
	"lidrlab/lidr/judge"
	"lidrlab/lidr/lidrtest"
	"lidrlab/lidr/lm"
)

var noNumbers = []any{math.NaN(), math.Inf(1), math.Inf(-1), -1.0}

// badSampling are values of lm.Sampling's fields that cannot work.
var badSampling = map[string][]any{
	"temperature": noNumbers, "top_p": append([]any{1.5}, noNumbers...), "top_k": {-1}, "repetition_penalty": noNumbers,
	"max_tokens": {0, -1}, "stop": {[]string{""}},
}

// walk visits the fields of a struct, down to those that are no structs, with their path in JSON.
func walk(path string, v reflect.Value, visit func(path string, field reflect.Value)) {
	if v.Kind() != reflect.Struct {
		visit(path, v)
		return
	}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		walk(strings.TrimPrefix(path+"."+name, "."), v.Field(i), visit)
	}
}

// refuses sets every field of settings to bad values, one at a time, and wants an error of validate that names it. Any
// value of the free fields works. A field that is in neither list fails the test.
func refuses[S any](t *testing.T, settings S, validate func(S) error, bad map[string][]any, free ...string) {
	t.Helper()
	if err := validate(settings); err != nil {
		t.Errorf("the preset is refused: %v", err)
	}
	walk("", reflect.ValueOf(&settings).Elem(), func(path string, field reflect.Value) {
		values := bad[path]
		name := path[strings.LastIndex(path, ".")+1:]
		if values == nil {
			values = badSampling[name]
		}
		if values == nil && !slices.Contains(free, path) && name != "seed" {
			t.Errorf("%T has a field %s of which the test knows no bad value", settings, path)
		}
		before := reflect.ValueOf(field.Interface())
		for _, value := range values {
			field.Set(reflect.ValueOf(value).Convert(field.Type()))
			if err := validate(settings); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%T with %s = %v: error %v, want one that names the field", settings, path, value, err)
			}
		}
		field.Set(before)
	})
}

// templates are bad values of a template that needs the fields: it leaves one out, names one that there is not, or is
// broken.
func templates(fields ...string) []any {
	all := ""
	for _, field := range fields {
		all += "{{." + field + "}} "
	}
	bad := []any{"", all + "{{.Unknown}}", all + "{{.", all + "{{if}}"}
	for _, field := range fields {
		bad = append(bad, strings.ReplaceAll(all, "{{."+field+"}}", ""))
	}
	return bad
}

func TestSettingsAreRefused(t *testing.T) {
	t.Parallel()
	refuses(t, judge.Defaults(), judge.Settings.Validate, map[string][]any{
		"template": templates("Instruction", "First", "Second"),
	}, "system", "both_orders")
	refuses(t, judge.RatingDefaults(), judge.RatingSettings.Validate, map[string][]any{
		"template": templates("Instruction", "Answer"),
	}, "system")
	refuses(t, judge.MTBenchDefaults(), judge.MTBenchSettings.Validate, map[string][]any{
		"temperatures": {
			map[string]float64{"math": math.NaN()}, map[string]float64{"math": math.Inf(1)}, map[string]float64{"math": -0.1},
		},
		"reference_categories": {[]string{"math", ""}},
		"single":               templates("Question1", "Answer1"),
		"single_reference":     templates("Question1", "Reference1", "Answer1"),
		"multi_turn":           templates("Question2", "Answer2"),
		"multi_turn_reference": templates("Question2", "Reference2", "Answer2"),
		"systems":              {map[string]string{"first": "Be fair."}},
	}, "system")
	refuses(t, judge.MTPairDefaults(), judge.MTPairSettings.Validate, map[string][]any{
		"reference_categories": {[]string{"math", ""}},
		"single":               templates("Question1", "AnswerA1", "AnswerB1"),
		"single_reference":     templates("Question1", "Reference1", "AnswerA1", "AnswerB1"),
		"multi_turn":           templates("Question2", "AnswerA2", "AnswerB2"),
		"multi_turn_reference": templates("Question2", "Reference2", "AnswerA2", "AnswerB2"),
		"systems":              {map[string]string{"pair": "Be fair."}},
	}, "system")
}

// What Validate refuses is refused by the steps before they ask or write anything, and so is an answer as long as the
// context of the model that is to give it.
func TestStepsRefuseSettings(t *testing.T) {
	t.Parallel()
	run := newRun(t)
	m0, rater := newScripted(t, "m0", 0, mtWrite), newScripted(t, "judge", 0, rateWorth)
	miniature, err := lidr.LoadModel("miniature")
	if err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(lidrtest.Hashes(t, run.Dir))
	outputs := datasets.Frame([]judge.Output{{ID: "1", Lang: "de", Prompt: "eins", Response: "zwei"}})
	steps := func(grader *lidr.Model, sampling lm.Sampling) []error {
		s, r, m := judge.Defaults(), judge.RatingDefaults(), judge.MTBenchDefaults()
		s.Sampling, r.Sampling, m.Judge = sampling, sampling, sampling
		_, _, compared := judge.Compare(t.Context(), run, "M1-M0", grader, outputs, outputs, s)
		_, _, rated := judge.Rate(t.Context(), run, m0.model(t), grader, datasets.Frame(worthPairs()), r)
		_, graded := judge.MTBench(t.Context(), run, m0.model(t), grader, mtBench(t), m)
		return []error{compared, rated, graded}
	}
	for i, err := range steps(rater.model(t), lm.Sampling{}) {
		if err == nil || !strings.Contains(err.Error(), "field max_tokens is 0") {
			t.Errorf("step %d without tokens: %v", i, err)
		}
	}
	for i, err := range steps(miniature, lm.Sampling{MaxTokens: miniature.LM().ContextLength()}) {
		if err == nil || !strings.Contains(err.Error(), "expected fewer than the context length of miniature") {
			t.Errorf("step %d with too many tokens: %v", i, err)
		}
	}
	if after := fmt.Sprint(lidrtest.Hashes(t, run.Dir)); after != before || m0.requests+rater.requests > 0 {
		t.Errorf("%d and %d requests, or files, of what was refused", m0.requests, rater.requests)
	}
}
