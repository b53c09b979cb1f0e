package handoff

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr"
)

// family is a form of conversation that LLaMA-Factory has a name for, or does not.
type family struct {
	template string   // LLaMA-Factory's name (src/llamafactory/data/template.py of 0.9.5); "" where it has none
	marker   string   // in the chat template, where the model's files are here; "" for none
	names    []string // in the model's name on the hub, or its model_type
	lacks    string   // what is missing where there is no name
}

// families are looked through in order. Gemma's is the template gemma, which renders what Gemma 2's and 3's own do;
// gemma2 adds an end token to every answer.
var families = []family{
	{"llama3", "<|start_header_id|>", []string{"llama-3"}, ""},
	{"llama2", "<<SYS>>", []string{"llama-2"}, ""},
	{"", "<|START_RESPONSE|>", []string{"command-r7b", "command-a", "tiny-aya"},
		"its cohere has no <|START_RESPONSE|>, which Command R7B and later write before an answer"},
	{"", "", []string{"olmo2", "olmo-2"}, "its olmo is the first OLMo's, which ends a question without a new line"},
	{"", "", []string{"smollm3"}, "its smollm2 does not think, as SmolLM3 does"},
	{"", "", []string{"qwen3_5", "qwen3.5", "qwen3.6", "qwen3-vl", "qwen3_vl"}, "its qwen3 is not theirs"},
	{"phi4_mini", "'<|' + message", []string{"phi-4-mini"}, ""},
	{"phi4", "<|im_sep|>", []string{"phi-4"}, ""},
	{"phi_small", "", []string{"phi-3-small", "phi3small"}, ""},
	{"phi", "<|end|>", []string{"phi-3"}, ""},
	{"granite4", "", []string{"granite-4", "granitemoehybrid"}, ""},
	{"granite3", "<|start_of_role|>", []string{"granite-3"}, ""},
	{"gemma", "<start_of_turn>", []string{"gemma-2", "gemma-3", "gemma-7b"}, ""},
	{"smollm2", "named SmolLM", []string{"smollm2"}, ""},
	{"smollm", "", []string{"smollm"}, ""},
	{withoutThinking, "", []string{"qwen3"}, ""},
	{"qwen", "", []string{"qwen2"}, ""},
	{"mistral", "[INST]", []string{"mistral"}, ""},
	{"cohere", "<|START_OF_TURN_TOKEN|>", []string{"aya-23", "aya-expanse", "command-r"}, ""},
	{"chatml", "<|im_start|>", []string{"chatml"}, ""},
}

// of reports whether a model is of the family, by its name or model type, or its chat template.
func (f family) of(name, template string) bool {
	named := func(part string) bool { return strings.Contains(name, part) }
	return slices.ContainsFunc(f.names, named) || f.marker != "" && strings.Contains(template, f.marker)
}

// LLaMA-Factory's two templates of Qwen3: the first is of models that are asked whether they are to think, and writes
// the empty thought that their own template writes where they are not (enable_thinking).
const (
	withThinking    = "qwen3"
	withoutThinking = "qwen3_nothink"
)

// asksThinking says whether a Qwen3's chat template asks if the model is to think. Of one on the hub, whose template is
// not here, the name tells.
func asksThinking(name, template string) bool {
	if template != "" {
		return strings.Contains(template, "enable_thinking")
	}
	return !slices.ContainsFunc([]string{"instruct", "coder", "2507"}, func(kind string) bool {
		return strings.Contains(name, kind)
	})
}

// chatTemplate returns LLaMA-Factory's name of the base's chat template.
func (t Trainer) chatTemplate(b base, m *lidr.Model) (string, error) {
	if t.Template != "" {
		return t.Template, nil
	}
	name, text, err := b.describe(m)
	if err != nil {
		return "", err
	}
	const advice = "say it in Trainer.Template, or take TRL, which renders the model's own"
	for _, f := range families {
		switch {
		case !f.of(name, text):
		case f.template == "":
			return "", fmt.Errorf("trainer: LLaMA-Factory has no name for the chat template of %s: %s; %s", b.path, f.lacks,
				advice)
		case f.template == withoutThinking && asksThinking(name, text):
			return withThinking, nil
		default:
			return f.template, nil
		}
	}
	return "", fmt.Errorf("trainer: the chat template of %s is none that LLaMA-Factory is known to have a name for; %s",
		b.path, advice)
}

// readModelType returns model_type of a folder's config.json, "" where there is none.
func readModelType(folder string) (string, error) {
	var config struct {
		ModelType string `json:"model_type"`
	}
	encoded, err := readOptional(filepath.Join(folder, "config.json"))
	if err != nil || len(encoded) == 0 {
		return "", err
	}
	if err := json.Unmarshal(encoded, &config); err != nil {
		return "", fmt.Errorf("%s: config.json: %w", folder, err)
	}
	return config.ModelType, nil
}
