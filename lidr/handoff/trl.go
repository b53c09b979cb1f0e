package handoff

import (
	"fmt"
	"slices"
	"strings"

	"lidrlab/lidr/tokenizer"
)

// trlLine is a line of data/train.jsonl. A side is TRL's conversational form, messages, or its standard one, a text.
// Of SFT, the answer is called completion.
type trlLine struct {
	Prompt     any             `json:"prompt"`
	Chosen     any             `json:"chosen,omitempty"`
	Rejected   any             `json:"rejected,omitempty"`
	Completion any             `json:"completion,omitempty"`
	Template   map[string]bool `json:"chat_template_kwargs,omitempty"`
}

// trlLines are the pairs in TRL's conversational form. Where the chat template asks whether the model is to think, each
// line says so.
func (j *job) trlLines() ([]trlLine, error) {
	lines := make([]trlLine, len(j.pairs))
	for i, pair := range j.pairs {
		messages, err := j.run.Settings.Generate.Messages(pair.Prompt, pair.Lang)
		if err != nil {
			return nil, err
		}
		lines[i].Prompt = messages
		answer := func(text string) any { return []tokenizer.Message{{Role: "assistant", Content: text}} }
		if tok := j.model.Tokenizer(); tok != nil && tok.Thinks() {
			thinking := j.run.Settings.Generate.Thinking
			text, err := thoughtless(tok.Thinking(thinking), messages, pair.Chosen)
			if err != nil {
				return nil, err
			}
			if text != "" {
				lines[i].Prompt, answer = text, func(text string) any { return text }
			} else {
				lines[i].Template = map[string]bool{"enable_thinking": thinking}
			}
		}
		if j.sft() {
			lines[i].Completion = answer(pair.Chosen)
		} else {
			lines[i].Chosen, lines[i].Rejected = answer(pair.Chosen), answer(pair.Rejected)
		}
	}
	return lines, nil
}

// thoughtless returns the rendered prompt of a chat template that does not write an answer right behind it: that would
// count an empty thought as part of the answer. TRL ends texts by itself. It is "" for other templates.
func thoughtless(tok *tokenizer.Tokenizer, messages []tokenizer.Message, answer string) (string, error) {
	prompt, err := tok.RenderChat(messages, true)
	if err != nil {
		return "", err
	}
	answered := append(slices.Clone(messages), tokenizer.Message{Role: "assistant", Content: answer})
	whole, err := tok.RenderChat(answered, false)
	if err != nil || strings.HasPrefix(whole, prompt+answer) {
		return "", err
	}
	return prompt, nil
}

func (j *job) writeTRL() error {
	lines, err := j.trlLines()
	if err != nil {
		return err
	}
	if err := j.run.WriteLines(j.path("data", "train.jsonl"), lines); err != nil {
		return err
	}
	if err := j.run.Write(j.path(j.config()), j.trlYAML()); err != nil {
		return err
	}
	if err := j.run.Write(j.path("accelerate.yaml"), j.accelerateYAML()); err != nil {
		return err
	}
	nodes := ""
	if j.trainer.Nodes > 1 {
		nodes = " --machine_rank $NODE_RANK --main_process_ip $MASTER_ADDR --main_process_port $MASTER_PORT"
	}
	return j.writeLaunch(
		"last=$(ls -d ../model/checkpoint-* 2>/dev/null | sort -t- -k2 -n | tail -n 1)",
		fmt.Sprintf(`accelerate launch --config_file accelerate.yaml%s -m trl.scripts.%s --config %s `+
			`${last:+--resume_from_checkpoint "$last"}`, nodes, j.script(), j.config()))
}

// script is TRL's module for the objective, below trl.scripts.
func (j *job) script() string {
	if j.sft() {
		return "sft"
	}
	return "dpo"
}

// accelerateYAML says how the processes are spread: by ZeRO-3 over the GPUs, or one on the CPU. The same arguments of
// trl's own command line are lost in some versions (0.24).
func (j *job) accelerateYAML() []byte {
	rows := []yamlRow{
		{"compute_environment", "LOCAL_MACHINE", ""},
		{"num_machines", j.trainer.Nodes, ""},
		{"num_processes", j.trainer.processes(), ""},
	}
	if j.trainer.GPUs == 0 {
		return encodeYAML("Trains in one process on the CPU.", append(rows, []yamlRow{
			{"distributed_type", "NO", ""},
			{"mixed_precision", "no", ""},
			{"use_cpu", true, ""},
		}...))
	}
	return encodeYAML("Spreads weights, gradients and optimizer state over the GPUs, as trl's zero3.yaml does.",
		append(rows, []yamlRow{
			{"distributed_type", "DEEPSPEED", ""},
			{"mixed_precision", "bf16", ""},
			{"deepspeed_config", map[string]any{
				"deepspeed_multinode_launcher": "standard",
				"offload_optimizer_device":     "none",
				"offload_param_device":         "none",
				"zero3_init_flag":              true,
				"zero3_save_16bit_model":       true,
				"zero_stage":                   3,
			}, ""},
		}...))
}

// trlYAML holds fields of DPOConfig or SFTConfig, and of ModelConfig (trl/trainer/dpo_config.py, sft_config.py,
// model_config.py).
func (j *job) trlYAML() []byte {
	s := j.run.Settings.Train
	rows := []yamlRow{j.baseRow(), {"dataset_name", "data", "the folder beside this file"}}
	header := j.about("python -m trl.scripts." + j.script() + " --config")
	if !j.sft() {
		losses, weights := []string{s.Loss}, []float64{1}
		if s.Objective == "dpo+nll" {
			losses, weights = append(losses, "sft"), append(weights, s.Alpha)
			header += `
The loss sft is the mean NLL of all chosen tokens of one pass of one GPU; the paper's, LLaMA-Factory's, is the mean over
sequences of their mean. The two are equal with one pair a pass.`
		}
		rows = append(rows, []yamlRow{
			{"loss_type", losses, ""},
			{"loss_weights", weights, "1 and α"},
			{"beta", s.Beta, "β"},
		}...)
		if s.LabelSmoothing > 0 {
			rows = append(rows, yamlRow{"label_smoothing", s.LabelSmoothing, ""})
		}
	}
	rows = append(rows, []yamlRow{
		{"max_length", s.MaxLength, "longer pairs are cut, not refused"},
		{"output_dir", "../model", ""},
	}...)
	if j.trainer.GPUs == 0 {
		rows = append(rows, yamlRow{"dtype", "float32", ""})
	}
	if j.ordered {
		rows = append(rows, yamlRow{"train_sampling_strategy", "sequential", ""})
	}
	return encodeYAML(header, append(rows, j.arguments()...))
}
