package pretrain

import (
	"fmt"
	"math"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
)

// Settings determine an M0 of the miniature world. Its texts, and so its tokenizer, come from Mix.
type Settings struct {
	Seed      int64             `json:"seed"` // draws the weights, the examples and their order
	Steps     int               `json:"steps"`
	Tokens    int               `json:"tokens"` // of one step, padding included
	Mix       miniature.Mix     `json:"mix"`
	Config    checkpoint.Config `json:"config"` // VocabSize is the size of the tokenizer that is trained
	Optimizer dpo.Settings      `json:"optimizer"`
}

// Defaults returns the settings of the M0 that ships. Shape, optimizer and mix were settled on other evaluation
// problems than the reported ones.
func Defaults() Settings {
	optimizer := dpo.DefaultSettings()
	optimizer.LR, optimizer.Warmup, optimizer.Schedule, optimizer.FinalLR = 2e-3, 0.05, "linear", 0.03
	optimizer.AdamBeta2, optimizer.WeightDecay = 0.98, 0.05
	optimizer.MicroBatch, optimizer.MaxLength = 0, 512
	return Settings{
		Seed: 102, Steps: 4500, Tokens: 2048, Mix: miniature.DefaultMix(), Optimizer: optimizer,
		Config: checkpoint.Config{
			Architectures: []string{"LlamaForCausalLM"}, ModelType: "llama",
			VocabSize: 2048, HiddenSize: 128, NumHiddenLayers: 4, NumAttentionHeads: 4, NumKeyValueHeads: 4, HeadDim: 32,
			IntermediateSize: 384, MaxPositionEmbeddings: 2048, RMSNormEps: 1e-5, RopeTheta: 10000,
			TieWordEmbeddings: true, BOSTokenID: -1, TorchDType: "float32",
		},
	}
}

// Validate returns an error naming the field that cannot work, and what was expected. [Make] calls it.
func (s Settings) Validate() error {
	bad := func(field string, value any, expected string) error {
		return fmt.Errorf("pretraining settings: field %s is %v, expected %s", field, value, expected)
	}
	switch {
	case s.Steps < 1:
		return bad("steps", s.Steps, "at least 1")
	case s.Tokens < 1:
		return bad("tokens", s.Tokens, "at least 1")
	case !atLeastZero(float64(s.Mix.PromptWeight)):
		return bad("mix.prompt_weight", s.Mix.PromptWeight, "a finite number of at least 0")
	}
	for _, share := range []struct {
		field string
		value float64
	}{
		{"dominant", s.Mix.Dominant}, {"direct", s.Mix.Direct}, {"switched_in", s.Mix.SwitchedIn},
		{"switched_out", s.Mix.SwitchedOut}, {"mixed_in", s.Mix.MixedIn}, {"corrupted", s.Mix.Corrupted},
		{"prompt_text", s.Mix.PromptText}, {"one_sentence", s.Mix.OneSentence},
	} {
		if !(share.value >= 0 && share.value <= 1) {
			return bad("mix."+share.field, share.value, "a share from 0 to 1")
		}
	}
	translated := 0.0
	for _, language := range miniature.Languages() {
		lang := language.Code
		if n := s.Mix.Problems[lang]; n < 0 {
			return bad("mix.problems."+lang, n, "0 or more")
		}
		if n := s.Mix.Switched[lang]; n < 0 {
			return bad("mix.switched."+lang, n, "0 or more")
		}
		if weight := s.Mix.Translations[lang]; !atLeastZero(weight) {
			return bad("mix.translations."+lang, weight, "a finite number of at least 0")
		}
		if language.Role != "dominant" {
			translated += s.Mix.Translations[lang]
		}
	}
	if translated == 0 {
		return bad("mix.translations", s.Mix.Translations, "a positive weight for at least one language")
	}
	if err := s.Config.Validate(); err != nil {
		return fmt.Errorf("pretraining settings: config: %w", err)
	}
	if err := s.Optimizer.Validate(); err != nil {
		return fmt.Errorf("pretraining settings: optimizer: %w", err)
	}
	return nil
}

func atLeastZero(x float64) bool { return x >= 0 && !math.IsInf(x, 0) }
