package handoff

import (
	"fmt"
	"slices"
	"strings"
)

// The names and meanings of the fields below are those of LLaMA-Factory 0.9: src/llamafactory/hparams, data/README.md.

// shareGPT is a line of pairs.jsonl: the conversation up to the answer, and two answers.
// Of SFT, the answer is the conversation's last message.
type shareGPT struct {
	Conversations []shareGPTMessage `json:"conversations"`
	Chosen        *shareGPTMessage  `json:"chosen,omitempty"`
	Rejected      *shareGPTMessage  `json:"rejected,omitempty"`
}

type shareGPTMessage struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// deepSpeed is ZeRO-3: weights, gradients and optimizer state are spread over the GPUs. "auto" takes what dpo.yaml
// says.
var deepSpeed = map[string]any{
	"train_batch_size":               "auto",
	"train_micro_batch_size_per_gpu": "auto",
	"gradient_accumulation_steps":    "auto",
	"gradient_clipping":              "auto",
	"zero_allow_untested_optimizer":  true,
	"bf16":                           map[string]any{"enabled": "auto"},
	"zero_optimization": map[string]any{
		"stage":                                     3,
		"overlap_comm":                              true,
		"contiguous_gradients":                      true,
		"reduce_bucket_size":                        "auto",
		"stage3_prefetch_bucket_size":               "auto",
		"stage3_param_persistence_threshold":        "auto",
		"stage3_gather_16bit_weights_on_model_save": true,
	},
}

// datasetInfo is dataset_info.json: where the data set that the settings name is, and in which form.
func (j *job) datasetInfo() map[string]any {
	columns := map[string]string{"messages": "conversations"}
	if !j.sft() {
		columns["chosen"], columns["rejected"] = "chosen", "rejected"
	}
	return map[string]any{"lidr": map[string]any{
		"file_name": "pairs.jsonl", "formatting": "sharegpt", "ranking": !j.sft(), "columns": columns,
	}}
}

func (j *job) writeLlamaFactory() error {
	lines, err := j.shareGPTLines()
	if err != nil {
		return err
	}
	if err := j.run.WriteLines(j.path("pairs.jsonl"), lines); err != nil {
		return err
	}
	if err := j.run.WriteJSON(j.path("dataset_info.json"), j.datasetInfo()); err != nil {
		return err
	}
	if err := j.run.Write(j.path(j.config()), j.llamaFactoryYAML()); err != nil {
		return err
	}
	nodes := ""
	if n := j.trainer.Nodes; n > 1 {
		nodes = fmt.Sprintf(" NNODES=%d NODE_RANK=$NODE_RANK MASTER_ADDR=$MASTER_ADDR MASTER_PORT=$MASTER_PORT", n)
	}
	train := "llamafactory-cli train " + j.config()
	if gpus := j.trainer.GPUs; gpus > 0 {
		train = fmt.Sprintf("FORCE_TORCHRUN=1 NPROC_PER_NODE=%d%s %s", gpus, nodes, train)
	}
	if j.run.Settings.Train.LoRA.Rank == 0 {
		if j.trainer.GPUs > 0 {
			if err := j.run.WriteJSON(j.path("deepspeed.json"), deepSpeed); err != nil {
				return err
			}
		}
		return j.writeLaunch(train)
	}
	if err := j.run.Write(j.path("merge.yaml"), j.mergeYAML()); err != nil {
		return err
	}
	merge := "llamafactory-cli export merge.yaml"
	if j.trainer.Nodes > 1 {
		merge = `[ "$NODE_RANK" != 0 ] || ` + merge
	}
	return j.writeLaunch(train, merge)
}

func (j *job) shareGPTLines() ([]shareGPT, error) {
	roles := map[string]string{"system": "system", "user": "human"}
	lines := make([]shareGPT, len(j.pairs))
	for i, pair := range j.pairs {
		messages, err := j.run.Settings.Generate.Messages(pair.Prompt, pair.Lang)
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			lines[i].Conversations = append(lines[i].Conversations, shareGPTMessage{roles[m.Role], m.Content})
		}
		chosen, rejected := shareGPTMessage{"gpt", pair.Chosen}, shareGPTMessage{"gpt", pair.Rejected}
		if j.sft() {
			lines[i].Conversations = append(lines[i].Conversations, chosen)
		} else {
			lines[i].Chosen, lines[i].Rejected = &chosen, &rejected
		}
	}
	return lines, nil
}

func (j *job) llamaFactoryYAML() []byte {
	s := j.run.Settings.Train
	tuning := []yamlRow{{"finetuning_type", "full", ""}}
	if j.trainer.GPUs > 0 {
		tuning = append(tuning, yamlRow{"deepspeed", "deepspeed.json", ""})
	}
	output := []yamlRow{
		{"output_dir", "../model", ""},
	}
	if s.LoRA.Rank > 0 {
		targets := "all"
		if len(s.LoRA.Targets) > 0 {
			targets = strings.Join(s.LoRA.Targets, ",")
		}
		tuning = []yamlRow{
			{"finetuning_type", "lora", ""},
			{"lora_rank", s.LoRA.Rank, ""},
		}
		output = []yamlRow{
			{"output_dir", "../adapter", "merge.yaml makes the model of it"},
			{"lora_alpha", int(s.LoRA.Alpha), ""},
			{"lora_target", targets, ""},
		}
	}
	var thinking []yamlRow
	if j.template == withThinking {
		thinking = []yamlRow{{"enable_thinking", j.run.Settings.Generate.Thinking, "as the answers were generated"}}
	}
	stage, objective := "sft", []yamlRow(nil)
	if !j.sft() {
		stage, objective = "dpo", j.preferences()
	}
	rows := slices.Concat([]yamlRow{
		j.baseRow(),
		{"stage", stage, ""},
		{"do_train", true, ""},
	}, tuning, objective, []yamlRow{
		{"dataset", "lidr", ""},
		{"dataset_dir", ".", ""},
		{"template", j.template, ""},
	}, thinking, []yamlRow{
		{"cutoff_len", s.MaxLength, "longer pairs are cut, not refused"},
		{"disable_shuffling", j.ordered, ""},
	}, output, j.arguments())
	return encodeYAML(j.about("llamafactory-cli train"), rows)
}

// preferences returns the fields of the loss of pairs. ORPO's has the NLL in it once.
func (j *job) preferences() []yamlRow {
	s := j.run.Settings.Train
	alpha := s.Alpha
	if s.Objective == "dpo" {
		alpha = 0
	} else if s.Loss == "orpo" {
		alpha--
	}
	rows := []yamlRow{
		{"pref_loss", s.Loss, ""},
		{"pref_beta", s.Beta, "β"},
		{"pref_ftx", alpha, "α, of the mean over sequences of the chosen side's NLL a token"},
	}
	if s.Loss == "orpo" {
		rows[2].comment += "; 1 less, which the loss has in it"
	}
	if s.LabelSmoothing > 0 {
		rows = append(rows, yamlRow{"dpo_label_smoothing", s.LabelSmoothing, ""})
	}
	if s.Loss == "simpo" {
		rows = append(rows, yamlRow{"simpo_gamma", s.Gamma, "γ"})
	}
	return rows
}

func (j *job) mergeYAML() []byte {
	return encodeYAML("Merges the adapters into the model.", []yamlRow{
		{"model_name_or_path", j.base.seen, ""},
		{"adapter_name_or_path", "../adapter", ""},
		{"template", j.template, ""},
		{"finetuning_type", "lora", ""},
		{"export_dir", "../model", ""},
		{"export_size", 5, "GB a file"},
		{"export_device", "cpu", ""},
		{"export_legacy_format", false, "safetensors"},
	})
}
