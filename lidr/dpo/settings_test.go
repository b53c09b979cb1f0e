package dpo

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// badNumbers are refused in every field that is a number with a fraction.
var badNumbers = []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1)}

func TestValidateRefusesEveryBadField(t *testing.T) {
	bad := map[string][]any{
		"objective":       {"", "dpo-nll", "DPO"},
		"loss":            {"", "dpo", "SimPO"},
		"label_smoothing": {0.5},
		"gamma":           {0.5},
		"beta":            {0.0},
		"alpha":           {},
		"nll":             {"", "tokens"},
		"lr":              {0.0},
		"warmup":          {1.01},
		"schedule":        {"", "cosin"},
		"final_lr":        {1.01},
		"weight_decay":    {},
		"adam_beta1":      {1.0},
		"adam_beta2":      {1.0},
		"adam_eps":        {0.0},
		"moments":         {"8 bits"},
		"clip_norm":       {},
		"batch_pairs":     {-1, 0, math.MaxInt},
		"micro_batch":     {-1, math.MaxInt},
		"epochs":          {-1, 0, math.MaxInt},
		"max_length":      {-1},
		"order":           {"shuffled"},
		"replay":          {-1, 1025, math.MaxInt},
		"seed":            {}, // any
	}
	settings := reflect.TypeFor[Settings]()
	for i := range settings.NumField() {
		field := settings.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		values, ok := bad[name]
		if !ok {
			t.Errorf("field %s has no row in this table", name)
		}
		if field.Type.Kind() == reflect.Float64 {
			for _, number := range badNumbers {
				values = append(values, number)
			}
		}
		for _, value := range values {
			s := DefaultSettings()
			reflect.ValueOf(&s).Elem().Field(i).Set(reflect.ValueOf(value))
			err := s.Validate()
			printed := fmt.Sprint(value)
			if field.Type.Kind() == reflect.String {
				printed = fmt.Sprintf("%q", value)
			}
			want := fmt.Sprintf("field %s is %s, expected ", name, printed)
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s = %v: error %v, want %q and so on", name, value, err, want)
			}
		}
	}
}

func TestValidateTakesTheEdges(t *testing.T) {
	for name, change := range map[string]func(*Settings){
		"the defaults":      func(*Settings) {},
		"dpo":               func(s *Settings) { s.Objective = "dpo" },
		"most smoothing":    func(s *Settings) { s.LabelSmoothing = 0.49 },
		"robust":            func(s *Settings) { s.Loss, s.LabelSmoothing = "robust", 0.1 },
		"simpo":             func(s *Settings) { s.Loss, s.Beta, s.Gamma = "simpo", 2, 1 },
		"sft without beta":  func(s *Settings) { s.Objective, s.Beta = "sft", 0 },
		"no NLL":            func(s *Settings) { s.Alpha = 0 },
		"per token":         func(s *Settings) { s.NLL = "token" },
		"shares of 0":       func(s *Settings) { s.Warmup, s.FinalLR, s.AdamBeta1, s.AdamBeta2 = 0, 0, 0, 0 },
		"shares of 1":       func(s *Settings) { s.Warmup, s.FinalLR = 1, 1 },
		"nothing clipped":   func(s *Settings) { s.ClipNorm = 0 },
		"smallest counts":   func(s *Settings) { s.BatchPairs, s.MicroBatch, s.Epochs, s.MaxLength = 1, 0, 1, 0 },
		"most replay":       func(s *Settings) { s.Replay = 1024 },
		"a negative seed":   func(s *Settings) { s.Seed = -1 },
		"an older schedule": func(s *Settings) { s.Schedule = "constant" },
		"linear to a floor": func(s *Settings) { s.Schedule, s.FinalLR = "polynomial", 0.1 },
	} {
		s := DefaultSettings()
		change(&s)
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
