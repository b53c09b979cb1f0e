package handoff

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lidrlab/lidr"
)

// families says which of LLaMA-Factory's templates belongs to which models: by a marker in the chat template or the
// model type where the model's files are here, else by its name.
var families = []struct{ template, marker, name string }{
	{"llama3", "<|start_header_id|>", "llama-3"},
	{"llama2", "<<SYS>>", "llama-2"},
	{withoutThinking, "", "qwen3"},
	{"qwen", "", "qwen2"},
	{"mistral", "[INST]", "mistral"},
	{"cohere", "<|START_OF_TURN_TOKEN|>", "aya-23"},
	{"chatml", "<|im_start|>", "chatml"},
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
	for _, f := range families {
		if strings.Contains(name, f.name) || f.marker != "" && strings.Contains(text, f.marker) {
			if f.template == withoutThinking && asksThinking(name, text) {
				return withThinking, nil
			}
			return f.template, nil
		}
	}
	return "", fmt.Errorf("trainer: the chat template of %s is none that LLaMA-Factory is known to have a name for; "+
		"say it in Trainer.Template", b.path)
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
