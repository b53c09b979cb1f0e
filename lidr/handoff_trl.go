package lidr

import (
	"fmt"
	"path/filepath"

	"lidrlab/lidr/tokenizer"
)

// conversation is a line of data/train.jsonl, in TRL's conversational form.
type conversation struct {
	Prompt   []tokenizer.Message `json:"prompt"`
	Chosen   []tokenizer.Message `json:"chosen"`
	Rejected []tokenizer.Message `json:"rejected"`
}

func writeTRL(run *Run, folder string, rows []Pair, r round) error {
	ask, err := asker(r.settings.Generate)
	if err != nil {
		return err
	}
	lines := make([]conversation, len(rows))
	for i, row := range rows {
		if lines[i].Prompt, err = ask(row.Prompt, row.Lang); err != nil {
			return err
		}
		lines[i].Chosen = []tokenizer.Message{{Role: "assistant", Content: row.Chosen}}
		lines[i].Rejected = []tokenizer.Message{{Role: "assistant", Content: row.Rejected}}
	}
	if err := writeLines(run, filepath.Join(folder, "data", "train.jsonl"), lines); err != nil {
		return err
	}
	if err := run.write(filepath.Join(folder, "dpo.yaml"), trlYAML(r)); err != nil {
		return err
	}
	t := r.trainer
	launch := fmt.Sprintf("trl dpo --config dpo.yaml --accelerate_config zero3 --num_processes %d", t.GPUs*t.Nodes)
	if t.Nodes > 1 {
		launch += fmt.Sprintf(" --num_machines %d --machine_rank $NODE_RANK --main_process_ip $MASTER_ADDR --main_process_port $MASTER_PORT", t.Nodes)
	}
	return writeLaunch(run, folder, t, launch)
}

// trlYAML holds DPOConfig's and ModelConfig's fields (trl/trainer/dpo_config.py, model_config.py).
func trlYAML(r round) []byte {
	s := r.settings.Train
	losses, weights := []string{"sigmoid"}, []float64{1}
	if s.Objective == "dpo+nll" {
		losses, weights = append(losses, "sft"), append(weights, s.Alpha)
	}
	rows := []yamlRow{
		{"model_name_or_path", r.base, "M_t, which is also the frozen reference"},
		{"dataset_name", "data", "the folder beside this file"},
		{"loss_type", losses, ""},
		{"loss_weights", weights, "1 and α; TRL before 0.20 says rpo_alpha instead of a second loss"},
		{"beta", s.Beta, "β"},
		{"max_length", s.MaxLength, "longer pairs are cut, not refused"},
		{"output_dir", "../model", ""},
	}
	return yamlOf(`DPO+NLL as in section 3 of arXiv 2410.08964, for trl dpo --config, TRL 0.20 and later.
The loss sft is the mean NLL of all chosen tokens of one pass of one GPU; the paper's, LLaMA-Factory's, is the mean over
sequences of their mean. The two are equal with one pair a pass.`, append(rows, r.training()...))
}
