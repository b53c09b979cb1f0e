package lidr

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// The names and meanings of the fields below are those of LLaMA-Factory 0.9: src/llamafactory/hparams, data/README.md.

// shareGPT is a line of pairs.jsonl: the conversation up to the answer, and two answers.
type shareGPT struct {
	Conversations []shareGPTMessage `json:"conversations"`
	Chosen        shareGPTMessage   `json:"chosen"`
	Rejected      shareGPTMessage   `json:"rejected"`
}

type shareGPTMessage struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// deepSpeed is ZeRO-3: weights, gradients and optimizer state are spread over the GPUs. "auto" takes what dpo.yaml says.
var deepSpeed = map[string]any{
	"train_batch_size": "auto", "train_micro_batch_size_per_gpu": "auto", "gradient_accumulation_steps": "auto", "gradient_clipping": "auto",
	"zero_allow_untested_optimizer": true,
	"bf16":                          map[string]any{"enabled": "auto"},
	"zero_optimization": map[string]any{
		"stage": 3, "overlap_comm": true, "contiguous_gradients": true,
		"reduce_bucket_size": "auto", "stage3_prefetch_bucket_size": "auto", "stage3_param_persistence_threshold": "auto",
		"stage3_gather_16bit_weights_on_model_save": true,
	},
}

func writeLlamaFactory(run *Run, folder string, rows []Pair, r round) error {
	ask, err := asker(r.settings.Generate)
	if err != nil {
		return err
	}
	roles := map[string]string{"system": "system", "user": "human"}
	lines := make([]shareGPT, len(rows))
	for i, row := range rows {
		messages, err := ask(row.Prompt, row.Lang)
		if err != nil {
			return err
		}
		for _, m := range messages {
			lines[i].Conversations = append(lines[i].Conversations, shareGPTMessage{roles[m.Role], m.Content})
		}
		lines[i].Chosen, lines[i].Rejected = shareGPTMessage{"gpt", row.Chosen}, shareGPTMessage{"gpt", row.Rejected}
	}
	if err := writeLines(run, filepath.Join(folder, "pairs.jsonl"), lines); err != nil {
		return err
	}
	info := map[string]any{"lidr": map[string]any{
		"file_name": "pairs.jsonl", "formatting": "sharegpt", "ranking": true,
		"columns": map[string]string{"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
	}}
	if err := writeJSON(run, filepath.Join(folder, "dataset_info.json"), info); err != nil {
		return err
	}
	if err := run.write(filepath.Join(folder, "dpo.yaml"), llamaFactoryYAML(r)); err != nil {
		return err
	}
	t := r.trainer
	launch := fmt.Sprintf("FORCE_TORCHRUN=1 NPROC_PER_NODE=%d%s llamafactory-cli train dpo.yaml", t.GPUs, t.nodeVariables())
	if r.settings.Train.LoRA.Rank == 0 {
		if err := writeJSON(run, filepath.Join(folder, "deepspeed.json"), deepSpeed); err != nil {
			return err
		}
		return writeLaunch(run, folder, t, launch)
	}
	merge := yamlOf("Merges the adapters into the model.", []yamlRow{
		{"model_name_or_path", r.base, ""}, {"adapter_name_or_path", "../adapter", ""}, {"template", t.Template, ""}, {"finetuning_type", "lora", ""},
		{"export_dir", "../model", ""}, {"export_size", 5, "GB a file"}, {"export_device", "cpu", ""}, {"export_legacy_format", false, "safetensors"},
	})
	if err := run.write(filepath.Join(folder, "merge.yaml"), merge); err != nil {
		return err
	}
	export := "llamafactory-cli export merge.yaml"
	if t.Nodes > 1 {
		export = `[ "$NODE_RANK" != 0 ] || ` + export
	}
	return writeLaunch(run, folder, t, launch, export)
}

func llamaFactoryYAML(r round) []byte {
	s, t := r.settings.Train, r.trainer
	ftx := s.Alpha
	if s.Objective == "dpo" {
		ftx = 0
	}
	rows := []yamlRow{
		{"model_name_or_path", r.base, "M_t, which is also the frozen reference"},
		{"stage", "dpo", ""},
		{"do_train", true, ""},
		{"finetuning_type", "full", ""},
		{"deepspeed", "deepspeed.json", ""},
		{"pref_loss", "sigmoid", ""},
		{"pref_beta", s.Beta, "β"},
		{"pref_ftx", ftx, "α, of the mean over sequences of the chosen side's NLL a token"},
		{"dataset", "lidr", ""},
		{"dataset_dir", ".", ""},
		{"template", t.Template, ""},
		{"cutoff_len", s.MaxLength, "longer pairs are cut, not refused"},
		{"output_dir", "../model", ""},
	}
	if lora := s.LoRA; lora.Rank > 0 {
		targets := "all"
		if len(lora.Targets) > 0 {
			targets = strings.Join(lora.Targets, ",")
		}
		rows[3], rows[4] = yamlRow{"finetuning_type", "lora", ""}, yamlRow{"lora_rank", lora.Rank, ""}
		rows[len(rows)-1] = yamlRow{"output_dir", "../adapter", "merge.yaml makes the model of it"}
		rows = append(rows, yamlRow{"lora_alpha", int(lora.Alpha), ""}, yamlRow{"lora_target", targets, ""})
	}
	return yamlOf("DPO+NLL as in section 3 of arXiv 2410.08964, for llamafactory-cli train.", append(rows, r.training()...))
}

// families says which of LLaMA-Factory's templates belongs to which models: by a marker in the chat template or the model
// type where the model's folder is here, else by its name.
var families = []struct{ template, marker, name string }{
	{"llama3", "<|start_header_id|>", "llama-3"},
	{"llama2", "<<SYS>>", "llama-2"},
	{"qwen3_nothink", "", "qwen3"},
	{"qwen", "", "qwen2"},
	{"mistral", "[INST]", "mistral"},
	{"cohere", "<|START_OF_TURN_TOKEN|>", "aya-23"},
	{"chatml", "<|im_start|>", "chatml"},
}

// template names the chat template of a model, a folder or a hub name.
func (t Trainer) template(model string) (string, error) {
	if t.Template != "" {
		return t.Template, nil
	}
	name, text := strings.ToLower(model), ""
	var config struct {
		ModelType string `json:"model_type"`
	}
	if encoded, err := readForeign(filepath.Join(model, "config.json")); err == nil {
		if err := json.Unmarshal(encoded, &config); err != nil {
			return "", fmt.Errorf("%s: config.json: %w", model, err)
		}
		name = config.ModelType
	}
	for _, file := range []string{"tokenizer_config.json", "chat_template.jinja"} {
		part, err := readForeign(filepath.Join(model, file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		text += string(part)
	}
	text = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(text)
	for _, f := range families {
		if strings.Contains(name, f.name) || f.marker != "" && strings.Contains(text, f.marker) {
			return f.template, nil
		}
	}
	return "", fmt.Errorf("trainer: the chat template of %s is none that we know LLaMA-Factory's name of; say it in Trainer.Template", model)
}
