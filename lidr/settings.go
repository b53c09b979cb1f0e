package lidr

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lidrlab/datasets/miniature"
	"lidrlab/lidr/checkpoint"
	"lidrlab/lidr/dpo"
	"lidrlab/lidr/lm"
)

// Settings holds everything that determines a run's results. Take a preset, [MiniatureSettings] or [PaperSettings], and
// change fields; every value is written to settings.json.
type Settings struct {
	Preset   string   `json:"preset"`
	Seed     int64    `json:"seed"`
	Rounds   int      `json:"rounds"`
	Dominant string   `json:"dominant"` // the language that the model is best in
	Trained  []string `json:"trained"`  // the other languages that pairs are made for
	Unseen   []string `json:"unseen"`   // languages that are only evaluated
	// StopWhenSaturated ends [Iterate] before the rounds are through: after a model whose gain over the one before it, in
	// correct_in_language over the trained languages, is not above its standard error, and before training on pairs whose
	// reward accuracy is not above 0.5 by more than its standard error. <model>/saturation.json says what was found.
	StopWhenSaturated bool `json:"stop_when_saturated"`

	Prompts   PromptSettings    `json:"prompts"`
	Generate  GenerateSettings  `json:"generate"`
	Translate TranslateSettings `json:"translate"`
	Pairs     PairSettings      `json:"pairs"`
	Train     TrainSettings     `json:"train"`
	Evaluate  EvaluateSettings  `json:"evaluate"`
}

// PromptSettings says where a round's prompts come from.
type PromptSettings struct {
	// Source is "miniature", or a folder or file that datasets.LoadPrompts reads.
	Source string `json:"source"`
	// N is the number of prompts of a round, each in every language (the paper: 1,000).
	N int `json:"n"`
	// Reuse keeps the first round's prompts in later rounds; otherwise round t takes the next N. The reference code
	// holds traces of both.
	Reuse bool `json:"reuse"`
}

// GenerateSettings says how the model answers.
type GenerateSettings struct {
	// Template wraps a prompt for the user turn; fields .Prompt and .Language (English name).
	Template string `json:"template"`
	// System is the system message, "" for none.
	System   string      `json:"system"`
	Sampling lm.Sampling `json:"sampling"`
	// Samples is the number of answers that [Generate] asks for to each prompt, each drawn from its own random stream; 0
	// stands for 1. More than one needs a temperature above 0. Another number is another list, asked anew.
	// [ScoreSamples] and [PairsByScore] choose among them; [Pairs], and so [Iterate], pairs them by their numbers.
	Samples int `json:"samples,omitempty"`
	// Thinking lets a model that can think do so before it answers, in evaluations too. What it thinks counts as new
	// tokens and is no part of the answer. Otherwise thinking is switched off, where the chat template or the server
	// offers that; in translations it always is.
	Thinking bool `json:"thinking,omitempty"`
	// MaxRefused is the largest share of a step's requests, of any kind, that a server may refuse for good (too long for
	// it, filtered): those are listed, counted, and left out of pairs and translations. More of them end the step after
	// all others are answered. 0 stands for 0.1, and for one request in a step of few.
	MaxRefused float64 `json:"max_refused,omitempty"`
}

// maxRefused is the share of requests that may be refused where the settings do not say.
const maxRefused = 0.1

// TranslateSettings says how the model translates its own answers.
type TranslateSettings struct {
	// Template makes the user turn; fields .Text, .From and .To (English language names).
	Template string `json:"template"`
	// Prefill is the beginning of the assistant turn; what follows, up to </translated>, is the translation.
	Prefill  string      `json:"prefill"`
	System   string      `json:"system"`
	Sampling lm.Sampling `json:"sampling"`
}

// released is the mode of pairs that follows the reference code to the letter.
const released = "released"

// PairSettings says which pairs are made and which are dropped. The zero value of every filter is off, as in the paper.
type PairSettings struct {
	// Mode is "paper" (the English rejected answer comes back from one language drawn at random for each prompt) or
	// "released" (what the reference code leaves: from the last trained language only, since its file is overwritten, and
	// no pair of a prompt and language between which and the dominant one either translation failed).
	Mode string `json:"mode"`
	// DropRepeatedLines drops pairs in which a side holds the same line five times or more (the reference code defines
	// the check and never applies it).
	DropRepeatedLines bool `json:"drop_repeated_lines"`
	// MaxLengthRatio drops pairs whose longer side exceeds the shorter by more than this factor, in characters.
	MaxLengthRatio float64 `json:"max_length_ratio"`
	// SameLanguage drops pairs whose chosen side is identified as another language than the prompt's. (A rejected
	// side in the wrong language is signal.)
	SameLanguage bool `json:"same_language"`
	// MaxCopied drops pairs whose translated side has more than this share of its words from its source ([eval.Copied]):
	// a small model leaves words untranslated, and then a pair says which language is better and not which answer. 0 is
	// off; people's translations are below 0.15.
	MaxCopied float64 `json:"max_copied,omitempty"`
	// DropIdentical drops pairs whose sides are equal.
	DropIdentical bool `json:"drop_identical"`
	// KeepFaulty names faults whose answers are sides of pairs all the same: lm.FaultCut or lm.FaultModel. Others have no
	// text that could be a side. (The reference code does not look at finish reasons, so it keeps cut answers.)
	KeepFaulty []string `json:"keep_faulty,omitempty"`
	// DropTranslationPrompts drops prompts that ask for a translation; otherwise, as in the reference code, their
	// English answer is the chosen one in every language, untranslated.
	DropTranslationPrompts bool `json:"drop_translation_prompts"`
}

// TrainSettings are the trainer's settings and the labels that it sees.
type TrainSettings struct {
	dpo.Settings
	// Labels is "pairs", or one of two controls: "random" swaps chosen and rejected of each pair with probability 1/2;
	// "own" makes the model's own answer y_l the chosen one, so that nothing is learned from the translation.
	Labels string `json:"labels"`
	// WithoutTail trains up to the token that ends an answer, and not on what the chat template writes behind it (in
	// ChatML a line end). Otherwise that counts too, as in today's LLaMA-Factory and TRL; a template that writes
	// nothing there, such as Llama 3's, has no tail.
	WithoutTail bool `json:"without_tail,omitempty"`
	// Cut names the program as which pairs of more than MaxLength tokens are cut, "llama-factory" or "trl" (see
	// [dpo.Cut]); "" refuses them.
	Cut string `json:"cut,omitempty"`
	// LanguageTemperature T mixes languages: an epoch has as many pairs as there are, those of a language with n pairs a
	// share ∝ n^(1/T) of them, as [dpo.Mix] draws them. 0 trains on every pair once an epoch.
	LanguageTemperature float64 `json:"language_temperature,omitempty"`
	// Curriculum trains on the pairs in an order: "margin", those first that the model finds right already (see
	// [dpo.Margins]), or "accuracy", those first whose language has the highest [RewardAccuracy]; "" draws it by seed.
	Curriculum string `json:"curriculum,omitempty"`
	// LoRA trains adapters in place of the weights; its zero value trains all weights. The frozen weights are the
	// reference too, so that there is no second copy of them. The peak of training a model of 109 M parameters was
	// 3.4 GB with all weights, 2.4 with LoRA, 0.91 with LoRA and Checkpointing, and 0.79 with bfloat16 as well. The
	// logits of a large vocabulary are computed in chunks in any case: 0.61 instead of 3.39 GB at 128,256 tokens.
	LoRA LoRASettings `json:"lora,omitzero"`
	// DType is how the frozen weights below an adapter are held: "float32", which "" stands for, or "bfloat16", to which
	// they are rounded for policy and reference alike. Computing is in float32 in any case: bfloat16 weights are widened
	// inside the products. A decoding step of a 110 M model then takes 0.5 to 0.6 of float32's time at batch 1, and
	// about the same time at batch 64 and in a LoRA step.
	DType string `json:"dtype,omitempty"`
	// Products is how matrices are multiplied: in "float32", which "" stands for, or in "bfloat16". Both sides of every
	// product with a matrix, forward and backward, are then rounded to bfloat16, for policy and reference alike, as
	// trainings in bfloat16 do elsewhere; sums, weights that are trained, loss and optimizer stay in float32. Below an
	// adapter the weights are held in that type too, and DType says so. With AVX-512 and its BF16 a LoRA step of 0.63 B
	// parameters takes 0.6 of the time, and training all of 135 M about 0.7; elsewhere nothing is gained.
	Products string `json:"products,omitempty"`
	// Checkpointing keeps one activation a layer and computes those inside it again in the backward pass: less memory,
	// 22 to 28 % more CPU time, equal losses.
	Checkpointing bool `json:"checkpointing,omitempty"`
}

// LoRASettings say what adapter is trained (Hu et al. 2021, arXiv 2106.09685): to the weight of each target it adds
// (Alpha/Rank)·B·A. What is learned is saved twice, as PEFT's adapter in <model>/adapter and merged in <model>/model.
//
//	s.Train.LoRA = lidr.LoRASettings{Rank: 16, Alpha: 32}
//	s.Train.LR = 1e-3 // adapters need a higher learning rate
//
// On the miniature (200 prompts, one training each) rank 16 gives +5.8 ± 1.5 points on the trained languages, and
// training all weights +5.9 ± 1.3 (scripts/lora).
type LoRASettings struct {
	Rank  int     `json:"rank"`  // of B·A; 0 for no adapter
	Alpha float64 `json:"alpha"` // LLaMA-Factory: 2·Rank
	// Targets are names of projections among q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj and down_proj (in Phi-3
	// qkv_proj, o_proj, gate_up_proj and down_proj); none for all of them, as LLaMA-Factory's lora_target: all.
	Targets []string `json:"targets,omitempty"`
}

// targets returns the projections that the adapter adds to in a model of configuration c.
func (s LoRASettings) targets(c checkpoint.Config) []string {
	if len(s.Targets) == 0 {
		return c.AdapterTargets()
	}
	return s.Targets
}

// describe names what is trained, in a few words.
func (s LoRASettings) describe() string {
	if s.Rank == 0 {
		return "none: all weights are trained"
	}
	targets := "all projections"
	if len(s.Targets) > 0 {
		targets = strings.Join(s.Targets, " ")
	}
	return fmt.Sprintf("rank %d, alpha %g, on %s", s.Rank, s.Alpha, targets)
}

// EvaluateSettings says what a model is measured on.
type EvaluateSettings struct {
	// Source is "miniature", or a folder or file of prompts with gold answers (MGSM); "" for a run that measures no model.
	Source string `json:"source"`
	// N is the number of problems a language; 0 takes all of a file's.
	N int `json:"n"`
	// Translations is the number of answers translated in each direction (miniature only).
	Translations int `json:"translations"`
	// Seed draws the miniature's problems. The reported seed was never used to choose a setting.
	Seed int64 `json:"seed"`
	// Shots is the number of worked examples before each problem, as earlier turns of the chat: what
	// lm-evaluation-harness does with --apply_chat_template --fewshot_as_multiturn and the first exemplars of MGSM. The
	// command's flags are --shots 8 --exemplars FOLDER.
	Shots int `json:"shots,omitempty"`
	// Exemplars is the folder or file of the worked examples, which datasets.LoadExemplars reads.
	Exemplars string `json:"exemplars,omitempty"`
	// Samples is the number of answers to each problem; 0 stands for 1. Every metric is of the first one; more of them
	// add pass_1 and pass_k, and majority_k where the task tells an answer's final number, and need a temperature above 0
	// in [GenerateSettings].Sampling.
	Samples int `json:"samples,omitempty"`
	// Identifier names the language identifier that labels the answers of files: "" is the small default, and "lingua"
	// lingua-go, which the command has linked (see [langid.Named]). The miniature's checker knows its own languages.
	Identifier string `json:"identifier,omitempty"`
}

// MiniatureSettings returns the settings for the embedded model: α 5 and learning rate 1e-4, found on seeds that no
// reported number uses (package datasets/paper, "What differs from the paper"). The demo's size is N = 200; the full
// size is 1,000.
func MiniatureSettings() Settings {
	s := Settings{
		Preset: "miniature", Seed: 1, Rounds: 2,
		Prompts: PromptSettings{Source: "miniature", N: 200},
		Generate: GenerateSettings{
			Template: "{{.Prompt}}",
			Sampling: lm.Sampling{MaxTokens: 112},
		},
		Translate: TranslateSettings{
			Template: miniature.TranslationTemplate, Prefill: miniature.TranslationPrefill,
			Sampling: lm.Sampling{MaxTokens: 128},
		},
		Pairs:    PairSettings{Mode: "paper"},
		Train:    TrainSettings{Settings: dpo.DefaultSettings(), Labels: "pairs"},
		Evaluate: EvaluateSettings{Source: "miniature", N: 250, Translations: 60, Seed: 90210},
	}
	for _, language := range miniature.Languages() {
		switch language.Role {
		case "dominant":
			s.Dominant = language.Code
		case "trained":
			s.Trained = append(s.Trained, language.Code)
		default:
			s.Unseen = append(s.Unseen, language.Code)
		}
	}
	s.Train.Alpha, s.Train.LR, s.Train.BatchPairs = 5, 1e-4, 32
	s.Train.Warmup, s.Train.Schedule, s.Train.FinalLR = 0.06, "polynomial", 0.1
	s.Train.AdamBeta2 = 0.98 // the one of M0's pretraining
	return s
}

// PaperSettings returns the settings of the paper's experiments; where the paper is silent, its reference code or
// published run names decide (package datasets/paper, "What differs from the paper"). Prompts.Source and
// Evaluate.Source must be set to folders.
func PaperSettings() Settings {
	return Settings{
		Preset: "paper", Seed: 42, Rounds: 2,
		Dominant: "en", Trained: []string{"es", "ru", "de", "fr"}, Unseen: []string{"zh", "ja", "sw", "th", "bn"},
		Prompts: PromptSettings{N: 1000},
		Generate: GenerateSettings{
			Template: "{{.Prompt}}", System: "You are a helpful assistant.",
			Sampling: lm.Sampling{RepetitionPenalty: 1.1, MaxTokens: 2400, Seed: 42},
		},
		Translate: TranslateSettings{
			Template: "Translate the following text from {{.From}} into {{.To}}. Keep its meaning, tone and formatting, " +
				"and add nothing. Put the translation between <translated> and </translated>.\n<sentence>\n{{.Text}}\n</sentence>",
			Prefill: "<translated>\n", System: "You are a helpful assistant.",
			Sampling: lm.Sampling{MaxTokens: 4096, Seed: 42},
		},
		Pairs:    PairSettings{Mode: "paper"},
		Train:    TrainSettings{Settings: dpo.DefaultSettings(), Labels: "pairs"},
		Evaluate: EvaluateSettings{Seed: 42},
	}
}

// Tiny returns the settings at a size that only shows that everything runs: 3 prompts a round, 3 problems a language.
func (s Settings) Tiny() Settings {
	s.Prompts.N = 3
	s.Evaluate.N, s.Evaluate.Translations = 3, 2
	return s
}

// Languages returns the dominant and the trained languages, the dominant one first.
func (s Settings) Languages() []string {
	return append([]string{s.Dominant}, s.Trained...)
}

// AllLanguages returns all languages of the run: the dominant, the trained and the unseen ones.
func (s Settings) AllLanguages() []string {
	return slices.Concat(s.Languages(), s.Unseen)
}

// changedFields names the settings that differ, by their path in settings.json, with both values.
func changedFields(before, now Settings) []string {
	var changed []string
	var walk func(path string, a, b any)
	walk = func(path string, a, b any) {
		left, isMap := a.(map[string]any)
		right, _ := b.(map[string]any)
		if !isMap || right == nil {
			if x, y := fmt.Sprint(a), fmt.Sprint(b); x != y {
				changed = append(changed, fmt.Sprintf("%s: %s there, %s now", strings.TrimPrefix(path, "."), x, y))
			}
			return
		}
		keys := maps.Clone(left)
		maps.Copy(keys, right) // a field that is left out where it is zero may be on one side only
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			walk(path+"."+key, left[key], right[key])
		}
	}
	walk("", asMap(before), asMap(now))
	return changed
}

func asMap(s Settings) map[string]any {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // numbers that JSON lacks are refused by validate, and by unchanged before this
	}
	var m map[string]any
	if err := json.Unmarshal(encoded, &m); err != nil {
		panic(err)
	}
	return m
}
