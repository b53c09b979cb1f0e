package lm

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestValidateRefusesEveryBadField(t *testing.T) {
	bad := map[string][]any{
		"temperature":        {},
		"top_p":              {1.01},
		"top_k":              {-1},
		"repetition_penalty": {},
		"max_tokens":         {-1, 0},
		"stop":               {[]string{""}, []string{"\n", ""}},
		"seed":               {}, // any
	}
	sampling := reflect.TypeFor[Sampling]()
	for i := range sampling.NumField() {
		field := sampling.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		values, ok := bad[name]
		if !ok {
			t.Errorf("field %s has no row in this table", name)
		}
		if field.Type.Kind() == reflect.Float64 {
			values = append(values, -1.0, math.NaN(), math.Inf(1), math.Inf(-1))
		}
		for _, value := range values {
			s := Sampling{MaxTokens: 1}
			reflect.ValueOf(&s).Elem().Field(i).Set(reflect.ValueOf(value))
			err := s.Validate()
			want := fmt.Sprintf("field %s is %v, expected ", name, value)
			if texts, ok := value.([]string); ok {
				want = fmt.Sprintf(`field stop[%d] is "", expected `, len(texts)-1)
			}
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s = %v: error %v, want %q and so on", name, value, err, want)
			}
		}
	}
}

func TestValidateTakesTheEdges(t *testing.T) {
	for name, s := range map[string]Sampling{
		"greedy": {MaxTokens: 1},
		"all filters": {Temperature: 1.5, TopP: 1, TopK: 1, RepetitionPenalty: 1.1, MaxTokens: 4096, Stop: []string{"\n"},
			Seed: -1},
		"top_p": {Temperature: 1, TopP: 0.01, MaxTokens: 1},
	} {
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
